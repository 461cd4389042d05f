//! Kafka: logs of records, transactions whose records can't be read before they end, and the topic of layouts.

mod timeline;

pub use timeline::{Content, Entry, TimelineId, TransactionId, Value};

use consumer::record::layouts::Announced;
use consumer::record::topic_names::TopicNames;
use consumer::record::{Offset, Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};
use timeline::Timeline;

/// The topics' names, in the order of [`Topic::ALL`].
const NAMES: [&str; 3] = ["e", "w", "m"];

/// The brokers.
#[derive(Default)]
pub struct Kafka {
    /// What the layouts' topic has.
    pub announced: Vec<Announced>,
    /// The step that it is.
    pub now: u64,
    logs: BTreeMap<Partition, TimelineId>,
    timelines: Vec<Timeline>,
    /// Open transactions, with the partitions that have records of them.
    transactions: BTreeMap<TransactionId, BTreeSet<Partition>>,
    latest_transaction: TransactionId,
    /// How often each topic was made anew.
    incarnations: BTreeMap<Topic, u32>,
}

/// The topics' names.
#[must_use]
pub fn names() -> TopicNames {
    TopicNames::new(NAMES.map(str::to_owned))
}

/// A topic's name.
#[must_use]
pub fn name(topic: Topic) -> &'static str {
    match topic {
        Topic::Events => NAMES[0],
        Topic::WorkflowTerminals => NAMES[1],
        Topic::MessageDeliveries => NAMES[2],
    }
}

impl Kafka {
    // --- Topics ---

    /// Adds a partition to a topic.
    pub fn grow(&mut self, topic: Topic) -> Partition {
        let partition = Partition { topic, number: self.count(topic) };
        self.begin(partition, Timeline::new(self.topic_id(topic)));
        partition
    }

    /// Deletes a topic and makes it anew, with as many partitions.
    pub fn make_anew(&mut self, topic: Topic) {
        *self.incarnations.entry(topic).or_default() += 1;
        let partitions: Vec<Partition> = self.of(topic).collect();
        let id = self.topic_id(topic);
        partitions.into_iter().for_each(|partition| self.begin(partition, Timeline::new(id)));
    }

    fn begin(&mut self, partition: Partition, timeline: Timeline) {
        self.logs.insert(partition, self.timelines.len());
        self.timelines.push(timeline);
    }

    /// The id of a topic.
    #[must_use]
    pub fn topic_id(&self, topic: Topic) -> u32 {
        self.incarnations.get(&topic).copied().unwrap_or(0)
    }

    /// The id of the topic that a log is of.
    #[must_use]
    pub fn topic_id_of(&self, log: TimelineId) -> u32 {
        self.timelines[log].topic_id
    }

    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.logs.keys().copied()
    }

    /// The partitions of a topic.
    pub fn of(&self, topic: Topic) -> impl Iterator<Item = Partition> {
        self.partitions().filter(move |partition| partition.topic == topic)
    }

    /// How many partitions a topic has.
    #[must_use]
    pub fn count(&self, topic: Topic) -> i32 {
        i32::try_from(self.of(topic).count()).expect("a few partitions")
    }

    /// What is announced about a topic, as it is now.
    #[must_use]
    pub fn announced_about(&self, topic: Topic) -> Vec<Announced> {
        let id = id_in_words(self.topic_id(topic));
        self.announced.iter().filter(|announced| announced.is_about(name(topic), &id)).cloned().collect()
    }

    // --- Writing ---

    /// Appends a record with this key, in a transaction or outside of any.
    pub fn append(&mut self, partition: Partition, key: u64, value: Value, within: Option<TransactionId>) {
        let content = match within {
            Some(transaction) => {
                self.transactions.entry(transaction).or_default().insert(partition);
                Content::Open(transaction, value)
            }
            None => Content::Record(value),
        };
        self.push(partition, Entry { content, key, at: self.now });
    }

    /// Appends a marker of a transaction that left nothing else here.
    pub fn mark(&mut self, partition: Partition) {
        self.push(partition, Entry { content: Content::Marker, key: 0, at: self.now });
    }

    fn push(&mut self, partition: Partition, entry: Entry) {
        self.current(partition).entries.push(entry);
    }

    /// Begins a transaction.
    pub fn begin_transaction(&mut self) -> TransactionId {
        self.latest_transaction += 1;
        self.transactions.insert(self.latest_transaction, BTreeSet::new());
        self.latest_transaction
    }

    /// Commits a transaction or aborts it: a marker says so in every partition that has records of it.
    pub fn end_transaction(&mut self, transaction: TransactionId, commits: bool) {
        for partition in self.transactions.remove(&transaction).unwrap_or_default() {
            self.current(partition).end_transaction(transaction, commits);
            self.mark(partition);
        }
    }

    /// Open transactions, oldest first.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionId> {
        self.transactions.keys().copied()
    }

    /// Whether a transaction is open in the topic.
    #[must_use]
    pub fn is_open(&self, topic: Topic) -> bool {
        self.of(topic).any(|partition| self.stable_end(partition) < self.end(partition))
    }

    // --- Leaders ---

    /// Another broker leads a partition from now on.
    pub fn elect(&mut self, partition: Partition) {
        self.current(partition).elect();
    }

    /// The partition's records from `to` on are lost, and another broker leads it.
    pub fn put_back(&mut self, partition: Partition, to: i64) {
        let parent = self.logs[&partition];
        let timeline = self.timelines[parent].forked(parent, to);
        self.begin(partition, timeline);
    }

    /// Where the records of a leader's epoch, and of those before, end by the present log.
    #[must_use]
    pub fn end_of_epoch(&self, partition: Partition, epoch: i32) -> i64 {
        self.log(partition).end_of_epoch(epoch)
    }

    /// The epoch of the record before an offset.
    #[must_use]
    pub fn epoch_before(&self, timeline: TimelineId, offset: i64) -> Option<i32> {
        self.timelines[timeline].epoch_before(offset)
    }

    // --- Reading ---

    /// The log that a partition has now.
    #[must_use]
    pub fn timeline(&self, partition: Partition) -> TimelineId {
        self.logs[&partition]
    }

    /// How many offsets a partition's present log has in common with this one.
    #[must_use]
    pub fn shared(&self, partition: Partition, with: TimelineId) -> i64 {
        let mut at = self.logs[&partition];
        let mut shared = i64::MAX;
        while at != with {
            let Some((parent, forked_at)) = self.timelines[at].parent else { return 0 };
            shared = shared.min(forked_at);
            at = parent;
        }
        shared
    }

    /// The offset after the last that the brokers have acknowledged.
    #[must_use]
    pub fn end(&self, partition: Partition) -> i64 {
        self.log(partition).end()
    }

    /// The offset up to which the partition can be read: that of the first record of an open transaction.
    #[must_use]
    pub fn stable_end(&self, partition: Partition) -> i64 {
        let log = self.log(partition);
        if self.transactions.is_empty() { log.end() } else { log.stable_end() }
    }

    /// The acknowledged ends of a topic's partitions.
    pub fn ends(&self, topic: Topic) -> impl Fn(i32) -> Option<Offset> {
        move |number| {
            let timeline = self.logs.get(&Partition { topic, number })?;
            Some(Offset(self.timelines[*timeline].end()))
        }
    }

    /// The records from an offset on that a partition hands out now, each with its offset: those of open transactions only to
    /// a reader that is not to be.
    pub fn records(
        &self,
        partition: Partition,
        from: i64,
        open_too: bool,
    ) -> impl Iterator<Item = (i64, Option<&[u8]>)> {
        let stable = if open_too { i64::MAX } else { self.stable_end(partition) };
        let entries =
            self.entries(self.logs[&partition], from).take_while(move |(offset, _)| *offset < stable);
        entries.filter_map(|(offset, entry)| match &entry.content {
            Content::Record(value) | Content::Open(_, value) => Some((offset, value.as_deref())),
            Content::Aborted | Content::Marker => None,
        })
    }

    /// The records of a log, each with its offset; not those of transactions that are open or aborted.
    pub fn records_of(&self, log: TimelineId, from: i64) -> impl Iterator<Item = (i64, Option<&[u8]>)> {
        self.entries(log, from).filter_map(|(offset, entry)| match &entry.content {
            Content::Record(value) => Some((offset, value.as_deref())),
            Content::Open(..) | Content::Aborted | Content::Marker => None,
        })
    }

    /// All that a log has from an offset on.
    pub fn entries(&self, log: TimelineId, from: i64) -> impl Iterator<Item = (i64, &Entry)> {
        let skipped = usize::try_from(from).expect("offsets are not negative");
        (from..).zip(self.timelines[log].entries.iter().skip(skipped))
    }

    fn log(&self, partition: Partition) -> &Timeline {
        &self.timelines[self.logs[&partition]]
    }

    fn current(&mut self, partition: Partition) -> &mut Timeline {
        &mut self.timelines[self.logs[&partition]]
    }
}

/// A topic's id as it is announced.
#[must_use]
pub fn id_in_words(id: u32) -> String {
    format!("id{id}")
}

/// A topic's id from an announcement.
#[must_use]
pub fn id_from_words(words: &str) -> u32 {
    words.strip_prefix("id").and_then(|number| number.parse().ok()).unwrap_or(0)
}
