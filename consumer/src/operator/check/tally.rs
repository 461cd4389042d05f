//! What was seen of a topic: verdicts, formats, keys, repeats, and examples of what is wrong. Pure.

use super::skipped::Skipped;
use super::verdict::{KeyIs, Taken, Verdict, Wrapped, belongs_in};
use crate::record::Raw;
use crate::record::reason::Reason;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many identities are remembered, to find repeats; each takes about 10 bytes.
pub const REMEMBERED_MAX: usize = 10_000_000;
/// How many misplaced records are shown.
const MISPLACED_SHOWN_MAX: usize = 20;
/// Bytes of an example's key that are kept.
const KEY_BYTES_MAX: usize = 256;

/// What was seen.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many records.
    pub records: u64,
    /// Those that would be counted.
    pub counted: u64,
    /// Those that add nothing.
    pub nothing_to_count: u64,
    /// Records by their formats' names.
    pub formats: BTreeMap<&'static str, u64>,
    /// Refused records by reason.
    pub refused: BTreeMap<Reason, Refused>,
    /// How many records lie in another partition than their key's.
    pub misplaced: u64,
    /// The first of them.
    pub misplaced_shown: Vec<Misplaced>,
    /// How many that would be counted have a key that is neither their organization's id nor their own.
    pub other_keys: u64,
    /// Those whose key is an id with something around it.
    pub wrapped_keys: BTreeMap<Wrapped, WrappedKeys>,
    /// Those of which fields are skipped, if there are any.
    pub skipping: Option<Skipping>,
    /// How many records have no key.
    pub keyless: u64,
    /// How many would have been counted, had the same identity not come before.
    pub repeats: u64,
    /// Whether some records' identities could not be remembered, so that there may be more repeats.
    pub forgets: bool,
    identities: HashSet<u64>,
}

/// Where an example is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The beginning of its key.
    pub key: Option<Vec<u8>>,
}

/// Records that are refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub example: Place,
    /// What is wrong with it.
    pub detail: String,
}

/// Records whose keys are ids that are wrapped alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKeys {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub example: Place,
}

/// Records of which fields are skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipping {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub example: Place,
    /// What is skipped of it.
    pub skipped: Vec<Skipped>,
}

/// A record in another partition than its key's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// Where it lies.
    pub lies: Place,
    /// The partition that its key belongs in.
    pub belongs_in: i32,
}

impl Tally {
    /// Takes a record in. `partitions` is how many its topic has, or `None` if keys are placed otherwise than by murmur2. Returns
    /// whether anything is wrong with it.
    pub fn take(&mut self, raw: &Raw<'_>, verdict: &Verdict, partitions: Option<i32>) -> bool {
        self.records += 1;
        if let Some(format) = verdict.format {
            *self.formats.entry(format.name()).or_default() += 1;
        }
        self.keyless += u64::from(raw.key.is_none());
        match &verdict.judged {
            Ok(taken) if taken.adds.is_empty() => self.nothing_to_count += 1,
            Ok(taken) => self.count(taken, raw),
            Err(refusal) => {
                let detail = || refusal.detail.clone().into_owned();
                let new = || Refused { records: 0, example: place(raw), detail: detail() };
                self.refused.entry(refusal.reason).or_insert_with(new).records += 1;
            }
        }
        if !verdict.skipped.is_empty() {
            let new = || Skipping { records: 0, example: place(raw), skipped: verdict.skipped.clone() };
            self.skipping.get_or_insert_with(new).records += 1;
        }
        let belongs_in = partitions.and_then(|partitions| belongs_in(raw.key, partitions));
        let misplaced = belongs_in.filter(|partition| *partition != raw.partition.number);
        if let Some(belongs_in) = misplaced {
            self.misplaced += 1;
            if self.misplaced_shown.len() < MISPLACED_SHOWN_MAX {
                self.misplaced_shown.push(Misplaced { lies: place(raw), belongs_in });
            }
        }
        verdict.judged.is_err() || misplaced.is_some()
    }

    /// Whether anything is wrong with any record.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.refused.is_empty() && self.misplaced == 0
    }

    /// Counts a record that adds something, unless its identity came before.
    fn count(&mut self, taken: &Taken, raw: &Raw<'_>) {
        match taken.key_is(raw.key) {
            KeyIs::Another => self.other_keys += 1,
            KeyIs::Wrapped(wrapped) => {
                let new = || WrappedKeys { records: 0, example: place(raw) };
                self.wrapped_keys.entry(wrapped).or_insert_with(new).records += 1;
            }
            KeyIs::Missing | KeyIs::Organization | KeyIs::OwnId => {}
        }
        let identity = identity(taken);
        if self.identities.contains(&identity) {
            self.repeats += 1;
            return;
        }
        self.counted += 1;
        if self.identities.len() < REMEMBERED_MAX {
            self.identities.insert(identity);
        } else {
            self.forgets = true;
        }
    }
}

/// A hash of the record's identity: kind, organization, id, quarter of an hour.
fn identity(taken: &Taken) -> u64 {
    let mut hasher = DefaultHasher::new();
    (taken.kind, &taken.organization, &taken.id, taken.quarter().number()).hash(&mut hasher);
    hasher.finish()
}

fn place(raw: &Raw<'_>) -> Place {
    let beginning = |key: &[u8]| key[..key.len().min(KEY_BYTES_MAX)].to_vec();
    Place { partition: raw.partition.number, offset: raw.offset.0, key: raw.key.map(beginning) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::decode::Bounds;
    use crate::record::key::partition_of;
    use crate::record::{Offset, Partition, Topic};
    use load::Message;

    const PARTITIONS: i32 = 8;

    /// A record's key, its value, and by how much its partition is off.
    type Sent<'a> = (Option<&'a [u8]>, Vec<u8>, i32);

    /// Takes records in.
    fn tally(records: &[Sent<'_>]) -> (Tally, Vec<bool>) {
        let mut tally = Tally::default();
        let mut wrong = Vec::new();
        for (offset, (key, payload, off)) in (0..).zip(records) {
            let right = key.map_or(0, |key| partition_of(key, PARTITIONS));
            let partition = Partition { topic: Topic::Events, number: (right + off) % PARTITIONS };
            let raw = Raw {
                partition,
                offset: Offset(offset),
                key: *key,
                payload: Some(payload),
                headers: Vec::new(),
                timestamp_ms: None,
                leader_epoch: None,
            };
            let verdict = Verdict::of(&raw, Bounds { floor: 0, ceiling: i64::MAX });
            wrong.push(tally.take(&raw, &verdict, Some(PARTITIONS)));
        }
        (tally, wrong)
    }

    fn order(id: &str, minute: u32) -> Vec<u8> {
        let at = format!("2026-02-25T10:{minute:02}:00Z").parse().unwrap();
        Message::order("acme", id, at).encode()
    }

    #[test]
    fn copies_within_a_quarter_are_repeats_and_others_count() {
        let key = Some(&b"acme"[..]);
        let payment = Message::payment("acme", "a", "2026-02-25T10:00:00Z".parse().unwrap(), true).encode();
        let records =
            [("a", 0), ("a", 14), ("a", 15), ("b", 0)].map(|(id, minute)| (key, order(id, minute), 0));
        let (tally, wrong) = tally(&[&records[..], &[(key, payment, 0)]].concat());
        assert_eq!((tally.records, tally.counted, tally.repeats), (5, 4, 1));
        assert!(tally.is_good() && !wrong.contains(&true) && !tally.forgets);
    }

    #[test]
    fn what_is_wrong_has_an_example_and_a_place() {
        let (tally, wrong) = tally(&[
            (Some(b"acme"), order("a", 0), 0),
            (Some(b"acme"), order("b", 0), 3),
            (Some(b"x"), b"\xff".to_vec(), 0),
            (Some(b"y"), b"\xff".to_vec(), 0),
            (None, order("c", 0), 0),
            (Some(b"\"acme\""), order("d", 0), 0),
            (Some(b"\"acme\""), order("e", 0), 0),
            (Some(b"other"), order("f", 0), 0),
        ]);
        assert_eq!(wrong, [false, true, true, true, false, false, false, false]);
        let refused = &tally.refused[&Reason::MalformedPayload];
        assert_eq!((refused.records, refused.example.offset), (2, 2));
        assert_eq!(refused.example.key.as_deref(), Some(&b"x"[..]));
        let [misplaced] = &tally.misplaced_shown[..] else { panic!("{tally:#?}") };
        let right = partition_of(b"acme", PARTITIONS);
        assert_eq!((misplaced.belongs_in, misplaced.lies.partition), (right, (right + 3) % PARTITIONS));
        assert_eq!((tally.misplaced, tally.keyless, tally.other_keys), (1, 1, 1));
        assert!(!tally.is_good());
        let wrapped: Vec<_> = tally.wrapped_keys.iter().collect();
        let [(Wrapped::QuotedOrganization, WrappedKeys { records: 2, example })] = wrapped[..] else {
            panic!("{tally:#?}")
        };
        assert_eq!((example.offset, tally.skipping), (5, None));
    }

    #[test]
    fn records_of_which_fields_are_skipped_are_counted_and_are_no_fault() {
        let value = br#"{"eventId": "e", "organizationId": "acme", "occurredAt": "2026-02-25T10:00:00Z", "orderCreated": {"id": 1}}"#;
        let mut tally = Tally::default();
        for offset in 7..9 {
            let raw = Raw {
                partition: Partition { topic: Topic::Events, number: 0 },
                offset: Offset(offset),
                key: Some(b"acme"),
                payload: Some(value),
                headers: vec![(b"content-type", Some(b"application/json"))],
                timestamp_ms: None,
                leader_epoch: None,
            };
            let verdict = Verdict::of(&raw, Bounds { floor: 0, ceiling: i64::MAX });
            assert!(!tally.take(&raw, &verdict, None));
        }
        let Some(Skipping { records: 2, example, skipped }) = &tally.skipping else { panic!("{tally:#?}") };
        assert_eq!((example.offset, &*skipped[0].field, tally.is_good()), (7, "id", true));
        let text = super::super::summary::text(&tally);
        assert!(text.contains("`id` is no field of OrderCreated"), "{text}");
    }
}
