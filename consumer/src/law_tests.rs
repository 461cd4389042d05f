//! The law that all exactness rests on: the tables are a function of the set of records. However the records are shuffled,
//! repeated, cut into batches and spread over partitions, and whichever claims members lose meanwhile, the tables are the
//! same.
//!
//! The pure parts run as in production; the tables are maps.

use crate::batch::{Batch, Claim};
use crate::decide::changes::{Changes, Messages, PartitionChanges};
use crate::decide::held_partition::HeldPartition;
use crate::decide::member::Member;
use crate::decide::undecided::DecidedBatch;
use crate::ledger::filter::Filter;
use crate::ledger::segment::{PageKey, Segment};
use crate::ledger::{Ledger, PageRead, Size, Tuning};
use crate::record::decode::Bounds;
use crate::record::identity::Fingerprints;
use crate::record::layouts::Reading;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Raw, Topic};
use crate::refused::allowance::{Allowance, Keeping};
use crate::store::{ChannelRows, PreparedCounters, Rows};
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters, Durations, Quarter, channels};
use load::{Format, Message};
use proptest::prelude::*;
use prost_types::Timestamp;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
    event::Body,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const BOUNDS: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };
const KEEPING: Keeping = Keeping { hour: 0, whole_per_hour: 10_000, payload_bytes_max: 1 << 16 };

/// What identifies a record, and the format it comes in. What it says follows from its identity, so that copies never
/// contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sketch {
    topic: Topic,
    organization: u8,
    id: u8,
    /// In seconds: around the bounds of quarters, hours and days, but one time in each quarter. If two copies differed in
    /// time, which of them is counted would depend on their order.
    second: i64,
    /// Of a message its status; of an event its body.
    status: u8,
    form: u8,
}

impl Sketch {
    /// The record's value, and the type that its header declares.
    fn value(self) -> (Option<&'static str>, Vec<u8>) {
        let message = self.message();
        let json = || Format::Json.write(&message);
        match self.form {
            0 => (None, Format::Plain.write(&message)),
            1 => (None, Format::Confluent.write(&message)),
            2 => (Some("application/json"), json()),
            _ => (Some("application/cloudevents+json"), [&b"{\"data\": "[..], &json(), b"}"].concat()),
        }
    }

    /// The same id may be an order's, a payment's and an update's.
    fn message(self) -> Message {
        let time = Some(Timestamp { seconds: self.second, nanos: i32::from(self.id) });
        let (organization_id, id) = (format!("org{}", self.organization), format!("id{}", self.id));
        let sort = (u64::from(self.id) + u64::from(self.organization)) % 5;
        match self.topic {
            Topic::Events => {
                let outcome = 1 + i32::from(self.id % 2);
                let body = match self.status % 4 {
                    0 => Body::OrderCreated(OrderCreated::default()),
                    1 | 2 => Body::PaymentAttempted(PaymentAttempted { payment_id: String::new(), outcome }),
                    _ => Body::OrganizationUpdated(OrganizationUpdated {
                        name: id.clone(),
                        ..Default::default()
                    }),
                };
                Message::Event(Event { event_id: id, organization_id, occurred_at: time, body: Some(body) })
            }
            Topic::WorkflowTerminals => Message::Workflow(WorkflowTerminal {
                execution_id: id.clone(),
                organization_id,
                workflow_id: format!("w{}", self.id % 2),
                workflow_name: id,
                outcome: 1 + (sort % 3) as i32,
                finished_at: time,
                execution_time_ms: sort * 100,
                error_message: "why".into(),
            }),
            Topic::MessageDeliveries => Message::Delivery(MessageDelivery {
                message_id: id,
                organization_id,
                status: 1 + i32::from(self.status % 4),
                sent_at: time,
                occurred_at: time,
                channel: self.channel(),
            }),
        }
    }

    /// Some organization has more channels than may have a name of their own, of names of several lengths.
    fn channel(self) -> String {
        match (self.organization, self.id) {
            (_, 0) => String::new(),
            (0, id) => format!("c{}", id % 3),
            (_, id) => "x".repeat(usize::from(id) * 9) + &self.second.to_string(),
        }
    }

    fn partition(self, partitions: i32) -> Partition {
        Partition { topic: self.topic, number: i32::from(self.id) % partitions }
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let topic =
        prop_oneof![Just(Topic::Events), Just(Topic::WorkflowTerminals), Just(Topic::MessageDeliveries)];
    let second = prop::sample::select(vec![899i64, 900, 3_599, 3_600, 86_399, 86_400, 90_000]);
    (topic, 0u8..3, 0u8..12, second, 0u8..4, 0u8..4).prop_map(
        |(topic, organization, id, second, status, form)| Sketch {
            topic,
            organization,
            id,
            second,
            status,
            form,
        },
    )
}

type Workflow = (String, DateTime<Utc>, [i64; 4], Durations);

/// The tables, as maps.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tables {
    counters: BTreeMap<(BucketSize, String, DateTime<Utc>), Counters>,
    channels: BTreeMap<(String, String, Quarter), Messages>,
    channel_names: BTreeMap<String, BTreeSet<(usize, String)>>,
    workflows: BTreeMap<(String, String, DateTime<Utc>), Workflow>,
    failures: BTreeMap<(String, String), (DateTime<Utc>, String)>,
    organizations: BTreeMap<String, (DateTime<Utc>, i16, String, String)>,
    pages: BTreeMap<PageKey, BTreeSet<u64>>,
    /// The sums of all segments.
    books: Counters,
    tails: BTreeMap<Partition, Vec<Vec<Segment>>>,
    next: BTreeMap<Partition, Offset>,
    epochs: BTreeMap<Partition, i64>,
}

impl Tables {
    fn claim(&mut self, partition: Partition) -> Claim {
        let epoch = *self.epochs.entry(partition).and_modify(|epoch| *epoch += 1).or_insert(1);
        let position = *self.next.entry(partition).or_insert(Offset(0));
        Claim {
            partition,
            epoch,
            position,
            until: None,
            leader_epoch: None,
            spread: None,
            allowance: Allowance::spent(0, 0),
        }
    }

    /// The transaction: the compare-and-set, then the rows of the partitions that moved. Returns those.
    fn commit(&mut self, changes: &Changes, prepared: &PreparedCounters) -> Vec<Partition> {
        let moves = |changes: &&PartitionChanges| {
            self.epochs[&changes.partition] == changes.epoch
                && self.next[&changes.partition] == changes.span.from
        };
        let moving: Vec<&PartitionChanges> = changes.partitions.iter().filter(moves).collect();
        let moved: Vec<Partition> = moving.iter().map(|changes| changes.partition).collect();
        for changes in moving {
            self.next.insert(changes.partition, changes.span.until);
            if changes.files_tail {
                self.tails.remove(&changes.partition);
            }
            for segment in &changes.segments {
                let page = self.pages.entry(segment.key).or_default();
                segment.fingerprints.iter().for_each(|n| assert!(page.insert(*n), "counted twice"));
                self.books += &segment.sums;
            }
            if !changes.tail.is_empty() {
                self.tails.entry(changes.partition).or_default().push(changes.tail.clone());
            }
        }
        self.check_tails();
        let topics = TopicNames::new(["e", "w", "m"].map(str::to_owned));
        self.add(&Rows::with(Some(prepared), changes, &moved, &topics, &HashMap::new()));
        moved
    }

    /// A fingerprint in a tail is there once, and not in its page.
    fn check_tails(&self) {
        let mut seen = BTreeSet::new();
        for segment in self.tails.values().flatten().flatten() {
            let page = self.pages.get(&segment.key);
            for fingerprint in &segment.fingerprints {
                assert!(seen.insert((segment.key, *fingerprint)), "counted twice in the tail");
                assert!(page.is_none_or(|page| !page.contains(fingerprint)), "counted in page and tail");
            }
        }
    }

    fn close_books(&mut self) {
        let tails = std::mem::take(&mut self.tails);
        tails.values().flatten().flatten().for_each(|segment| self.books += &segment.sums);
    }

    fn add(&mut self, rows: &Rows) {
        for (size, table) in rows.counters() {
            let keys = table.organization.iter().zip(table.bucket.iter()).enumerate();
            for (row, (organization, bucket)) in keys {
                let cell = self.counters.entry((size, organization.to_owned(), bucket)).or_default();
                *cell += &table.adds(row);
                let quarters = table.quarters_add(row).into_iter().filter(|_| size == BucketSize::Hour);
                for (start, adds) in quarters.filter(|(_, adds)| *adds != Counters::default()) {
                    *self
                        .counters
                        .entry((BucketSize::Quarter, organization.to_owned(), start))
                        .or_default() += &adds;
                }
            }
            assert!(table.organization.iter().zip(table.bucket.iter()).is_sorted(), "rows out of key order");
        }
        self.add_channels(&rows.channels);
        let w = &rows.workflows;
        for row in 0..w.organization.len() {
            let key = (w.organization[row].clone(), w.workflow_id[row].clone(), w.hour[row]);
            let new = (w.name[row].clone(), w.name_as_of[row]);
            let adds = [w.runs[row], w.failed[row], w.failed_safety_limit[row], w.execution_time_ms[row]];
            let sum = self
                .workflows
                .entry(key)
                .or_insert_with(|| (new.0.clone(), new.1, [0; 4], Durations::default()));
            if (sum.1, &sum.0) < (new.1, &new.0) {
                (sum.0, sum.1) = new;
            }
            sum.2.iter_mut().zip(adds).for_each(|(sum, add)| *sum += add);
            sum.3.add(&Durations::from_numeral(&w.durations[row]).expect("a histogram"));
        }
        let f = &rows.failures;
        for row in 0..f.organization.len() {
            let new = (f.finished_at[row], f.workflow_id[row].clone());
            let known = self
                .failures
                .entry((f.organization[row].clone(), f.execution_id[row].clone()))
                .or_insert(new.clone());
            *known = (*known).clone().max(new);
        }
        let o = &rows.organizations;
        for row in 0..o.organization.len() {
            let new = (o.as_of[row], o.as_of_nanos[row], o.event_id[row].clone(), o.name[row].clone());
            let known = self.organizations.entry(o.organization[row].clone()).or_insert(new.clone());
            *known = (*known).clone().max(new);
        }
    }

    /// As the statements do.
    fn add_channels(&mut self, rows: &ChannelRows) {
        let named = || rows.organization.iter().zip(&rows.channel);
        let names = named().collect::<BTreeSet<_>>();
        let before = self.channel_names.clone();
        for (organization, channel) in names.into_iter().filter(|(_, channel)| *channel != channels::OTHER) {
            let (length, name) = channels::rank(channel);
            let rank = (length, name.to_owned());
            let precede = before.get(organization).map_or(0, |names| names.range(..&rank).count());
            if precede < channels::CHANNELS_MAX {
                self.channel_names.entry(organization.to_owned()).or_default().insert(rank);
            }
        }
        for (row, (organization, channel)) in named().enumerate() {
            let kept = self.channel_names.get(organization);
            let is_kept = kept.is_some_and(|names| names.iter().any(|(_, name)| name == channel));
            let channel = if is_kept { channel } else { channels::OTHER };
            for (quarter, messages) in rows.quarters_add(row) {
                *self.channels.entry((organization.to_owned(), channel.to_owned(), quarter)).or_default() +=
                    messages;
            }
        }
    }

    /// As answers show them.
    fn channels_shown(&mut self) {
        for names in self.channel_names.values_mut() {
            *names = std::mem::take(names).into_iter().take(channels::CHANNELS_MAX).collect();
        }
        for ((organization, channel, quarter), messages) in std::mem::take(&mut self.channels) {
            let is_shown = self.channel_names.get(&organization);
            let is_shown = is_shown.is_some_and(|names| names.iter().any(|(_, name)| *name == channel));
            let channel = if is_shown { channel } else { channels::OTHER.to_owned() };
            *self.channels.entry((organization, channel, quarter)).or_default() += messages;
        }
        self.channels.retain(|_, messages| *messages != Messages::default());
    }

    /// The tables that people see.
    fn visible(mut self) -> Self {
        self.channels_shown();
        Self { pages: BTreeMap::new(), next: BTreeMap::new(), epochs: BTreeMap::new(), ..self }
    }
}

/// What happens at the end of a batch.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The batch is committed.
    Commit,
    /// The member restarts, and its memory is lost.
    Restart,
    /// Another member claims a partition before this batch is committed.
    Fence(u8),
}

/// A member, with its claims and their positions.
struct Runner {
    claims: Vec<Claim>,
    member: Member,
}

impl Runner {
    fn join(tables: &mut Tables, partitions: &[Partition], tuning: Tuning) -> Self {
        let claims: Vec<Claim> = partitions.iter().map(|partition| tables.claim(*partition)).collect();
        let mut member = Member::new(Ledger::new(tuning));
        for Claim { partition, epoch, position, .. } in &claims {
            let tail = tables.tails.get(partition).map_or(&[][..], Vec::as_slice);
            member.hold(*partition, HeldPartition::claimed(*epoch, Reading::ONLY, *position), tail);
        }
        Self { claims, member }
    }

    fn fold(&mut self, logs: &BTreeMap<Partition, Vec<Sketch>>, count: usize) -> Batch {
        let fingerprints = Fingerprints::keyed(&[1; 16]);
        let mut batch = Batch::new(BOUNDS.floor);
        for claim in &mut self.claims {
            let log = &logs[&claim.partition];
            let from = usize::try_from(claim.position.0).unwrap();
            for (offset, sketch) in log.iter().enumerate().skip(from).take(count) {
                let (content_type, value) = sketch.value();
                let header = content_type.map(|of| (&b"content-type"[..], Some(of.as_bytes())));
                let raw = Raw {
                    partition: claim.partition,
                    offset: Offset(i64::try_from(offset).unwrap()),
                    key: None,
                    payload: Some(&value),
                    headers: header.into_iter().collect(),
                    timestamp_ms: None,
                    leader_epoch: None,
                };
                batch.take(claim, &raw, &fingerprints, BOUNDS, KEEPING);
            }
        }
        batch
    }

    fn decide(&mut self, tables: &Tables, batch: Batch) -> DecidedBatch {
        let undecided = self.member.begin(batch);
        let size = |key: &PageKey| (*key, Size::plain(tables.pages.get(key).map_or(0, BTreeSet::len)));
        let sizes = undecided.unsized_pages().iter().map(size).collect();
        let mut questions = self.member.ask(undecided, &sizes);
        for (number, (key, reading)) in std::mem::take(&mut questions.pages).into_iter().enumerate() {
            let page: Vec<u64> = tables.pages.get(&key).into_iter().flatten().copied().collect();
            // Some pages are read as if they were merged: a part has a filter.
            let (merged, others) =
                page.split_at(if number % 2 == 0 && !reading.whole { page.len() / 2 } else { 0 });
            let filters = (!merged.is_empty()).then(|| Filter::of(merged)).into_iter().collect();
            let page = PageRead { filters, others: others.to_vec() };
            self.member.page_read(&mut questions, key, page);
        }
        for (key, mut fingerprints) in std::mem::take(&mut questions.lookups) {
            fingerprints.retain(|n| tables.pages.get(&key).is_some_and(|page| page.contains(n)));
            self.member.looked_up(&mut questions, key, &fingerprints);
        }
        questions.decided()
    }

    /// Commits; returns whether a partition was lost.
    fn commit(&mut self, tables: &mut Tables, changes: Changes, prepared: &PreparedCounters) -> bool {
        let committed = tables.commit(&changes, prepared).into_iter().collect();
        !self.member.settle(changes, &committed).lost.is_empty()
    }
}

/// Runs the logs through a member, with these cuts, until everything is committed. As in production, a batch is decided
/// before the previous batch is committed.
fn run(logs: &BTreeMap<Partition, Vec<Sketch>>, cuts: &[(usize, Cut)], tuning: Tuning) -> Tables {
    let partitions: Vec<Partition> = logs.keys().copied().collect();
    let mut tables = Tables::default();
    let mut runner = Runner::join(&mut tables, &partitions, tuning);
    let mut writing: Option<(Changes, PreparedCounters)> = None;
    let rest = std::iter::repeat(&(usize::MAX, Cut::Commit));
    for (count, cut) in cuts.iter().chain(rest) {
        let batch = runner.fold(logs, *count);
        let ended = batch.is_empty() && *count == usize::MAX && writing.is_none();
        if ended {
            tables.close_books();
            return tables;
        }
        let decided = runner.decide(&tables, batch);
        let prepared = PreparedCounters::of(&decided);
        if let Cut::Fence(which) = cut {
            tables.claim(partitions[usize::from(*which) % partitions.len()]);
        }
        let lost =
            writing.take().is_some_and(|(changes, prepared)| runner.commit(&mut tables, changes, &prepared));
        if lost || matches!(cut, Cut::Restart) {
            runner = Runner::join(&mut tables, &partitions, tuning);
        } else {
            let changes = runner.member.place(decided);
            writing = (!changes.partitions.is_empty()).then_some((changes, prepared));
        }
    }
    unreachable!("the rest of the cuts is endless")
}

fn logs(records: &[Sketch], partitions: i32) -> BTreeMap<Partition, Vec<Sketch>> {
    let mut logs: BTreeMap<Partition, Vec<Sketch>> = BTreeMap::new();
    records.iter().for_each(|record| logs.entry(record.partition(partitions)).or_default().push(*record));
    logs
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![4 => Just(Cut::Commit), 1 => Just(Cut::Restart), 1 => any::<u8>().prop_map(Cut::Fence)]
}

/// Everything is small, so that pages are looked up, read, filtered and forgotten, and tails are filed, all the time.
fn tuning() -> impl Strategy<Value = Tuning> {
    (
        prop::sample::select(vec![0usize, 300, 1_500, 3_000, 1 << 20]),
        0usize..4,
        0usize..4,
        1usize..5,
        1usize..12,
    )
        .prop_map(|(budget, lookup_cost, segment_min, tail_rows_max, tail_len_max)| Tuning {
            budget,
            lookup_cost,
            segment_min,
            tail_rows_max,
            tail_len_max,
        })
}

/// The counters, computed directly by the contract's table.
fn recount(records: &[Sketch]) -> Counters {
    let mut counted = BTreeSet::new();
    let mut sum = Counters::default();
    for record in records {
        let quarter = Quarter::of_second(record.second).unwrap();
        let sort = (record.id + record.organization) % 5;
        let (kind, adds) = match (record.topic, record.status % 4) {
            (Topic::MessageDeliveries, 0) => ("sent", Counters { messages_sent: 1, ..Counters::default() }),
            (Topic::MessageDeliveries, 1 | 2) => {
                ("delivered", Counters { messages_delivered: 1, ..Counters::default() })
            }
            (Topic::Events, 0) => ("order", Counters { orders_created: 1, ..Counters::default() }),
            (Topic::Events, 1 | 2) => {
                let payments_successful = i64::from(record.id % 2 == 0);
                ("payment", Counters { payments_total: 1, payments_successful, ..Counters::default() })
            }
            (Topic::MessageDeliveries | Topic::Events, _) => continue,
            (Topic::WorkflowTerminals, _) => {
                let adds = Counters {
                    workflows_total: 1,
                    workflows_failed: i64::from(sort % 3 != 0),
                    total_execution_time_ms: i64::from(sort) * 100,
                    ..Counters::default()
                };
                ("run", adds)
            }
        };
        if counted.insert((kind, record.organization, record.id, quarter)) {
            sum += &adds;
        }
    }
    sum
}

type ChannelNames = BTreeMap<String, BTreeSet<(usize, String)>>;

/// The channels of each organization that have a name, and the messages of all of them, computed directly.
fn by_channel(records: &[Sketch]) -> (ChannelNames, BTreeMap<(String, String, Quarter), Messages>) {
    let records = || {
        let messages = records.iter().filter(|record| record.topic == Topic::MessageDeliveries);
        messages.filter(|record| record.status % 4 != 3 && record.id != 0)
    };
    let mut names = ChannelNames::new();
    for record in records() {
        let channel = record.channel();
        let is_long = channel.len() > channels::CHANNEL_BYTES_MAX;
        if !is_long {
            names.entry(format!("org{}", record.organization)).or_default().insert((channel.len(), channel));
        }
    }
    names.values_mut().for_each(|names| {
        *names = std::mem::take(names).into_iter().take(channels::CHANNELS_MAX).collect();
    });
    let mut messages: BTreeMap<_, Messages> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    for record in records() {
        let quarter = Quarter::of_second(record.second).unwrap();
        let is_sent = record.status % 4 == 0;
        if !counted.insert((record.organization, record.id, quarter, is_sent)) {
            continue;
        }
        let (organization, channel) = (format!("org{}", record.organization), record.channel());
        let shown =
            names.get(&organization).is_some_and(|names| names.iter().any(|(_, name)| *name == channel));
        let channel = if shown { channel } else { channels::OTHER.to_owned() };
        let sum = messages.entry((organization, channel, quarter)).or_default();
        *sum += Messages { sent: i64::from(is_sent), delivered: i64::from(!is_sent) };
    }
    (names, messages)
}

fn shuffled(records: &[Sketch], order: u64) -> Vec<Sketch> {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    let place = |(index, _): &(usize, &Sketch)| {
        BuildHasherDefault::<DefaultHasher>::default().hash_one((order, *index))
    };
    let mut records: Vec<(usize, &Sketch)> = records.iter().enumerate().collect();
    records.sort_by_key(place);
    records.into_iter().map(|(_, record)| *record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_tables_are_a_function_of_the_set_of_records(
        records in prop::collection::vec(sketch(), 1..80),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        order in any::<u64>(),
        partitions in 1i32..5,
        cuts in prop::collection::vec((1usize..9, cut()), 0..24),
        tuning in tuning(),
    ) {
        let once: Vec<Sketch> = records.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let calm = run(&logs(&once, 1), &[], Tuning::with_budget(1 << 20));

        let mut wild = records.clone();
        wild.extend(repeats.iter().map(|index| *index.get(&records)));
        let stormy = run(&logs(&shuffled(&wild, order), partitions), &cuts, tuning);

        let mut sums = [Counters::default(); 3];
        for ((size, ..), counters) in &stormy.counters {
            sums[*size as usize] += counters;
        }
        for (_, _, [runs, ..], durations) in stormy.workflows.values() {
            prop_assert_eq!(durations.count(), *runs, "every run has a duration");
        }
        let expected = recount(&records);
        prop_assert_eq!(sums, [expected; 3], "every size of bucket adds up to the recount");
        let stormy = stormy.visible();
        let (names, messages) = by_channel(&records);
        prop_assert_eq!(&stormy.channel_names, &names, "the first names of all");
        prop_assert_eq!(&stormy.channels, &messages);
        prop_assert_eq!(stormy.books, expected, "and so do the ledger's books");
        prop_assert_eq!(stormy, calm.visible());
    }

    #[test]
    fn which_channels_have_a_name_is_a_function_of_the_set_of_records(
        records in prop::collection::vec(sketch(), 20..120),
        order in any::<u64>(),
        partitions in 1i32..4,
        cuts in prop::collection::vec((1usize..12, cut()), 0..24),
    ) {
        let of_one = |record: Sketch| Sketch { topic: Topic::MessageDeliveries, organization: 1, ..record };
        let records: Vec<Sketch> = records.into_iter().map(of_one).collect();
        let shown = run(&logs(&shuffled(&records, order), partitions), &cuts, Tuning::with_budget(1 << 20)).visible();
        let (names, messages) = by_channel(&records);
        prop_assert_eq!(shown.channel_names, names);
        prop_assert_eq!(shown.channels, messages);
    }
}
