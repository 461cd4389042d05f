//! Metrics for Prometheus that are recorded. Handles are kept, so that no metric is looked up by name for each record. What is so
//! at the moment of a scrape is not recorded: partitions are shown by `pipeline/gauges.rs`, conditions by their readiness.

use crate::decide::changes::PartitionChanges;
use crate::ledger::Ledger;
use crate::record::Topic;
use crate::record::reason::Reason;
use crate::record::topic_names::TopicNames;
use chrono::{DateTime, Utc};
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
const LAST_COMMIT: &str = "consumer_last_commit_timestamp_seconds";
const MISPLACED: &str = "consumer_misplaced_records_total";
const FENCED: &str = "consumer_partitions_fenced_total";
const STOPPED: &str = "consumer_partitions_stopped_total";
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
    dead_letters: Vec<(Topic, Reason, Counter)>,
    places_only: Counter,
    batch_records: Histogram,
    batch_seconds: Histogram,
    commit_seconds: Histogram,
    last_commit: Gauge,
    fenced: Counter,
    stopped: Counter,
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
    // From a proof in an idle partition, under a millisecond, to the longest that PostgreSQL may work on a statement, a minute.
    let seconds =
        [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
    // Up to BATCH_RECORDS_MAX.
    let records = [1.0, 10.0, 100.0, 1e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(BATCH_RECORDS.into()), &records))
        .expect("the buckets are not empty")
}

impl Meters {
    /// Describes the metrics and takes their handles. Topics are labels by these names.
    #[must_use]
    pub fn new(topics: &TopicNames) -> Self {
        describe_counter!(RECORDS, "Records committed, by outcome.");
        describe_counter!(DEAD_LETTERS, "Records that can't be counted, by topic and reason.");
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
            LAST_COMMIT,
            "When this member last committed, in seconds since the epoch; 0 before its first commit."
        );
        describe_counter!(
            MISPLACED,
            "Records in another partition than their key's by murmur2, by topic: copies may count twice."
        );
        describe_counter!(FENCED, "Partitions lost to another member's claim.");
        describe_counter!(STOPPED, "How often a partition was stopped until an operator decides.");
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
            dead_letters: Topic::ALL.into_iter().flat_map(|topic| of_reasons(topics, topic)).collect(),
            places_only: counter!(PLACES_ONLY),
            batch_records: histogram!(BATCH_RECORDS),
            batch_seconds: histogram!(BATCH_SECONDS),
            commit_seconds: histogram!(COMMIT_SECONDS),
            last_commit: gauge!(LAST_COMMIT),
            fenced: counter!(FENCED),
            stopped: counter!(STOPPED),
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

    /// A transaction was committed at this instant.
    pub fn commit(&self, took: Duration, at: DateTime<Utc>) {
        self.commit_seconds.record(took);
        self.last_commit.set(seconds(at));
    }

    /// A partition's share of a batch is committed.
    pub fn committed(&self, changes: &PartitionChanges) {
        self.counted.increment(changes.counted);
        self.duplicates.increment(changes.duplicates);
        self.nothing_to_count.increment(changes.tally.nothing_to_count);
        self.unknown_bodies.increment(changes.tally.unknown_bodies);
        self.contradictions.increment(changes.contradictions);
        for (reason, (records, _)) in changes.dead_letters.by_reason() {
            let is_its = |(topic, known, _): &&(Topic, Reason, Counter)| {
                (*topic, *known) == (changes.partition.topic, reason)
            };
            let counter = self.dead_letters.iter().find(is_its);
            counter.expect("all topics and reasons have one").2.increment(records);
        }
        self.places_only.increment(changes.dead_letters.in_runs());
    }

    /// Records of a topic lie in other partitions than their keys'.
    pub fn misplaced(&self, topic: &str, records: u64) {
        counter!(MISPLACED, "topic" => topic.to_owned()).increment(records);
    }

    /// Partitions were lost to another's claim.
    pub fn fenced(&self, count: usize) {
        self.fenced.increment(count as u64);
    }

    /// A partition was stopped.
    pub fn stopped(&self) {
        self.stopped.increment(1);
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

/// A counter of a topic's dead letters for each reason.
fn of_reasons(topics: &TopicNames, topic: Topic) -> impl Iterator<Item = (Topic, Reason, Counter)> {
    let name = topics.of(topic).to_owned();
    let counter =
        move |reason: Reason| counter!(DEAD_LETTERS, "topic" => name.clone(), "reason" => reason.code());
    Reason::ALL.into_iter().map(move |reason| (topic, reason, counter(reason)))
}

/// A time as metrics have it: in seconds since the epoch, to the microsecond.
#[allow(clippy::cast_precision_loss)]
#[must_use]
pub fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_micros() as f64 / 1e6
}
