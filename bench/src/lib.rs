//! `cargo xtask bench ...`: benchmarks, each of which prints its figure and checks that the work was done right.

mod all;
mod asking;
pub mod bare;
mod chart;
mod connection;
mod contest;
mod disk;
mod finding;
mod flood;
mod freshness;
mod generate;
mod group;
mod ingest;
mod large;
mod latencies;
mod lines;
mod live;
mod machine;
mod markers;
mod past;
mod peer;
mod peers;
mod read;
mod readme;
mod rebalance;
mod record;
mod report;
mod restarts;
mod round;
mod scale;
mod serving;
mod slow_readers;
mod stage;
mod standstill;
mod steady;
mod stored;
mod stragglers;
mod sustained;
mod upgrade;
mod watch;
mod wrk;

use clap::{Parser, Subcommand};
use finding::Finding;
use std::process::ExitCode;

/// The benchmarks.
#[derive(Debug, Subcommand)]
pub enum Benchmark {
    /// Records per second from Kafka to committed rows, beside a bare consumer that only decodes
    Ingest(ingest::Options),
    /// The same beside programs that count in other ways: a simple one, Kafka Streams, Flink
    Peers(peers::Options),
    /// The same with records that are days late and a ledger much larger than memory; also bytes on disk
    Stragglers(stragglers::Options),
    /// A constant rate for a quarter of an hour: whether counting keeps up, and with how much memory
    Sustained(sustained::Options),
    /// How long partitions stand still when one member of three is killed
    Rebalance(rebalance::Options),
    /// How long partitions stand still when the members are restarted one by one
    Restarts(restarts::Options),
    /// Cached and uncached answers of the query API: the rate beside a constant body, and latencies
    Read(read::Options),
    /// What one organization's flood of the dearest questions costs another: its uncached answers, and readiness
    Flood(flood::Options),
    /// How soon a record is visible in an answer, while 10,000 others a second are counted
    Freshness(freshness::Options),
    /// What others notice of 2,000 clients that ask and never read
    SlowReaders(slow_readers::Options),
    /// The cost of a record with more partitions, organizations, members, identities
    Scale(scale::Options),
    /// How long partitions stand still while a database with a past is upgraded from an older version of the consumer
    Upgrade(upgrade::Options),
    /// Records per second of the load generator and of the recount: neither may limit the other benchmarks
    Generate,
    /// All benchmarks with a target, and a table of them
    All(all::Options),
}

/// A benchmark's command line.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    benchmark: Benchmark,
}

/// Runs a benchmark.
///
/// # Errors
/// When it can't run, or the system's result is wrong: a wrong sum has no figure.
pub async fn run(benchmark: Benchmark) -> anyhow::Result<ExitCode> {
    if let Benchmark::All(options) = &benchmark {
        return all::run(options, async |words: &[&str]| {
            measure(&Line::try_parse_from(words)?.benchmark).await
        })
        .await;
    }
    let findings = measure(&benchmark).await?;
    if !findings.is_empty() {
        finding::print(&findings);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one of them, and returns its figures with targets.
async fn measure(benchmark: &Benchmark) -> anyhow::Result<Vec<Finding>> {
    match benchmark {
        Benchmark::Ingest(options) => ingest::run(options).await,
        Benchmark::Peers(options) => peers::run(options).await,
        Benchmark::Stragglers(options) => stragglers::run(options).await,
        Benchmark::Sustained(options) => sustained::run(options).await,
        Benchmark::Rebalance(options) => rebalance::run(options).await,
        Benchmark::Restarts(options) => restarts::run(options).await,
        Benchmark::Read(options) => read::run(options).await,
        Benchmark::Flood(options) => flood::run(options).await,
        Benchmark::Freshness(options) => freshness::run(options).await,
        Benchmark::SlowReaders(options) => slow_readers::run(options).await,
        Benchmark::Scale(options) => scale::run(options).await,
        Benchmark::Upgrade(options) => upgrade::run(options).await,
        Benchmark::Generate => {
            generate::run();
            Ok(Vec::new())
        }
        Benchmark::All(_) => anyhow::bail!("it can't be a part of itself"),
    }
}
