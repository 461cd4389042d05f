//! The law of refused records: each is accounted for exactly once, and no more are kept than allowed, however batches are
//! cut and however often a member restarts.

use super::*;
use crate::batch::{Batch, Claim};
use crate::record::decode::Bounds;
use crate::record::identity::Fingerprints;
use crate::record::{Offset, Partition, Topic};
use proptest::prelude::*;
use prost::Message as _;
use std::collections::BTreeMap;

const PARTITION: Partition = Partition { topic: Topic::Events, number: 0 };
const WHOLE_PER_HOUR: u32 = 5;

/// A record, and what happens before it.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Why it is refused; `None` for one that counts.
    reason: Option<Reason>,
    /// Offsets before it that are no records.
    gap: i64,
    /// What happens to the batch, and to the member.
    before: Before,
    /// Seconds that have passed.
    seconds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Commit,
    CommitAndRestart,
    /// The batch is lost, and its records are read again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let reason = prop::sample::select(vec![
        None,
        Some(Reason::EmptyPayload),
        Some(Reason::MalformedPayload),
        Some(Reason::MissingId),
    ]);
    let before = prop_oneof![
        20 => Just(Before::Nothing),
        3 => Just(Before::Commit),
        2 => Just(Before::CommitAndRestart),
        1 => Just(Before::Crash),
    ];
    let seconds = prop_oneof![8 => 0i64..60, 1 => 1_800i64..5_000];
    (reason, prop_oneof![5 => Just(0i64), 1 => 1i64..4], before, seconds)
        .prop_map(|(reason, gap, before, seconds)| Step { reason, gap, before, seconds })
}

fn payload(reason: Option<Reason>) -> Vec<u8> {
    let id = if reason == Some(Reason::MissingId) { "" } else { "e1" };
    match reason {
        Some(Reason::EmptyPayload) => Vec::new(),
        Some(Reason::MalformedPayload) => vec![0xff],
        _ => proto::v1::Event {
            event_id: id.into(),
            organization_id: "acme".into(),
            occurred_at: Some(prost_types::Timestamp { seconds: 900, nanos: 0 }),
            body: None,
        }
        .encode_to_vec(),
    }
}

/// The tables: dead letters by offset, with the hour they were kept in, and the offsets of the other records.
#[derive(Default)]
struct Tables {
    letters: BTreeMap<i64, (Reason, i64)>,
    in_runs: BTreeMap<i64, Reason>,
    next: i64,
}

impl Tables {
    fn claim(&self, now: i64) -> Claim {
        let spent = self.letters.values().filter(|(_, hour)| *hour == now.div_euclid(3_600)).count();
        let allowance = Allowance::spent(now, u32::try_from(spent).unwrap());
        Claim {
            partition: PARTITION,
            epoch: 1,
            position: Offset(self.next),
            until: None,
            leader_epoch: None,
            spread: None,
            allowance,
        }
    }

    fn commit(&mut self, batch: Batch, now: i64) {
        for slice in batch.slices {
            self.next = slice.span.until.0;
            for letter in slice.dead_letters.letters {
                let row = (letter.refusal.reason, now.div_euclid(3_600));
                assert_eq!(self.letters.insert(letter.offset.0, row), None, "twice");
            }
            for run in slice.dead_letters.runs {
                assert!(run.spans.is_sorted_by(|a, b| a.until < b.from), "{:?}", run.spans);
                for offset in run.spans.iter().flat_map(|span| span.from.0..span.until.0) {
                    assert_eq!(self.in_runs.insert(offset, run.reason), None, "twice");
                }
            }
        }
    }
}

/// Reads the log to its end. What is to happen before a record happens once, even if the record is read again.
fn run(log: &[(i64, Step)]) -> Tables {
    let settings = crate::refused::allowance::Settings {
        dead_letter_payload_bytes_max: 16,
        dead_letters_whole_per_hour: WHOLE_PER_HOUR,
    };
    let bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };
    let fingerprints = Fingerprints::keyed(&[1; 16]);
    let (mut tables, mut now, mut happened) = (Tables::default(), 0, 0);
    let (mut claim, mut batch) = (tables.claim(now), Batch::new(bounds.floor));
    let mut at = 0;
    while let Some((offset, step)) = log.get(at) {
        if happened <= at {
            happened = at + 1;
            if step.before != Before::Nothing {
                let ended = std::mem::replace(&mut batch, Batch::new(bounds.floor));
                if step.before != Before::Crash {
                    tables.commit(ended, now);
                }
                if step.before != Before::Commit {
                    claim = tables.claim(now);
                    at = log.partition_point(|(offset, _)| *offset < tables.next);
                    continue;
                }
            }
            // A batch doesn't outlive its hour here, so that rows have the hour they were allowed by.
            if (now + step.seconds).div_euclid(3_600) != now.div_euclid(3_600) {
                tables.commit(std::mem::replace(&mut batch, Batch::new(bounds.floor)), now);
            }
            now += step.seconds;
        }
        let bytes = payload(step.reason);
        let raw = Raw {
            partition: PARTITION,
            offset: Offset(*offset),
            key: None,
            payload: Some(&bytes),
            headers: Vec::new(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        batch.take(&mut claim, &raw, &fingerprints, bounds, settings.at(now));
        at += 1;
    }
    tables.commit(batch, now);
    tables
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_refused_record_is_accounted_for_once_and_few_are_kept_whole(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut next = 0;
        let log: Vec<(i64, Step)> = steps.iter().map(|step| {
            let offset = next + step.gap;
            next = offset + 1;
            (offset, *step)
        }).collect();
        let tables = run(&log);
        let letters = tables.letters.iter().map(|(offset, (reason, _))| (*offset, *reason));
        let accounted: Vec<(i64, Reason)> = letters.chain(tables.in_runs.clone()).collect();
        let expected: BTreeMap<i64, Reason> =
            log.iter().filter_map(|(offset, step)| Some((*offset, step.reason?))).collect();
        prop_assert_eq!(accounted.len(), expected.len(), "none of them twice");
        prop_assert_eq!(accounted.into_iter().collect::<BTreeMap<_, _>>(), expected);
        let mut by_hour: BTreeMap<i64, u32> = BTreeMap::new();
        tables.letters.values().for_each(|(_, hour)| *by_hour.entry(*hour).or_default() += 1);
        prop_assert!(by_hour.values().all(|kept| *kept <= WHOLE_PER_HOUR), "{:?}", by_hour);
    }
}

#[test]
fn a_flood_is_one_range_whatever_its_size() {
    let (mut refused, mut allowance) = (Refused::default(), Allowance::spent(0, 0));
    let keeping = Keeping { hour: 0, whole_per_hour: 10, payload_bytes_max: 16 };
    let refusal = Refusal::new(Reason::EmptyPayload, "");
    let mut bytes = 0;
    for offset in 0..100_000 {
        let raw = Raw {
            partition: PARTITION,
            offset: Offset(offset),
            key: None,
            payload: Some(&[7; 100]),
            headers: Vec::new(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        bytes += refused.add(&raw, &refusal, &mut allowance, keeping);
    }
    let run = RefusedRun {
        reason: Reason::EmptyPayload,
        spans: vec![Span { from: Offset(10), until: Offset(100_000) }],
    };
    assert_eq!((refused.letters.len(), &refused.runs), (10, &vec![run]));
    assert_eq!(
        (refused.in_runs(), refused.by_reason()[&Reason::EmptyPayload]),
        (99_990, (100_000, Offset(0)))
    );
    assert!(bytes < 10 * 2_000, "or a batch would be full before it has its records: {bytes}");
}
