//! Rows of what senders are told of refused records: columns of their table, sorted by its key. Pure.

use crate::batch::refusals::Example;
use crate::batch::texts::Texts;
use crate::decide::changes::PartitionChanges;
use crate::record::topic_names::TopicNames;
use std::collections::BTreeMap;

/// How many records of an organization were refused, by topic and reason, and an example of them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct RefusalRows {
    pub organization: Vec<String>,
    pub topic: Vec<String>,
    pub reason: Vec<&'static str>,
    /// Whether the organization is guessed from keys.
    pub guessed: Vec<bool>,
    pub records: Vec<i64>,
    pub partition: Vec<i32>,
    pub offset: Vec<i64>,
    pub key: Vec<Option<Vec<u8>>>,
    pub detail: Vec<Option<String>>,
}

/// The records of one row.
struct Sum<'a> {
    records: i64,
    /// The partition of the example.
    partition: i32,
    example: &'a Example,
}

impl RefusalRows {
    /// The rows of all these partitions, added up. The example is that of the first partition.
    #[must_use]
    pub fn of(changes: &[&PartitionChanges], texts: &Texts, topics: &TopicNames) -> Self {
        let mut sums = BTreeMap::<(&str, &str, &str, bool), Sum<'_>>::new();
        for changes in changes {
            let (topic, partition) = (topics.of(changes.partition.topic), changes.partition.number);
            for (of, told) in changes.refusals.all() {
                let key = (texts.get(of.organization), topic, of.reason.code(), of.is_guessed);
                let new = Sum { records: 0, partition, example: &told.example };
                sums.entry(key).or_insert(new).records += told.records;
            }
        }
        let mut rows = Self::default();
        for ((organization, topic, reason, guessed), Sum { records, partition, example }) in sums {
            rows.organization.push(organization.to_owned());
            rows.topic.push(topic.to_owned());
            rows.reason.push(reason);
            rows.guessed.push(guessed);
            rows.records.push(records);
            rows.partition.push(partition);
            rows.offset.push(example.offset.0);
            rows.key.push(example.key.clone());
            rows.detail.push(example.detail.clone());
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::reason::{Reason, Refusal};
    use crate::record::{Offset, Partition, Raw, Span, Topic};
    use crate::refused::sender::Sender;

    #[test]
    fn partitions_are_added_up_and_rows_are_in_the_order_of_their_key() {
        let mut texts = Texts::default();
        let mut of = |number: i32, organizations: &[&str]| {
            let partition = Partition { topic: Topic::Events, number };
            let mut changes = PartitionChanges::empty(partition, 1, Span::empty(Offset(0)));
            for (offset, organization) in (0..).zip(organizations) {
                let raw = Raw {
                    partition,
                    offset: Offset(offset),
                    key: None,
                    payload: None,
                    headers: Vec::new(),
                    timestamp_ms: None,
                    leader_epoch: None,
                };
                let sender = Sender { organization, is_guessed: false };
                changes.refusals.add(&mut texts, sender, &raw, &Refusal::new(Reason::EmptyPayload, "no"));
            }
            changes
        };
        let (first, second) = (of(0, &["beta", "acme", "beta"]), of(1, &["acme"]));
        let names = TopicNames::new(["e", "w", "m"].map(str::to_owned));
        let rows = RefusalRows::of(&[&first, &second], &texts, &names);
        assert_eq!((rows.organization, rows.records), (vec!["acme".into(), "beta".into()], vec![2, 2]));
        assert_eq!((rows.partition, rows.offset), (vec![0, 0], vec![1, 0]));
        assert_eq!((rows.topic, rows.reason), (vec!["e".into(), "e".into()], vec!["empty_payload"; 2]));
    }
}
