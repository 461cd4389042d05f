//! The ingest benchmark's table, and the medians of figures.

use machine::say;
use serde::Serialize;

/// One round of the ingest benchmark. Rates are records per second, times processor seconds per million records.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// The bare consumer's rate.
    pub bare: f64,
    /// The bare consumer's processor time.
    pub bare_cpu: f64,
    /// The consumer's rate.
    pub consumer: f64,
    /// The consumer's rate as a part of the bare consumer's.
    pub ratio: f64,
    /// The consumer's processor time, including its start.
    pub consumer_cpu: f64,
    /// Kafka's processor time while the consumer ran.
    pub kafka_cpu: f64,
    /// PostgreSQL's processor time while the consumer ran.
    pub postgres_cpu: f64,
    /// Bytes of PostgreSQL's log a record.
    pub wal_bytes: f64,
    /// The consumer's peak resident memory in MB (10^6 bytes).
    pub peak_memory_mb: f64,
}

const HEAD: &str = "round     bare/s  consumer/s  ratio | CPU s per million: bare  consumer  Kafka  PostgreSQL | WAL bytes/record | peak MB";

/// Prints the table's head.
pub fn head() {
    say::line(HEAD);
}

/// Prints a row of the table.
pub fn row(name: &str, round: &Round) {
    let Round { bare, bare_cpu, consumer, ratio, consumer_cpu, kafka_cpu, .. } = round;
    let Round { postgres_cpu, wal_bytes, peak_memory_mb, .. } = round;
    say::line(format_args!(
        "{name:<6}{bare:>10.0}{consumer:>12.0}{ratio:>7.2} |{bare_cpu:>24.2}{consumer_cpu:>10.2}{kafka_cpu:>7.2}\
         {postgres_cpu:>12.2} |{wal_bytes:>17.0} |{peak_memory_mb:>8.0}"
    ));
}

/// The median of each figure, and the highest peak. There is at least one round.
#[must_use]
pub fn median(rounds: &[Round]) -> Round {
    let of = |figure: fn(&Round) -> f64| middle(rounds.iter().map(figure).collect());
    Round {
        bare: of(|round| round.bare),
        bare_cpu: of(|round| round.bare_cpu),
        consumer: of(|round| round.consumer),
        ratio: of(|round| round.ratio),
        consumer_cpu: of(|round| round.consumer_cpu),
        kafka_cpu: of(|round| round.kafka_cpu),
        postgres_cpu: of(|round| round.postgres_cpu),
        wal_bytes: of(|round| round.wal_bytes),
        peak_memory_mb: most(rounds.iter().map(|round| round.peak_memory_mb)),
    }
}

/// The highest of the values above 0.
#[must_use]
pub fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

/// The median of at least one value.
#[must_use]
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// The median of a figure over some runs; `None` without runs.
#[must_use]
pub fn median_of<T>(runs: &[T], figure: fn(&T) -> f64) -> Option<f64> {
    (!runs.is_empty()).then(|| middle(runs.iter().map(figure).collect()))
}
