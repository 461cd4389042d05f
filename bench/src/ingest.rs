//! How fast records become committed rows, beside the fastest way to only read and decode them.
//!
//! Both programs read the same records from the same topic in turn, so other load on the machine affects both. The
//! consumer's clock starts with its first claim of a partition, just before its first fetch, and ends when
//! all offsets are committed in PostgreSQL. Then every sum is compared with the known truth; a run with a wrong sum has
//! no figure.

use super::chart::{Bar, Chart, grouped};
use super::finding::Finding;
use super::record::{Outputs, Row};
use super::report::{self, Round};
use super::round::Bench;
use super::stage::Stage;
use ::load::{Horizon, Load, Producer, Topics, Trouble, Truth};
use anyhow::Context as _;
use chrono::Utc;
use machine::say;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long Kafka may take to store the last records after all are sent.
const FLUSH_LIMIT: Duration = Duration::from_secs(120);

/// Records of a quick run.
pub const QUICK_RECORDS: u64 = 1_000_000;
/// The consumer's default budget.
const LEDGER_MEMORY_MIB: u64 = 512;

/// Options of `ingest`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    #[command(flatten)]
    #[serde(flatten)]
    load: LoadOptions,
    /// Rounds, each with both consumers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// One round of at most 1,000,000 records
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// The records of a run.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct LoadOptions {
    /// Records to read
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub records: u64,
    /// Partitions of the topic
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
    /// Organizations of the records
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    organizations: u64,
    /// Share of repeated records, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    duplicates: f64,
    /// Share of records from the last 72 hours instead of the last one, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    stragglers: f64,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let options = &options.settled();
    let Stage { services, binaries } = Stage::set().await?;
    let topics = Topics::prefixed(&format!("bench-{}-", std::process::id()));
    services.kafka.create_topics(&topics.all(), options.load.partitions).await?;
    let mut truth = Truth::new(Horizon::at(Utc::now()));
    let brokers = services.kafka.brokers();
    tokio::task::block_in_place(|| produce(&options.load.load(), brokers, &topics, &mut truth))?;

    let (records, partitions) = (options.load.records, options.load.partitions);
    let bench = Bench { services, consumer: binaries.consumer, topics, truth, records, partitions };
    report::head();
    let mut rounds: Vec<Round> = Vec::new();
    for number in 1..=options.rounds {
        let round = bench.round(number).await?;
        report::row(&number.to_string(), &round);
        rounds.push(round);
    }
    let median = report::median(&rounds);
    report::row("median", &median);
    say::line("Every sum was right.");
    let mut rows = vec![Row::new("median", &median)?];
    for (number, round) in (1..).zip(&rounds) {
        rows.push(Row::new(format!("round {number}"), round)?);
    }
    let chart = options.chart(&median);
    options.outputs.write(&bench.services, options.name(), options, &rows, &chart.svg()).await?;
    Ok(options.findings(&median))
}

impl Options {
    /// The options, as `--quick` changes them.
    fn settled(&self) -> Self {
        let mut options = self.clone();
        if options.quick {
            options.load.records = options.load.records.min(QUICK_RECORDS);
            options.rounds = 1;
        }
        options
    }

    /// Whether the targets apply: records in order, each once.
    fn findings(&self, median: &Round) -> Vec<Finding> {
        if self.name() != "ingest" {
            return Vec::new();
        }
        let rate = |rate| format!("{} records/s", grouped(rate));
        let beside = "the same, beside a consumer that only decodes";
        vec![
            Finding::at_least("Kafka to committed counters", median.consumer, 1e6, rate),
            Finding::at_least(beside, median.ratio, 1.0, |ratio| format!("{ratio:.2} of its rate")),
            Finding::memory("the same", median.peak_memory_mb, LEDGER_MEMORY_MIB),
        ]
    }

    /// The name under which the figures are saved.
    fn name(&self) -> &'static str {
        if self.load.duplicates > 0.0 || self.load.stragglers > 0.0 { "ingest-disorder" } else { "ingest" }
    }

    fn chart(&self, median: &Round) -> Chart {
        #[allow(clippy::cast_precision_loss)] // for people
        let records = grouped(self.load.records as f64);
        Chart {
            title: "Kafka to committed counters".into(),
            note: format!(
                "{records} records; median of rounds: {}; all programs on one machine",
                self.rounds
            ),
            bars: vec![
                Bar::rate("consumer", median.consumer, true),
                Bar::rate("only reads and decodes", median.bare, false),
            ],
        }
    }
}

impl LoadOptions {
    /// The records, up to now.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            records: self.records,
            companies: usize::try_from(self.organizations).unwrap_or(usize::MAX),
            partitions: self.partitions,
            trouble: Trouble { repeats: self.duplicates, stragglers: self.stragglers, ..Trouble::NONE },
            ..Load::plain(self.seed, Utc::now())
        }
    }
}

/// Fills the topic, and returns the truth about its records.
///
/// # Errors
/// When Kafka doesn't take the records.
pub fn produce(load: &Load, brokers: &str, topics: &Topics, truth: &mut Truth) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut producer = Producer::new(brokers, topics.clone())?;
    let (mut bytes, before) = (0, truth.tally.counted);
    for record in load.records() {
        producer.send(&record)?;
        truth.take(&record);
        bytes += record.payload.len() as u64;
    }
    let produced = producer.flush(FLUSH_LIMIT).context("the topic can't be filled")?;
    let (mean, seconds) = (bytes / load.records, start.elapsed().as_secs_f64());
    let unique = truth.tally.counted - before;
    say::line(format_args!(
        "Produced {produced} records of {mean} bytes, {unique} of them unique, in {seconds:.1} s"
    ));
    Ok(())
}
