//! Kafka: logs of records, and markers that take an offset without being one.

use consumer::record::{Partition, Topic};
use std::collections::BTreeMap;

/// The topics' partitions.
#[derive(Default)]
pub struct Kafka {
    logs: BTreeMap<Partition, Vec<Entry>>,
}

/// What stands at an offset.
pub enum Entry {
    /// A record's value; `None` is one without.
    Record(Option<Vec<u8>>),
    /// A transaction's marker, never handed out.
    Marker,
}

impl Kafka {
    /// Adds a partition to a topic.
    pub fn grow(&mut self, topic: Topic) -> Partition {
        let number = i32::try_from(self.of(topic).count()).expect("a few partitions");
        let partition = Partition { topic, number };
        self.logs.insert(partition, Vec::new());
        partition
    }

    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.logs.keys().copied()
    }

    /// The partitions of a topic.
    pub fn of(&self, topic: Topic) -> impl Iterator<Item = Partition> {
        self.partitions().filter(move |partition| partition.topic == topic)
    }

    /// Appends to a partition that there is.
    pub fn append(&mut self, partition: Partition, entry: Entry) {
        self.logs.get_mut(&partition).expect("a partition that there is").push(entry);
    }

    /// The offset after the last.
    #[must_use]
    pub fn end(&self, partition: Partition) -> i64 {
        offset(self.logs[&partition].len())
    }

    /// The entries from an offset on, each with its own.
    pub fn entries(&self, partition: Partition, from: i64) -> impl Iterator<Item = (i64, &Entry)> {
        let skipped = usize::try_from(from).expect("offsets are not negative");
        (from..).zip(self.logs[&partition].iter().skip(skipped))
    }

    /// The records from an offset on, each with its own.
    pub fn records(&self, partition: Partition, from: i64) -> impl Iterator<Item = (i64, Option<&[u8]>)> {
        self.entries(partition, from).filter_map(|(offset, entry)| match entry {
            Entry::Record(value) => Some((offset, value.as_deref())),
            Entry::Marker => None,
        })
    }
}

fn offset(length: usize) -> i64 {
    i64::try_from(length).expect("logs are short")
}
