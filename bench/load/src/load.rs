//! A load for tests and benchmarks: many equal companies, and a steady stream over a period.

use crate::company::Company;
use crate::mix::Mix;
use crate::murmur2::partition_of;
use crate::produced::Produced;
use crate::rng::Rng;
use crate::trouble::Trouble;
use crate::upstream::Upstream;
use chrono::{DateTime, Duration, Utc};

/// What to generate. The same load always gives the same records.
#[derive(Clone, Debug)]
pub struct Load {
    /// Seed of everything random.
    pub seed: u64,
    /// The number of records, including repeats and bad ones.
    pub records: u64,
    /// The number of companies, with equal shares.
    pub companies: usize,
    /// The number of partitions of every topic; a record's key determines its partition.
    pub partitions: i32,
    /// The mix of records.
    pub mix: Mix,
    /// The shares of repeated, late and bad records.
    pub trouble: Trouble,
    /// The approximate length of payloads in bytes; 0 leaves them as they are.
    pub payload_bytes: usize,
    /// When the first record is produced.
    pub from: DateTime<Utc>,
    /// When the last record is produced.
    pub until: DateTime<Utc>,
    /// Each record is drawn from a window of this many: below 2 the stream is in the order of production; with
    /// `records` any order is equally likely.
    pub window: usize,
}

impl Load {
    /// The benchmarks' load: 60-byte events of 1,000 companies on 8 partitions, 5,000,000 within the hour up to `until`.
    #[must_use]
    pub fn plain(seed: u64, until: DateTime<Utc>) -> Self {
        Self {
            seed,
            records: 5_000_000,
            companies: 1_000,
            partitions: 8,
            mix: Mix::EVENTS,
            trouble: Trouble::NONE,
            payload_bytes: 60,
            from: until - Duration::hours(1),
            until,
            window: 1,
        }
    }

    /// A load with everything in the contract, over the three days up to `until`.
    #[must_use]
    pub fn mixed(seed: u64, until: DateTime<Utc>) -> Self {
        Self {
            records: 100_000,
            companies: 50,
            mix: Mix::ALL,
            trouble: Trouble {
                repeats: 0.10,
                stragglers: 0.05,
                bad: 0.01,
                confluent: 0.10,
                json: 0.02,
                ..Trouble::NONE
            },
            payload_bytes: 0,
            from: until - Duration::days(3),
            window: 10_000,
            ..Self::plain(seed, until)
        }
    }

    /// Its records, in the order in which they are produced.
    #[must_use]
    pub fn records(&self) -> Records {
        let companies = (0..self.companies).map(Company::numbered).collect();
        Records {
            upstream: Upstream::new(self.seed, companies, self.mix, self.trouble, self.payload_bytes),
            order: Rng::new(!self.seed),
            load: self.clone(),
            made: 0,
            waiting: Vec::new(),
        }
    }
}

/// The records of a load, generated on demand.
#[derive(Clone, Debug)]
pub struct Records {
    load: Load,
    upstream: Upstream,
    order: Rng,
    made: u64,
    waiting: Vec<Produced>,
}

impl Records {
    fn make(&mut self) -> Option<Produced> {
        if self.made == self.load.records {
            return None;
        }
        let span = i128::from((self.load.until - self.load.from).num_milliseconds());
        let passed = span * i128::from(self.made) / i128::from(self.load.records);
        let passed = i64::try_from(passed).expect("no more than the span");
        self.made += 1;
        let mut record = self.upstream.record(self.load.from + Duration::milliseconds(passed));
        record.partition = Some(partition_of(&record.key, self.load.partitions));
        Some(record)
    }
}

impl Iterator for Records {
    type Item = Produced;

    fn next(&mut self) -> Option<Produced> {
        if self.load.window < 2 {
            return self.make();
        }
        while self.waiting.len() < self.load.window {
            match self.make() {
                Some(record) => self.waiting.push(record),
                None => break,
            }
        }
        let index = self.order.index(self.waiting.len());
        (!self.waiting.is_empty()).then(|| self.waiting.swap_remove(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.load.records - self.made).unwrap_or(usize::MAX);
        let left = left.saturating_add(self.waiting.len());
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::truth::Truth;
    use recount::Horizon;
    use std::collections::HashMap;

    fn until() -> DateTime<Utc> {
        "2026-02-25T10:00:00Z".parse().unwrap()
    }

    /// A hash with a fixed definition, over everything that Kafka receives.
    fn digest(records: impl Iterator<Item = Produced>) -> u64 {
        let eat = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        records.fold(0xcbf2_9ce4_8422_2325, |hash, record| {
            [&record.key, &record.payload].into_iter().flatten().fold(hash, eat)
        })
    }

    #[test]
    fn a_seed_gives_the_same_records_in_every_version() {
        let load = Load { records: 20_000, ..Load::mixed(7, until()) };
        assert_eq!(digest(load.records()), digest(load.records()));
        assert_ne!(digest(load.records()), digest(Load { seed: 8, ..load }.records()));
        let plain = Load { records: 1_000, ..Load::plain(1, until()) };
        assert_eq!(digest(plain.records()), PLAIN_DIGEST);
    }

    const PLAIN_DIGEST: u64 = 0x419f_d5ca_4ade_3c29;

    #[test]
    fn plain_records_are_new_and_of_the_size_asked_for() {
        let load = Load { records: 50_000, ..Load::plain(1, until()) };
        let mut truth = Truth::new(Horizon::at(until()));
        for record in load.records() {
            assert_eq!(record.payload.len(), 60);
            truth.take(&record);
        }
        assert_eq!(truth.tally.counted, 50_000);
        let mut without_identities = Truth::of_new_records(Horizon::at(until()));
        load.records().for_each(|record| without_identities.take(&record));
        assert_eq!((without_identities.tally, without_identities.cells), (truth.tally, truth.cells));
    }

    #[test]
    fn trouble_comes_in_the_shares_asked_for() {
        let load = Load::mixed(3, until());
        let records: Vec<_> = load.records().collect();
        let truth = Truth::of(Horizon::at(until()), &records);
        assert_eq!(records.len(), 100_000);
        let refused = truth.tally.refused;
        assert!((800..1_200).contains(&refused), "{refused} refused");
        assert_eq!(truth.dead_letters.len(), 11, "{:?}", truth.dead_letters);
        let repeated = truth.tally.repeated;
        assert!((9_000..20_000).contains(&repeated), "{repeated} repeated");
        let json = records.iter().filter(|record| !record.headers.is_empty()).count();
        assert!((1_000..3_000).contains(&json), "{json} in JSON");
    }

    #[test]
    fn repeats_have_the_identity_of_what_they_repeat() {
        let trouble = Trouble { repeats: 0.25, ..Trouble::NONE };
        let load = Load { records: 40_000, trouble, ..Load::plain(4, until()) };
        let truth = Truth::of(Horizon::at(until()), &load.records().collect::<Vec<_>>());
        assert_eq!(truth.tally.counted + truth.tally.repeated, 40_000);
        let repeated = truth.tally.repeated;
        assert!((9_500..10_500).contains(&repeated), "{repeated} repeated");
    }

    #[test]
    fn order_does_not_change_the_truth() {
        let load = Load { records: 20_000, ..Load::mixed(5, until()) };
        let truth = Truth::of(Horizon::at(until()), &load.records().collect::<Vec<_>>());
        let mut records: Vec<_> = Load { window: 1, ..load }.records().collect();
        Rng::new(1).shuffle(&mut records);
        let other = Truth::of(Horizon::at(until()), &records);
        assert_eq!(truth.tally, other.tally);
        assert_eq!(truth.totals(), other.totals());
        assert_eq!(truth.channels(3_600), other.channels(3_600));
        assert_eq!(truth.organizations, other.organizations);
    }

    #[test]
    fn records_about_one_message_name_the_same_channel_and_some_name_none() {
        let mut channels: HashMap<String, String> = HashMap::new();
        let load = Load { records: 20_000, ..Load::mixed(6, until()) };
        for record in load.records() {
            let Some(Message::Delivery(delivery)) = record.content else { continue };
            // A bad record may have lost its id.
            if delivery.message_id.is_empty() {
                continue;
            }
            let known = channels.entry(delivery.message_id.clone()).or_insert(delivery.channel.clone());
            assert_eq!(*known, delivery.channel, "{}", delivery.message_id);
        }
        for channel in ["email", "sms", "whatsapp", "push", ""] {
            let messages = channels.values().filter(|known| *known == channel).count();
            assert!(messages > channels.len() / 20, "{messages} of {channel:?}");
        }
    }

    #[test]
    fn records_about_one_thing_share_a_partition() {
        let mut places: HashMap<(String, String), Option<i32>> = HashMap::new();
        for record in Load::mixed(2, until()).records() {
            let Some(message) = &record.content else { continue };
            let thing = (message.organization().to_owned(), message.id().to_owned());
            let place = *places.entry(thing).or_insert(record.partition);
            if !message.organization().is_empty() && !message.id().is_empty() {
                assert_eq!(place, record.partition);
            }
        }
    }
}
