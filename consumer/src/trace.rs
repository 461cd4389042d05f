//! The trace of a batch: a span for all of it, and one below for each step. Counting never waits for it, and while tracing is off
//! there is none.
//!
//! ```text
//! process            from the first record until the commit is known; linked to the spans of producers
//!   fold             while it grew
//!   decide           which records are new
//!   write            once for each batch; what is tried again is within it
//!     commit         once for each attempt
//!   announce         organizations' versions in Redis; of batches that are announced together, the last one's
//! ```
//!
//! What spans say is numbers and names of topics: nothing of a record, and no organization.

use crate::batch::Batch;
use crate::batch::producers::Producers;
use crate::decide::changes::PartitionChanges;
use crate::record::topic_names::TopicNames;
use std::time::Instant;
use traces::{Kind, Origin, Service, Span, Start};

/// What a member is, as its spans say.
pub const SERVICE: Service = Service {
    name: "business-metrics-consumer",
    version: env!("CARGO_PKG_VERSION"),
    spans: "consumer_spans_total",
};

/// Partitions that a span names.
const PARTITIONS_SHOWN_MAX: usize = 64;

/// A batch's trace. It ends when this is dropped; what hasn't happened until then is not in it.
#[derive(Default)]
pub struct BatchTrace(Span);

impl BatchTrace {
    /// Of a batch that was folded since this moment by a member of this group.
    pub fn folded(
        batch: &Batch,
        producers: Producers,
        since: Instant,
        topics: &TopicNames,
        group: &str,
    ) -> Self {
        let topic = only_topic(batch, topics);
        let name = topic.map_or_else(|| "process".to_owned(), |topic| format!("process {topic}"));
        let start = Start::root(name).kind(Kind::Consumer).since(since);
        let span = start.linked_to(producers.into_spans()).begin();
        drop(span.child_since("fold", since));
        if span.is_recording() {
            span.set("messaging.system", "kafka");
            span.set("messaging.operation.name", "process");
            span.set("messaging.operation.type", "process");
            span.set("messaging.consumer.group.name", group.to_owned());
            span.count("messaging.batch.message_count", batch.records());
            topic.iter().for_each(|topic| span.set("messaging.destination.name", (*topic).to_owned()));
            let shown = batch.slices.iter().take(PARTITIONS_SHOWN_MAX).map(|slice| {
                let (topic, number) = (topics.of(slice.partition.topic), slice.partition.number);
                format!("{topic}/{number} [{}, {})", slice.span.from.0, slice.span.until.0)
            });
            span.list("business_metrics.partitions", shown);
            span.count("business_metrics.partitions.folded", batch.slices.len());
        }
        Self(span)
    }

    /// A step that begins now, and ends when it is dropped.
    pub fn step(&self, name: &'static str) -> Span {
        self.0.child(name)
    }

    /// What has come of it: these changes of so many partitions' are committed; `is_refused` if PostgreSQL refuses others for
    /// their data.
    pub fn written<'a>(
        &self,
        committed: impl Iterator<Item = &'a PartitionChanges>,
        partitions: usize,
        is_refused: bool,
    ) {
        if !self.0.is_recording() {
            return;
        }
        let (mut moved, mut counted, mut duplicates, mut refused) = (0_usize, 0_u64, 0_u64, 0_u64);
        for changes in committed {
            moved += 1;
            counted += changes.counted;
            duplicates += changes.duplicates;
            refused +=
                changes.dead_letters.by_reason().into_iter().map(|(_, (records, _))| records).sum::<u64>();
        }
        self.0.count("business_metrics.records.counted", counted);
        self.0.count("business_metrics.records.duplicate", duplicates);
        self.0.count("business_metrics.records.refused", refused);
        self.0.count("business_metrics.partitions.committed", moved);
        self.0.count("business_metrics.partitions.given_up", partitions.saturating_sub(moved));
        if is_refused {
            self.0.fail("data_refused");
        }
    }

    /// Where it is, for steps after its end.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin()
    }
}

/// The topic of all of the batch's records.
fn only_topic<'a>(batch: &Batch, topics: &'a TopicNames) -> Option<&'a str> {
    let mut all = batch.slices.iter().map(|slice| slice.partition.topic);
    let first = all.next()?;
    all.all(|topic| topic == first).then(|| topics.of(first))
}
