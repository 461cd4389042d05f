//! A constant rate for a quarter of an hour, with the current time: whether counting keeps up, and with how much memory.
//!
//! The producer holds its rate whatever the consumer does. Every second the benchmark reads how many records Kafka has that
//! aren't committed in PostgreSQL yet, and the consumer's resident memory. The rate is held if that lag is at most a second's
//! records and a batch's, at its 99th percentile and at the end. At the end every sum is compared with the known truth.

use super::chart::grouped;
use super::finding::Finding;
use super::group::Group;
use super::lines::{Line, Lines};
use super::record::{Outputs, Row};
use super::round::{as_float, drop_database};
use super::stage::{Stage, must_be_right};
use super::steady::Steady;
use super::watch::Watch;
use ::load::Topics;
use anyhow::{Context as _, bail};
use machine::say;
use serde::Serialize;
use stack::Services;
use stack::run::usage::{Usage, peak_memory, resident_memory};
use std::time::Duration;

const PARTITIONS: i32 = 8;
const LEDGER_MEMORY_MIB: u64 = 2_048;
/// The consumer's default age of a batch.
const BATCH: Duration = Duration::from_millis(200);
/// How many seconds of records may wait in addition to a batch.
const WAITING: Duration = Duration::from_secs(1);
const SECOND: Duration = Duration::from_secs(1);
/// How long the consumer may take to claim its partitions, and to count the last records at the end.
const LIMIT: Duration = Duration::from_secs(300);
/// The share of the rate that may be missing.
const RATE_PART: f64 = 0.99;

/// Options of `sustained`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// The duration
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=720))]
    minutes: u32,
    /// Records produced each second
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    rate: u64,
    /// One minute
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// The values at the end of a second.
#[derive(Clone, Copy, Debug)]
struct Second {
    /// Records sent to Kafka and not yet committed.
    lag: f64,
    /// The consumer's resident memory in MB (10^6 bytes).
    memory_mb: f64,
}

/// The values of a minute, or of all. Processor times are numbers of busy processors.
#[derive(Clone, Copy, Debug, Serialize)]
struct Span {
    /// Records sent each second.
    rate: f64,
    lag_p50: f64,
    lag_p99: f64,
    lag_most: f64,
    lag_at_end: f64,
    /// The most resident memory at the end of a second.
    memory_mb: f64,
    consumer_cpu: f64,
    postgres_cpu: f64,
    kafka_cpu: f64,
    producer_cpu: f64,
}

/// All values.
struct Run {
    seconds: Vec<Second>,
    minutes: Vec<Span>,
    whole: Span,
    peak_memory_mb: f64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let Stage { services, binaries } = Stage::set().await?;
    let topics = Topics::prefixed(&format!("bench-{}-sustained-", std::process::id()));
    services.kafka.create_topics(&topics.all(), PARTITIONS).await?;
    let name = format!("sustained_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let (consumer, topics) = (&*binaries.consumer, &topics);
    let group = Group { services: &services, consumer, topics, name: &name, database: &database };
    let run = options.measure(&group).await?;
    drop_database(&services, &name).await?;
    say::line("Every sum was right.");
    options.report(&services, &run).await
}

impl Options {
    fn minutes(&self) -> u32 {
        if self.quick { 1 } else { self.minutes }
    }

    /// How many records may wait: a second's and a batch's.
    fn lag_most(&self) -> f64 {
        as_float(self.rate) * (WAITING + BATCH).as_secs_f64()
    }

    async fn measure(&self, group: &Group<'_>) -> anyhow::Result<Run> {
        let mut watch = group.watch(PARTITIONS).await?;
        let settings = [("LEDGER_MEMORY_MB", LEDGER_MEMORY_MIB.to_string())];
        let mut process = group.start(group.name, &settings)?;
        let (id, all) = (process.id(), usize::try_from(PARTITIONS)?);
        watch
            .until("the consumer to claim its partitions", LIMIT, |watch| watch.owned_by(id).len() == all)
            .await?;

        let producer = group.produce(PARTITIONS, self.rate)?;
        let (mut seconds, mut minutes) = (Vec::new(), Vec::new());
        let (first, start) = (Usage::now(), watch.now());
        let (mut usage, mut handed) = (first.clone(), 0);
        head();
        for minute in 1..=self.minutes() {
            let begin = seconds.len();
            for second in 1..=60 {
                if let Some(status) = process.ended() {
                    bail!("the consumer ended ({status}):\n{}", process.log_tail());
                }
                let at = start + SECOND * (60 * (minute - 1) + second);
                watch.look_on(at.saturating_sub(watch.now())).await?;
                seconds.push(look(&producer, &watch, id)?);
            }
            let (now, by_now) = (Usage::now(), producer.handed()?);
            let span = Span::of(&seconds[begin..], by_now - handed, &usage, &now);
            print(&minute.to_string(), &span);
            minutes.push(span);
            (usage, handed) = (now, by_now);
        }
        let whole = Span::of(&seconds, handed, &first, &usage);
        print("all", &whole);
        let sent = producer.end()?;
        watch.until("the rest to be counted", LIMIT, |watch| watch.committed() >= sent.records).await?;
        let peak = peak_memory(id).context("the consumer ended early")?;
        process.stop();
        must_be_right(&group.database.connect().await?, &sent.truth).await?;
        say::line(format_args!("{} records were produced and counted", sent.records));
        Ok(Run { seconds, minutes, whole, peak_memory_mb: as_float(peak) / 1e6 })
    }

    async fn report(&self, services: &Services, run: &Run) -> anyhow::Result<Vec<Finding>> {
        let mut rows = vec![Row::new("all", &run.whole)?];
        for (number, minute) in (1..).zip(&run.minutes) {
            rows.push(Row::new(format!("minute {number}"), minute)?);
        }
        let memory = Finding::memory("the same", run.peak_memory_mb, LEDGER_MEMORY_MIB);
        let rate = grouped(as_float(self.rate));
        let minutes = self.minutes();
        let values = |of: fn(&Second) -> f64| run.seconds.iter().map(of).collect();
        let lag = Line {
            label: "records waiting".into(),
            values: values(|second| second.lag),
            limit: self.lag_most(),
        };
        let limit = as_float(LEDGER_MEMORY_MIB << 20) / 1e6 + 512.0;
        let mb = Line {
            label: "the consumer's memory, MB".into(),
            values: values(|second| second.memory_mb),
            limit,
        };
        let chart = Lines {
            title: format!("{rate} records/s for {minutes} min"),
            note: "a value a second; dashed: what it is to stay below; all programs on one machine".into(),
            lines: vec![lag, mb],
        };
        self.outputs.write(services, "sustained", self, &rows, &chart.svg()).await?;
        let Span { rate: produced, lag_p99, lag_at_end, .. } = run.whole;
        let seconds = |lag: f64| format!("{:.2} s of records", lag / as_float(self.rate));
        let what = format!(
            "{minutes} min at {rate} records/s about now: what waits, 99th percentile and at the end"
        );
        let mut held = Finding::at_most(what, lag_p99.max(lag_at_end), self.lag_most(), seconds);
        if produced < RATE_PART * as_float(self.rate) {
            held.met = false;
            held.figure = format!("{}, but only {} records/s were produced", held.figure, grouped(produced));
        }
        Ok(vec![held, memory])
    }
}

/// The values now.
fn look(producer: &Steady, watch: &Watch, id: u32) -> anyhow::Result<Second> {
    let lag = producer.handed()?.saturating_sub(watch.committed());
    let memory = resident_memory(id).context("the consumer ended early")?;
    Ok(Second { lag: as_float(lag), memory_mb: as_float(memory) / 1e6 })
}

impl Span {
    /// The summary of these seconds, in which `handed` records were sent.
    fn of(seconds: &[Second], handed: u64, before: &Usage, after: &Usage) -> Self {
        let mut lags: Vec<f64> = seconds.iter().map(|second| second.lag).collect();
        let lag_at_end = lags.last().copied().unwrap_or_default();
        lags.sort_by(f64::total_cmp);
        let time = seconds.len() as f64;
        let cpu = |program: &str| after.since(before, program) / time;
        Self {
            rate: as_float(handed) / time,
            lag_p50: percentile(&lags, 50),
            lag_p99: percentile(&lags, 99),
            lag_most: percentile(&lags, 100),
            lag_at_end,
            memory_mb: seconds.iter().map(|second| second.memory_mb).fold(0.0, f64::max),
            consumer_cpu: cpu("consumer"),
            postgres_cpu: cpu("postgres"),
            kafka_cpu: cpu("java"),
            producer_cpu: after.of_process_since(before, std::process::id()) / time,
        }
    }
}

/// The smallest value that this many of a hundred don't exceed (the nearest rank). Values ascend; without values it is 0.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let rank = (values.len() * percent).div_ceil(100);
    rank.checked_sub(1).map_or(0.0, |place| values[place])
}

fn head() {
    say::line(
        "minute  records/s | waiting: half    p99    most  at the end | MB | CPUs busy: consumer  PostgreSQL  Kafka  producer",
    );
}

fn print(name: &str, span: &Span) {
    let Span { rate, lag_p50, lag_p99, lag_most, lag_at_end, memory_mb, .. } = span;
    let Span { consumer_cpu, postgres_cpu, kafka_cpu, producer_cpu, .. } = span;
    say::line(format_args!(
        "{name:<6}{rate:>11.0} |{lag_p50:>14.0}{lag_p99:>7.0}{lag_most:>8.0}{lag_at_end:>12.0} |{memory_mb:>5.0} |\
         {consumer_cpu:>17.2}{postgres_cpu:>12.2}{kafka_cpu:>7.2}{producer_cpu:>10.2}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let check = |values: &[f64], percent, expected: f64| {
            assert!((percentile(values, percent) - expected).abs() < 1e-9, "{percent}");
        };
        check(&values, 99, 198.0);
        check(&values, 100, 200.0);
        check(&values[..1], 50, 1.0);
        check(&[], 99, 0.0);
    }
}
