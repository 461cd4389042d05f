//! Metrics for Prometheus. Handles are kept, so that no metric is looked up by name for each record.

use crate::decide::changes::PartitionChanges;
use crate::decide::held_partition::HeldPartition;
use crate::ledger::Ledger;
use crate::record::Partition;
use crate::record::reason::Reason;
use crate::record::topic_names::TopicNames;
use chrono::TimeDelta;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use std::time::Duration;

const RECORDS: &str = "consumer_records_total";
const DEAD_LETTERS: &str = "consumer_dead_letters_total";
const PLACES_ONLY: &str = "consumer_dead_letters_places_only_total";
const CONTRADICTIONS: &str = "consumer_contradictions_total";
const BATCH_RECORDS: &str = "consumer_batch_records";
const BATCH_SECONDS: &str = "consumer_batch_seconds";
const COMMIT_SECONDS: &str = "consumer_commit_seconds";
const LAG: &str = "consumer_lag_records";
const OPEN_TRANSACTION_OFFSETS: &str = "consumer_open_transaction_offsets";
const OPEN_TRANSACTION_SECONDS: &str = "consumer_open_transaction_seconds";
const MISPLACED: &str = "consumer_misplaced_records_total";
const PARTITIONS: &str = "consumer_partitions";
const FENCED: &str = "consumer_partitions_fenced_total";
const STOPPED: &str = "consumer_partitions_stopped_total";
const STOPPED_NOW: &str = "consumer_partitions_stopped";
const LEDGER_PAGES: &str = "consumer_ledger_pages";
const LEDGER_BYTES: &str = "consumer_ledger_bytes";
const PAGES_READ: &str = "consumer_ledger_pages_read_total";
const LOOKUPS: &str = "consumer_ledger_lookups_total";

/// Failures of PostgreSQL.
pub const POSTGRESQL_FAILURES: &str = "consumer_postgresql_failures_total";
/// Errors of Kafka's client.
pub const KAFKA_ERRORS: &str = "consumer_kafka_errors_total";
/// Announcements that Redis didn't take.
pub const ANNOUNCEMENTS_LOST: &str = "consumer_announcements_lost_total";
/// Segments of the ledger that were merged.
pub const SEGMENTS_MERGED: &str = "consumer_ledger_segments_merged_total";

/// How far this machine's clock is ahead of the database's.
pub const CLOCK_SKEW: &str = "consumer_clock_skew_seconds";

/// Counters that other modules raise, each with what it counts.
const RAISED_ELSEWHERE: [(&str, &str); 4] = [
    (POSTGRESQL_FAILURES, "Failures of PostgreSQL; each is followed by another attempt."),
    (KAFKA_ERRORS, "Errors that Kafka's client has reported."),
    (ANNOUNCEMENTS_LOST, "Organizations whose change Redis was not told."),
    (SEGMENTS_MERGED, "Segments of the ledger that were merged into fewer."),
];

/// Handles of the pipeline's metrics.
pub struct Meters {
    counted: Counter,
    duplicates: Counter,
    nothing_to_count: Counter,
    unknown_bodies: Counter,
    contradictions: Counter,
    dead_letters: Vec<(Reason, Counter)>,
    places_only: Counter,
    batch_records: Histogram,
    batch_seconds: Histogram,
    commit_seconds: Histogram,
    partitions: Gauge,
    fenced: Counter,
    stopped: Counter,
    stopped_now: Gauge,
    ledger_pages: Gauge,
    ledger_bytes: Gauge,
    pages_read: Counter,
    lookups: Counter,
}

/// The recorder's settings: histograms have buckets, so that members can be added up.
///
/// # Panics
/// Never: the buckets are not empty.
#[must_use]
pub fn recorder() -> PrometheusBuilder {
    let seconds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
    let records = [1.0, 10.0, 100.0, 1e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(BATCH_RECORDS.into()), &records))
        .expect("the buckets are not empty")
}

impl Meters {
    /// Describes the metrics and takes their handles.
    #[must_use]
    pub fn new() -> Self {
        describe_counter!(RECORDS, "Records committed, by outcome.");
        describe_counter!(DEAD_LETTERS, "Records that can't be counted, by reason.");
        describe_counter!(PLACES_ONLY, "Those of them of which only place and reason are kept.");
        describe_counter!(
            CONTRADICTIONS,
            "Copies that contradict the record that counts, seen within one batch."
        );
        describe_histogram!(BATCH_RECORDS, "Records in a batch.");
        describe_histogram!(
            BATCH_SECONDS,
            "From a batch's arrival until it is decided and begins to be written."
        );
        describe_histogram!(COMMIT_SECONDS, "A batch's transaction, from its begin to its commit.");
        describe_gauge!(
            LAG,
            "Records that the brokers have acknowledged and that are not counted yet, by partition."
        );
        describe_gauge!(
            OPEN_TRANSACTION_OFFSETS,
            "Offsets that can't be read because a producer's transaction is open, by partition."
        );
        describe_gauge!(
            OPEN_TRANSACTION_SECONDS,
            "How long that transaction has been seen to be open, by partition."
        );
        describe_counter!(
            MISPLACED,
            "Records in another partition than their key's by murmur2, by topic: copies may count twice."
        );
        describe_gauge!(PARTITIONS, "Partitions this member holds.");
        describe_counter!(FENCED, "Partitions lost to another member's claim.");
        describe_counter!(STOPPED, "How often a partition was stopped until an operator decides.");
        describe_gauge!(STOPPED_NOW, "Partitions of this member that are stopped now.");
        describe_gauge!(LEDGER_PAGES, "Ledger pages in memory.");
        describe_gauge!(LEDGER_BYTES, "Memory of the ledger pages.");
        describe_counter!(PAGES_READ, "Ledger pages read from PostgreSQL, whole.");
        describe_counter!(LOOKUPS, "Fingerprints looked up in pages of PostgreSQL.");
        describe_gauge!(CLOCK_SKEW, "How far this machine's clock is ahead of the database's, at least.");
        gauge!(CLOCK_SKEW).set(0.0);
        // A counter that first appears with its first event can't be asked for an increase.
        for (name, what) in RAISED_ELSEWHERE {
            describe_counter!(name, what);
            counter!(name).increment(0);
        }
        let outcome = |outcome: &'static str| counter!(RECORDS, "outcome" => outcome);
        Self {
            counted: outcome("counted"),
            duplicates: outcome("duplicate"),
            nothing_to_count: outcome("nothing_to_count"),
            unknown_bodies: outcome("unknown_body"),
            contradictions: counter!(CONTRADICTIONS),
            dead_letters: Reason::ALL
                .map(|reason| (reason, counter!(DEAD_LETTERS, "reason" => reason.code())))
                .into(),
            places_only: counter!(PLACES_ONLY),
            batch_records: histogram!(BATCH_RECORDS),
            batch_seconds: histogram!(BATCH_SECONDS),
            commit_seconds: histogram!(COMMIT_SECONDS),
            partitions: gauge!(PARTITIONS),
            fenced: counter!(FENCED),
            stopped: counter!(STOPPED),
            stopped_now: gauge!(STOPPED_NOW),
            ledger_pages: gauge!(LEDGER_PAGES),
            ledger_bytes: gauge!(LEDGER_BYTES),
            pages_read: counter!(PAGES_READ),
            lookups: counter!(LOOKUPS),
        }
    }

    /// A batch was decided, and is being written.
    #[allow(clippy::cast_precision_loss)]
    pub fn batch(&self, records: usize, took: Duration) {
        self.batch_records.record(records as f64);
        self.batch_seconds.record(took);
    }

    /// A transaction was committed.
    pub fn commit(&self, took: Duration) {
        self.commit_seconds.record(took);
    }

    /// A partition's share of a batch is committed.
    pub fn committed(&self, changes: &PartitionChanges) {
        self.counted.increment(changes.counted);
        self.duplicates.increment(changes.duplicates);
        self.nothing_to_count.increment(changes.tally.nothing_to_count);
        self.unknown_bodies.increment(changes.tally.unknown_bodies);
        self.contradictions.increment(changes.contradictions);
        for (reason, records) in changes.dead_letters.reasons() {
            let counter = self.dead_letters.iter().find(|(known, _)| *known == reason);
            counter.expect("all reasons have one").1.increment(records);
        }
        self.places_only.increment(changes.dead_letters.in_runs());
    }

    /// Records of a topic lie in other partitions than their keys'.
    pub fn misplaced(&self, topic: &str, records: u64) {
        counter!(MISPLACED, "topic" => topic.to_owned()).increment(records);
    }

    /// How many records a partition lags behind.
    #[allow(clippy::cast_precision_loss)]
    pub fn lag(&self, topics: &TopicNames, partition: Partition, held: &HeldPartition) {
        if let Some(lag) = held.lag() {
            by_partition(LAG, topics, partition).set(lag as f64);
        }
        let open = held.open_transaction();
        let (offsets, open_for) = open.map_or((0, TimeDelta::zero()), |open| (open.offsets, open.open_for));
        by_partition(OPEN_TRANSACTION_OFFSETS, topics, partition).set(offsets as f64);
        by_partition(OPEN_TRANSACTION_SECONDS, topics, partition).set(open_for.as_seconds_f64());
    }

    /// This member no longer holds a partition.
    pub fn released(&self, topics: &TopicNames, partition: Partition) {
        for name in [LAG, OPEN_TRANSACTION_OFFSETS, OPEN_TRANSACTION_SECONDS] {
            by_partition(name, topics, partition).set(0.0);
        }
    }

    /// How many partitions this member holds.
    #[allow(clippy::cast_precision_loss)]
    pub fn partitions(&self, count: usize) {
        self.partitions.set(count as f64);
    }

    /// Partitions were lost to another's claim.
    pub fn fenced(&self, count: usize) {
        self.fenced.increment(count as u64);
    }

    /// A partition was stopped.
    pub fn stopped(&self) {
        self.stopped.increment(1);
    }

    /// So many partitions are stopped now.
    #[allow(clippy::cast_precision_loss)]
    pub fn stopped_now(&self, count: usize) {
        self.stopped_now.set(count as f64);
    }

    /// This many pages are read to decide a batch.
    pub fn pages_read(&self, pages: usize) {
        self.pages_read.increment(pages as u64);
    }

    /// This many fingerprints are looked up to decide a batch.
    pub fn looked_up(&self, lookups: usize) {
        self.lookups.increment(lookups as u64);
    }

    /// The size of the ledger's pages in memory.
    #[allow(clippy::cast_precision_loss)]
    pub fn ledger(&self, ledger: &Ledger) {
        self.ledger_pages.set(ledger.pages() as f64);
        self.ledger_bytes.set(ledger.bytes() as f64);
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}

/// Looked up by name: that happens once a second for each partition.
fn by_partition(name: &'static str, topics: &TopicNames, partition: Partition) -> Gauge {
    gauge!(name, "topic" => topics.of(partition.topic).to_owned(), "partition" => partition.number.to_string())
}
