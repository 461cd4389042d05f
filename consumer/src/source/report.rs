//! The report of committed offsets to Kafka. Advice for lag tools only: this system never reads it.

use super::context::Context;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// How often offsets are reported.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Offsets that are not reported yet.
pub struct OffsetReport {
    consumer: Arc<BaseConsumer<Context>>,
    topics: TopicNames,
    offsets: HashMap<Partition, Offset>,
    reported_at: Instant,
}

impl OffsetReport {
    /// Nothing to report.
    pub fn new(consumer: Arc<BaseConsumer<Context>>, topics: TopicNames) -> Self {
        Self { consumer, topics, offsets: HashMap::new(), reported_at: Instant::now() }
    }

    /// Adds offsets; of each partition the last one is reported.
    pub fn add(&mut self, offsets: Vec<(Partition, Offset)>) {
        self.offsets.extend(offsets);
    }

    /// Reports without waiting for Kafka, unless that was done a moment ago.
    pub fn send_when_due(&mut self) {
        if !self.offsets.is_empty() && self.reported_at.elapsed() >= REPORT_EVERY {
            let offsets = self.take();
            commit(&self.consumer, &offsets, CommitMode::Async);
        }
    }

    /// Reports what is left, and waits for Kafka's answer until `deadline`. Returns whether it came, or there was nothing to
    /// report. librdkafka's own wait has no limit, so it has a thread of its own, which ends with the process at the latest.
    pub fn send_last(&mut self, deadline: Instant) -> bool {
        let (consumer, offsets) = (Arc::clone(&self.consumer), self.take());
        if offsets.count() == 0 {
            return true;
        }
        let (done, answered) = sync_channel(1);
        let send = move || {
            commit(&consumer, &offsets, CommitMode::Sync);
            let _ = done.try_send(());
        };
        let sending = std::thread::Builder::new().name("report".into()).spawn(send);
        let left = deadline.saturating_duration_since(Instant::now());
        sending.is_ok() && answered.recv_timeout(left).is_ok()
    }

    /// What is not reported yet. From now on it counts as reported.
    fn take(&mut self) -> TopicPartitionList {
        self.reported_at = Instant::now();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in self.offsets.drain() {
            let topic = self.topics.of(partition.topic);
            // Refused for negative offsets only, and these come from Kafka.
            let _ = list.add_partition_offset(topic, partition.number, KafkaOffset::Offset(offset.0));
        }
        list
    }
}

fn commit(consumer: &BaseConsumer<Context>, offsets: &TopicPartitionList, mode: CommitMode) {
    if let Err(error) = consumer.commit(offsets, mode) {
        tracing::debug!(%error, "offsets were not reported to Kafka");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;
    use rdkafka::config::ClientConfig;

    #[test]
    fn a_last_report_that_nobody_answers_is_waited_for_until_the_deadline() {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "127.0.0.1:1").set("group.id", "g");
        let consumer: BaseConsumer<Context> = config.create_with_context(Context::default()).unwrap();
        let topics = TopicNames::new(["e".into(), "w".into(), "m".into()]);
        let mut report = OffsetReport::new(Arc::new(consumer), topics);
        let deadline = Instant::now() + Duration::from_millis(100);
        assert!(report.send_last(deadline), "nothing is left to report");
        report.add(vec![(Partition { topic: Topic::Events, number: 0 }, Offset(7))]);
        assert!(!report.send_last(deadline), "nobody answers");
        assert!(report.send_last(deadline), "it isn't reported again");
    }
}
