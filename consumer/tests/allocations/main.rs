//! What records cost in heap allocations, from their bytes to the rows that PostgreSQL is sent.
//!
//! Counted, not timed, so that every machine finds the same: a hot path that begins to allocate for each record fails
//! here before anybody sees it in a benchmark. The records are the benchmarks' own.

mod counting;
mod journey;

use consumer::record::decode;
use counting::{Allocations, allocations_of};
use journey::{BOUNDS, Log, Spent, raw, travel};
use load::{Load, Mix, Trouble};

const RECORDS: u64 = 100_000;
const BATCH_RECORDS: usize = 20_000;

/// Records of an hour, in order, each new and well-formed, of 1,000 organizations on 8 partitions.
fn load(records: u64, mix: Mix) -> Load {
    let until = "2026-02-25T10:00:00Z".parse().expect("a time");
    Load { records, mix, payload_bytes: 0, ..Load::plain(1, until) }
}

#[test]
fn decoding_allocates_nothing() {
    let framed = Trouble { confluent: 0.5, ..Trouble::NONE };
    let log = Log::of(&Load { trouble: framed, ..load(RECORDS, Mix::ALL) });
    let ((), spent) = allocations_of(|| {
        for record in &log.records {
            let raw = raw(record);
            let bytes = decode::open(&raw).expect("it is well-formed");
            let decoded = decode::decode(raw.partition.topic, &bytes, BOUNDS);
            assert!(decoded.is_ok(), "it is well-formed");
        }
    });
    assert_eq!(spent, Allocations::default(), "a decoded record borrows from its bytes");
}

/// What a batch allocates goes with its organizations and pages. Twice the records of the same hour, in one batch, only
/// make arrays grow, each by a step or two.
#[test]
fn a_further_record_allocates_nothing() {
    let [some, twice] = [RECORDS / 2, RECORDS].map(|records| {
        let log = Log::of(&load(records, Mix::EVENTS));
        travel(&log, log.records.len()).before_rows().count
    });
    let further = twice.saturating_sub(some);
    let bound = RECORDS / 2 / 500;
    assert!(
        further <= bound,
        "{} further records took {further} further allocations, which should be {bound} at most: {some} became {twice}",
        RECORDS / 2
    );
}

/// For 1,000 records these are 50 organizations, as many cells or twice, and a page. None has an allocation of its own: names are
/// in one piece of memory, cells and rows in columns that grow. Bounds are what was measured, and a tenth.
#[test]
fn a_batch_of_events_costs_what_its_organizations_and_rows_do() {
    let bounds = Bounds { fold: (13, 84_000), decide: (7, 61_000), settle: (4, 28_000), rows: (6, 17_000) };
    bounds.check(travel(&Log::of(&load(RECORDS, Mix::EVENTS)), BATCH_RECORDS));
}

/// Beyond that, names of workflows are kept once a batch, and a failed run's id and error. Each workflow's hour is a row of
/// six texts with a histogram; of 1,000 organizations nearly every run is in another one.
#[test]
fn a_batch_of_everything_costs_what_its_workflows_and_rows_do() {
    let bounds =
        Bounds { fold: (87, 109_000), decide: (117, 145_000), settle: (8, 24_000), rows: (800, 215_000) };
    bounds.check(travel(&Log::of(&load(RECORDS, Mix::ALL)), BATCH_RECORDS));
}

/// Most that each step may allocate for 1,000 records: how often, and how many bytes.
struct Bounds {
    fold: (u64, u64),
    decide: (u64, u64),
    settle: (u64, u64),
    rows: (u64, u64),
}

impl Bounds {
    fn check(&self, spent: Spent) {
        let steps = [
            ("folding", spent.fold, self.fold),
            ("deciding", spent.decide, self.decide),
            ("settling", spent.settle, self.settle),
            ("making rows", spent.rows, self.rows),
        ];
        let per_thousand = |total: u64| total.div_ceil(RECORDS / 1_000);
        let over = steps.iter().filter_map(|(step, spent, (count_max, bytes_max))| {
            let (count, bytes) = (per_thousand(spent.count), per_thousand(spent.bytes));
            (count > *count_max || bytes > *bytes_max).then(|| {
                format!("{step} 1,000 records allocates {count} times and {bytes} bytes, not {count_max} and {bytes_max}")
            })
        });
        let over: Vec<String> = over.collect();
        assert!(over.is_empty(), "more than before: {}", over.join("; "));
    }
}
