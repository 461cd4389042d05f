//! The way of records through a member, step by step, as source and pipeline go it, with what each step allocates.

use crate::counting::{Allocations, allocations_of};
use consumer::batch::{Batch, Claim};
use consumer::decide::changes::Changes;
use consumer::decide::held_partition::HeldPartition;
use consumer::decide::member::Member;
use consumer::decide::undecided::DecidedBatch;
use consumer::ledger::{Ledger, Tuning};
use consumer::record::decode::Bounds;
use consumer::record::identity::Fingerprints;
use consumer::record::layouts::Reading;
use consumer::record::topic_names::TopicNames;
use consumer::record::{Offset, Partition, Raw, Topic};
use consumer::refused::allowance::{Allowance, Keeping};
use consumer::store::Rows;
use load::{Kind, Load, Produced};
use std::collections::HashMap;

/// No record is too old or from the future.
pub const BOUNDS: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };
const KEEPING: Keeping = Keeping { hour: 0, whole_per_hour: 0, payload_bytes_max: 0 };

/// A record where Kafka has it.
pub type Logged = (Partition, Offset, Produced);

/// Records as Kafka hands them out.
pub struct Log {
    /// In order.
    pub records: Vec<Logged>,
    partitions: Vec<Partition>,
}

impl Log {
    /// The records of a load.
    pub fn of(load: &Load) -> Self {
        let mut next: HashMap<Partition, Offset> = HashMap::new();
        let place = |record: Produced| {
            let topic = match record.kind {
                Kind::Event => Topic::Events,
                Kind::Workflow => Topic::WorkflowTerminals,
                Kind::Delivery => Topic::MessageDeliveries,
            };
            let number = record.partition.expect("a load says where its records go");
            let partition = Partition { topic, number };
            let next = next.entry(partition).or_insert(Offset(0));
            let offset = std::mem::replace(next, next.next());
            (partition, offset, record)
        };
        let records = load.records().map(place).collect();
        let mut partitions: Vec<Partition> = next.into_keys().collect();
        partitions.sort_unstable();
        Self { records, partitions }
    }
}

/// The record as the consumer sees it.
pub fn raw((partition, offset, record): &Logged) -> Raw<'_> {
    Raw {
        partition: *partition,
        offset: *offset,
        key: Some(&record.key),
        payload: Some(&record.payload),
        headers: Vec::new(),
        timestamp_ms: None,
        leader_epoch: None,
    }
}

/// What each step has allocated, over all batches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// From bytes to a batch.
    pub fold: Allocations,
    /// Which of its records count.
    pub decide: Allocations,
    /// What it changes, where that goes in the ledger, and what memory learns from the commit.
    pub settle: Allocations,
    /// Columns of statements.
    pub rows: Allocations,
}

impl Spent {
    /// All steps but the last, which goes with rows and not with records.
    pub fn before_rows(self) -> Allocations {
        self.fold + self.decide + self.settle
    }
}

/// Takes a log through a member in batches of so many records. The database has nothing of it before.
pub fn travel(log: &Log, batch_records: usize) -> Spent {
    let fingerprints = Fingerprints::keyed(&[1; 16]);
    let topics = TopicNames::new(["e", "w", "m"].map(str::to_owned));
    let mut member = Member::new(Ledger::new(Tuning::with_budget(512 << 20)));
    let mut claims = Vec::new();
    for &partition in &log.partitions {
        let position = Offset(0);
        member.hold(partition, HeldPartition::claimed(1, Reading::ONLY, position), &[]);
        claims.push(Claim {
            partition,
            epoch: 1,
            position,
            until: None,
            leader_epoch: None,
            spread: None,
            allowance: Allowance::spent(0, 0),
        });
    }
    let mut spent = Spent::default();
    for records in log.records.chunks(batch_records) {
        let (batch, fold) = allocations_of(|| fold(records, &mut claims, &fingerprints));
        let (decided, decide) = allocations_of(|| decide(&mut member, batch));
        let (changes, place) = allocations_of(|| member.place(decided));
        let (_, rows) = allocations_of(|| rows(&changes, &topics));
        let seen: u64 = changes.partitions.iter().map(|changes| changes.tally.records).sum();
        assert_eq!(seen, records.len() as u64, "every record came this far");
        let ((), settle) = allocations_of(|| settle(&mut member, changes));
        spent.fold += fold;
        spent.decide += decide;
        spent.settle += place + settle;
        spent.rows += rows;
    }
    spent
}

fn fold(records: &[Logged], claims: &mut [Claim], fingerprints: &Fingerprints) -> Batch {
    let mut batch = Batch::new(BOUNDS.floor);
    for record in records {
        let claim = claims.iter_mut().find(|claim| claim.partition == record.0).expect("all are claimed");
        batch.take(claim, &raw(record), fingerprints, BOUNDS, KEEPING);
    }
    batch
}

fn decide(member: &mut Member, batch: Batch) -> DecidedBatch {
    let undecided = member.begin(batch);
    let questions = member.ask(undecided, &HashMap::new());
    assert!(questions.pages.is_empty() && questions.lookups.is_empty(), "an empty database has no answers");
    questions.decided()
}

fn settle(member: &mut Member, changes: Changes) {
    let committed = changes.partitions.iter().map(|changes| changes.partition).collect();
    member.settle(changes, &committed);
    member.update_ledger();
}

fn rows(changes: &Changes, topics: &TopicNames) -> Rows {
    let moved: Vec<Partition> = changes.partitions.iter().map(|changes| changes.partition).collect();
    Rows::of(changes, &moved, topics, &HashMap::new())
}
