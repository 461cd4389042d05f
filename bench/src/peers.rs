//! The consumer beside programs that count the same records in other ways.
//!
//! All programs take turns in each round, on the same topics and servers. A peer's clock starts with its first record, in
//! Java after a warm-up with other topics in the same Java machine, and ends when PostgreSQL shows the right sums. Then every
//! counter is compared with the truth; a run with a wrong one has no figure.

use super::chart::{Bar, Chart, grouped};
use super::contest::Contest;
use super::finding::Finding;
use super::ingest::{LoadOptions, QUICK_RECORDS, produce};
use super::peer::{Peer, Prepared, Ready};
use super::record::{Outputs, Row};
use super::report;
use super::round::{Bench, Measured, drop_database};
use ::load::{Horizon, Load, Mix, Topics, Truth};
use anyhow::ensure;
use chrono::Utc;
use machine::say;
use serde::Serialize;
use stack::binaries::{self, Profile};
use stack::{Purpose, Services};
use std::path::{Path, PathBuf};

/// Records of a Java machine's warm-up: enough for its compilers to have seen every path often.
const WARM_UP_RECORDS: u64 = 1_000_000;

/// Options of `peers`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    #[command(flatten)]
    #[serde(flatten)]
    load: LoadOptions,
    /// Rounds, each with all programs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The peers to compare with; by default all
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Peer>,
    /// Include workflows and messages among the records, not only orders and payments
    #[arg(long)]
    mixed: bool,
    /// Build our programs without optimization: to try the benchmark, never for figures
    #[arg(long)]
    debug_build: bool,
    /// One round of at most 1,000,000 records
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// A program's figures in the rounds that it finished.
struct Line {
    name: &'static str,
    runs: Vec<Measured>,
}

/// The medians of a program's figures.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    median: Measured,
    /// The consumer's rate as a multiple of this program's.
    consumer_times: f64,
    rates: Vec<f64>,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, the consumer's sums are wrong, or a peer's run has no figure.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let options = &options.settled();
    let services = Services::start(Purpose::Benchmarks).await?;
    ensure!(services.kafka.is_real(), "a benchmark needs a real Kafka: install Java 17 or newer and Maven");
    let built = if options.debug_build { "without optimization: not for figures" } else { "release" };
    say::line(format_args!("Building our programs ({built})"));
    let built = binaries::build_packages(&["consumer", "afternoon"], options.profile())?;
    let [consumer, afternoon]: [PathBuf; 2] = built.try_into().expect("one for each package");
    let peers = options.prepare(&services, &afternoon)?;
    let prefix = format!("bench-{}-", std::process::id());
    let topics = Topics::prefixed(&prefix);
    let truth = options.fill(&services, &topics, options.load.records).await?;
    let (records, partitions) = (options.load.records, options.load.partitions);
    let bench = Bench { services, consumer, topics, truth, records, partitions };

    let warm_up = Topics::prefixed(&format!("{prefix}warm-up-"));
    let warm_up_records = records.min(WARM_UP_RECORDS);
    options.fill(&bench.services, &warm_up, warm_up_records).await?;
    let contest = Contest { bench, warm_up, warm_up_records };

    let mut lines = vec![Line { name: "consumer", runs: Vec::new() }];
    lines.extend(peers.iter().map(|ready| Line { name: ready.peer.name(), runs: Vec::new() }));
    head();
    let mut missing = 0;
    for number in 1..=options.rounds {
        missing += round(&contest, &peers, number, &mut lines).await?;
    }
    let rows = medians(&lines)?;
    let chart = options.chart(&lines);
    options.outputs.write(&contest.bench.services, "peers", options, &rows, &chart.svg()).await?;
    if missing == 0 {
        say::line("Every sum was right.");
    }
    Ok(findings(&lines, missing))
}

/// One round with all programs. Returns how many peers' runs have no figure.
async fn round(contest: &Contest, peers: &[Ready], number: u32, lines: &mut [Line]) -> anyhow::Result<u32> {
    let (bench, mut missing) = (&contest.bench, 0);
    let name = format!("consumer_{}_{number}", std::process::id());
    let database = bench.services.postgres.create_migrated(&name).await?;
    let ours = bench.measure(&name, &database, &[]).await?;
    drop_database(&bench.services, &name).await?;
    print(&number.to_string(), lines[0].name, &ours, 1.0);
    lines[0].runs.push(ours);
    for (ready, line) in peers.iter().zip(&mut lines[1..]) {
        match contest.measure(ready, number).await {
            Ok(measured) => {
                print(&number.to_string(), line.name, &measured, ours.rate / measured.rate);
                line.runs.push(measured);
            }
            Err(error) => {
                missing += 1;
                say::problem(format_args!("{number:<6} {}: no figure: {error:#}", line.name));
            }
        }
    }
    Ok(missing)
}

/// The rates side by side, and whether every run has a figure.
fn findings(lines: &[Line], missing: u32) -> Vec<Finding> {
    let rate = |name: &str| {
        let line = lines.iter().find(|line| line.name == name)?;
        report::median_of(&line.runs, |run| run.rate)
    };
    let ours = rate("consumer");
    let times = |name: &str| Some(ours? / rate(name)?);
    let word = |times| format!("{times:.1} × its rate");
    let streams = Peer::KafkaStreams.name();
    let mut findings = vec![match times(streams) {
        Some(times) => Finding::at_least("the same, beside Kafka Streams", times, 15.0, word),
        None => Finding::missing("the same, beside Kafka Streams", "Kafka Streams has no figure"),
    }];
    let others = lines.iter().filter(|line| line.name != "consumer");
    let fastest = others
        .filter_map(|line| Some((line.name, times(line.name)?)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b));
    findings.push(match fastest {
        Some((name, times)) => {
            Finding::at_least(format!("the same, beside the fastest of them, {name}"), times, 3.0, word)
        }
        None => Finding::missing("the same, beside the fastest of them", "none has a figure"),
    });
    if missing > 0 {
        findings.push(Finding::missing("peers", format!("{missing} of their runs have no figure")));
    }
    findings
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

    fn profile(&self) -> Profile {
        if self.debug_build { Profile::Debug } else { Profile::Release }
    }

    /// The requested peers that can be started here; prints for each other one why it can't.
    fn prepare(&self, services: &Services, afternoon: &Path) -> anyhow::Result<Vec<Ready>> {
        let all = Peer::ALL.into_iter().filter(|peer| self.only.is_empty() || self.only.contains(peer));
        let mut peers = Vec::new();
        for peer in all {
            match peer.prepare(afternoon, services.environment())? {
                Prepared::Ready(ready) => peers.push(ready),
                Prepared::Missing(why) => say::line(format_args!("{} is omitted: {why}", peer.name())),
            }
        }
        Ok(peers)
    }

    /// Creates topics and fills them with this many records; returns the truth about them.
    async fn fill(&self, services: &Services, topics: &Topics, records: u64) -> anyhow::Result<Truth> {
        services.kafka.create_topics(&topics.all(), self.load.partitions).await?;
        let mix = if self.mixed { Mix::ALL } else { Mix::EVENTS };
        let load = Load { records, mix, ..self.load.load() };
        let mut truth = Truth::new(Horizon::at(Utc::now()));
        tokio::task::block_in_place(|| produce(&load, services.kafka.brokers(), topics, &mut truth))?;
        Ok(truth)
    }

    fn chart(&self, lines: &[Line]) -> Chart {
        let bars = lines.iter().filter_map(|line| {
            let rate = report::median_of(&line.runs, |run| run.rate)?;
            Some(Bar::rate(line.name, rate, line.name == "consumer"))
        });
        #[allow(clippy::cast_precision_loss)] // for people
        let records = grouped(self.load.records as f64);
        Chart {
            title: "Kafka to committed counters, each record once".into(),
            note: format!(
                "{records} records; median of rounds: {}; all programs on one machine",
                self.rounds
            ),
            bars: bars.collect(),
        }
    }
}

/// Prints each program's medians, and returns them. A program without a run has none.
fn medians(lines: &[Line]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let ours = report::median_of(&lines[0].runs, |run| run.rate);
    for Line { name, runs } in lines {
        let of = |figure: fn(&Measured) -> f64| report::median_of(runs, figure);
        let (Some(ours), Some(rate)) = (ours, of(|run| run.rate)) else { continue };
        let or_zero = |figure: fn(&Measured) -> f64| of(figure).unwrap_or_default();
        let median = Measured {
            rate,
            program_cpu: or_zero(|run| run.program_cpu),
            kafka_cpu: or_zero(|run| run.kafka_cpu),
            postgres_cpu: or_zero(|run| run.postgres_cpu),
            wal_bytes: or_zero(|run| run.wal_bytes),
            peak_memory_mb: or_zero(|run| run.peak_memory_mb),
        };
        let consumer_times = ours / rate;
        print("median", name, &median, consumer_times);
        let rates = runs.iter().map(|run| run.rate).collect();
        rows.push(Row::new(*name, &Figures { median, consumer_times, rates })?);
    }
    Ok(rows)
}

fn head() {
    say::line(
        "round   program         records/s  consumer/it | CPU s per million: program  Kafka  PostgreSQL | WAL bytes/record | peak MB",
    );
}

fn print(round: &str, name: &str, measured: &Measured, times: f64) {
    let Measured { rate, program_cpu, kafka_cpu, postgres_cpu, wal_bytes, peak_memory_mb } = measured;
    say::line(format_args!(
        "{round:<8}{name:<14}{:>11}{times:>13.1} |{program_cpu:>27.2}{kafka_cpu:>7.2}{postgres_cpu:>12.2} \
         |{wal_bytes:>17.0} |{peak_memory_mb:>8.0}",
        grouped(*rate)
    ));
}
