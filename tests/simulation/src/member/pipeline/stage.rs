//! How far claiming is, and what each stage asks PostgreSQL for.

use crate::member::writer::TopicIds;
use crate::producer;
use crate::statement::{ClaimedPartition, ProgressRow, Statement};
use consumer::ledger::segment::PageKey;
use consumer::record::layouts::{Announced, Reading};
use consumer::record::{Offset, Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

pub(super) type ProgressRows = BTreeMap<Partition, ProgressRow>;

/// What is announced about topics.
pub(super) type AnnouncedAbout = BTreeMap<Topic, Vec<Announced>>;

/// What a member has learned before it claims: the topics' ids, and the numbers of the cuts that the database has then. One
/// that lacks some of them at the end was restored meanwhile.
#[derive(Clone, Default)]
pub(super) struct Learned {
    pub ids: TopicIds,
    pub cuts: BTreeMap<Topic, BTreeSet<i32>>,
}

/// How far claiming is.
pub(super) enum Stage {
    /// Reads the ledger before the claim; only defects do.
    Early(Vec<Partition>),
    /// Reads the layouts that the database knows. Without partitions nothing is claimed.
    Learning(Vec<Partition>, TopicIds, AnnouncedAbout),
    /// Adds what it doesn't know.
    Adopting(Vec<Partition>, Learned, AnnouncedAbout),
    Claiming(Vec<Partition>, Learned),
    /// Finds where partitions start that were never read: the second. The first start where they stand.
    Starting(ProgressRows, ProgressRows, Learned),
    /// Looks how the partitions stand.
    Settling(ProgressRows, Learned),
    Holding(ProgressRows, BTreeMap<Partition, Reading>),
    /// Looks whether partitions need not wait any more.
    Releasing(Vec<Partition>, TopicIds),
}

impl Stage {
    pub(super) fn statements(&self) -> Vec<Statement> {
        match self {
            Self::Early(partitions) => {
                let quarters = producer::quarters();
                let keys = partitions.iter().flat_map(|partition| {
                    quarters
                        .iter()
                        .map(|quarter| (PageKey { partition: *partition, quarter: *quarter }, None))
                });
                vec![Statement::Pages(keys.collect()), Statement::Tails(partitions.clone())]
            }
            Self::Learning(_, ids, _) => {
                vec![Statement::BeginLayouts(ids.clone()), Statement::Layouts(ids.clone())]
            }
            Self::Adopting(_, _, cuts) => cuts.iter().flat_map(adopting).collect(),
            Self::Claiming(partitions, _) => vec![
                Statement::Discover(partitions.clone()),
                Statement::Begin,
                Statement::Lock(partitions.clone()),
                Statement::Claim(partitions.clone()),
                Statement::Commit,
            ],
            Self::Starting(_, unread, _) => {
                let partitions: Vec<Partition> = unread.keys().copied().collect();
                vec![Statement::Start(partitions.clone()), Statement::StoredProgress(partitions)]
            }
            Self::Settling(starts, learned) => settling(starts, learned),
            Self::Holding(starts, _) => vec![Statement::Tails(starts.keys().copied().collect())],
            Self::Releasing(waiting, ids) => {
                let of = |topic| waiting.iter().copied().filter(move |partition| partition.topic == topic);
                let topics: BTreeSet<Topic> = waiting.iter().map(|partition| partition.topic).collect();
                let ask = |topic| Statement::Released(topic, id(ids, topic), of(topic).collect());
                topics.into_iter().map(ask).collect()
            }
        }
    }
}

fn adopting((topic, cuts): (&Topic, &Vec<Announced>)) -> [Statement; 4] {
    let adopt = Statement::Adopt(*topic, cuts.clone());
    [Statement::Begin, Statement::LockTopic(*topic), adopt, Statement::Commit]
}

fn settling(starts: &ProgressRows, Learned { ids, cuts }: &Learned) -> Vec<Statement> {
    let stored = starts.iter().map(|(partition, row)| (*partition, row.epoch, id(ids, partition.topic)));
    let mut statements = vec![Statement::StoreTopicIds(stored.collect())];
    for topic in Topic::ALL {
        let of_topic = starts.iter().filter(|(partition, _)| partition.topic == topic);
        let claimed: Vec<ClaimedPartition> = of_topic.map(claimed_partition).collect();
        if !claimed.is_empty() {
            let partitions = claimed.iter().map(|claimed| claimed.partition).collect();
            let learned = cuts.get(&topic).cloned().unwrap_or_default();
            let standings = Statement::Standings(topic, id(ids, topic), claimed, learned);
            statements.extend([Statement::Begin, Statement::Lock(partitions), standings, Statement::Commit]);
        }
    }
    statements
}

fn claimed_partition((partition, row): (&Partition, &ProgressRow)) -> ClaimedPartition {
    ClaimedPartition { partition: *partition, epoch: row.epoch, position: Offset(row.next.unwrap_or(0)) }
}

pub(super) fn id(ids: &TopicIds, topic: Topic) -> u32 {
    ids.get(&topic).copied().unwrap_or(0)
}
