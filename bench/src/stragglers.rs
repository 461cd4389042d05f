//! The cost of late records: the rate with and without them, side by side, on a ledger much larger than memory.
//!
//! Some records are repeats, some are late, evenly by up to 72 hours. Those three days were counted before: they are in the
//! counters, and their pages in the ledger, which is ten times the consumer's memory for it. Every sum
//! is compared with the known truth.

use super::chart::{Bar, Chart};
use super::disk::{self, Disk};
use super::finding::Finding;
use super::ingest::{QUICK_RECORDS, produce};
use super::past::Past;
use super::record::{Outputs, Row};
use super::report;
use super::round::{Bench, Measured, drop_database};
use super::stage::Stage;
use ::load::{Horizon, Load, Topics, Trouble, Truth};
use chrono::{DateTime, Utc};
use machine::say;
use serde::Serialize;
use stack::Services;
use stack::binaries::Binaries;

/// Options of `stragglers`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Records to read in each run
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Rounds, each without late records and with them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Partitions of the topic
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Organizations of the records
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    organizations: u64,
    /// Share of repeated records, 0 to 1
    #[arg(long, default_value_t = 0.05)]
    duplicates: f64,
    /// Share of records from the last 72 hours, 0 to 1
    #[arg(long, default_value_t = 0.10)]
    stragglers: f64,
    /// Memory for ledger pages in the run with late records, in MiB
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    ledger_memory_mb: u64,
    /// The ledger on disk, as a multiple of that memory
    #[arg(long, default_value_t = 10)]
    ledger_times: u64,
    /// Don't measure the bytes of disk a counted record takes
    #[arg(long)]
    no_disk: bool,
    /// One round of at most 1,000,000 records
    #[arg(long)]
    quick: bool,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// One round. Processor times are seconds per million records.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
    plain: f64,
    late: f64,
    ratio: f64,
    consumer_cpu: f64,
    postgres_cpu: f64,
    /// Bytes of PostgreSQL's log a record.
    wal_bytes: f64,
    peak_memory_mb: f64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let options = &options.settled();
    let Stage { services, binaries } = Stage::set().await?;
    let now = Utc::now();
    let plain = bench(options, &services, &binaries, "plain", options.load(Trouble::NONE, now)).await?;
    let trouble = Trouble { repeats: options.duplicates, stragglers: options.stragglers, ..Trouble::NONE };
    let mut late = bench(options, &services, &binaries, "late", options.load(trouble, now)).await?;
    let bytes = (options.ledger_memory_mb * options.ledger_times) << 20;
    let past = Past::new(options.organizations, options.partitions, now, bytes)?;
    past.tell(&mut late.truth);

    say::line(
        "round     plain/s      late/s  ratio | CPU s per million: consumer  PostgreSQL | WAL bytes/record | peak MB",
    );
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let round = options.round(number, &plain, &late, &past).await?;
        print(&number.to_string(), &round);
        rounds.push(round);
    }
    let median = median(&rounds);
    print("median", &median);
    let disk = if options.no_disk { None } else { Some(disk::measure(&services, &binaries).await?) };
    say::line("Every sum was right.");
    let mut rows = vec![Row::new("median", &median)?];
    for (number, round) in (1..).zip(&rounds) {
        rows.push(Row::new(format!("round {number}"), round)?);
    }
    if let Some(disk) = &disk {
        rows.push(Row::new("disk", disk)?);
    }
    options.outputs.write(&services, "stragglers", options, &rows, &options.chart(&median).svg()).await?;
    Ok(options.findings(&median, disk.as_ref()))
}

/// A separate topic, filled.
async fn bench(
    options: &Options,
    services: &Services,
    binaries: &Binaries,
    name: &str,
    load: Load,
) -> anyhow::Result<Bench> {
    let topics = Topics::prefixed(&format!("bench-{}-{name}-", std::process::id()));
    services.kafka.create_topics(&topics.all(), options.partitions).await?;
    let mut truth = Truth::new(Horizon::at(Utc::now()));
    tokio::task::block_in_place(|| produce(&load, services.kafka.brokers(), &topics, &mut truth))?;
    let (services, consumer) = (services.clone(), binaries.consumer.clone());
    Ok(Bench { services, consumer, topics, truth, records: options.records, partitions: options.partitions })
}

impl Options {
    /// The options, as `--quick` changes them.
    fn settled(&self) -> Self {
        let mut options = self.clone();
        if options.quick {
            options.records = options.records.min(QUICK_RECORDS);
            options.rounds = 1;
        }
        options
    }

    fn findings(&self, median: &Round, disk: Option<&Disk>) -> Vec<Finding> {
        let late = format!(
            "{:.0} % repeats, {:.0} % late by up to 72 hours",
            self.duplicates * 100.0,
            self.stragglers * 100.0
        );
        let ratio = |ratio| format!("{ratio:.2} of the rate in order");
        let bytes = |bytes| format!("{bytes:.1} bytes");
        let mut findings = vec![
            Finding::at_least(&*late, median.ratio, 0.6, ratio),
            Finding::memory("the same", median.peak_memory_mb, self.ledger_memory_mb),
        ];
        findings.extend(disk.map(|disk| {
            Finding::at_most("ledger on disk, a record, after merging", disk.ledger_bytes, 12.0, bytes)
        }));
        findings
    }

    fn chart(&self, median: &Round) -> Chart {
        let late = format!("{:.0} % late by up to 72 hours", self.stragglers * 100.0);
        Chart {
            title: "Late records, and a ledger larger than its memory".into(),
            note: format!(
                "ledger {} times its {} MiB; median of rounds: {}; all programs on one machine",
                self.ledger_times, self.ledger_memory_mb, self.rounds
            ),
            bars: vec![Bar::rate(&late, median.late, true), Bar::rate("all in order", median.plain, false)],
        }
    }

    fn load(&self, trouble: Trouble, until: DateTime<Utc>) -> Load {
        Load {
            records: self.records,
            companies: usize::try_from(self.organizations).unwrap_or(usize::MAX),
            partitions: self.partitions,
            trouble,
            ..Load::plain(self.seed, until)
        }
    }

    async fn round(&self, number: u32, plain: &Bench, late: &Bench, past: &Past) -> anyhow::Result<Round> {
        let services = &plain.services;
        let name = format!("plain_{}_{number}", std::process::id());
        let database = services.postgres.create_migrated(&name).await?;
        let without = plain.measure(&name, &database, &[]).await?;
        drop_database(services, &name).await?;

        let name = format!("late_{}_{number}", std::process::id());
        let database = services.postgres.create_migrated(&name).await?;
        past.fill(&database, &late.topics.events).await?;
        let budget = [("LEDGER_MEMORY_MB", self.ledger_memory_mb.to_string())];
        let with = late.measure(&name, &database, &budget).await?;
        drop_database(services, &name).await?;

        let Measured { rate, program_cpu: consumer_cpu, postgres_cpu, wal_bytes, peak_memory_mb, .. } = with;
        let ratio = rate / without.rate;
        Ok(Round {
            plain: without.rate,
            late: rate,
            ratio,
            consumer_cpu,
            postgres_cpu,
            wal_bytes,
            peak_memory_mb,
        })
    }
}

fn print(name: &str, round: &Round) {
    let Round { plain, late, ratio, consumer_cpu, postgres_cpu, wal_bytes, peak_memory_mb } = round;
    say::line(format_args!(
        "{name:<6}{plain:>11.0}{late:>12.0}{ratio:>7.2} |{consumer_cpu:>28.2}{postgres_cpu:>12.2} |{wal_bytes:>17.0} |{peak_memory_mb:>8.0}"
    ));
}

fn median(rounds: &[Round]) -> Round {
    let of = |figure: fn(&Round) -> f64| report::middle(rounds.iter().map(figure).collect());
    Round {
        plain: of(|round| round.plain),
        late: of(|round| round.late),
        ratio: of(|round| round.ratio),
        consumer_cpu: of(|round| round.consumer_cpu),
        postgres_cpu: of(|round| round.postgres_cpu),
        wal_bytes: of(|round| round.wal_bytes),
        peak_memory_mb: report::most(rounds.iter().map(|round| round.peak_memory_mb)),
    }
}
