//! `cargo xtask bench ...`: benchmarks, each of which prints its figure and checks that the work was done right.

mod asking;
mod chart;
mod connection;
mod contest;
mod disk;
mod finding;
mod freshness;
mod generate;
mod ingest;
mod latencies;
mod machine;
mod markers;
mod past;
mod peer;
mod peers;
mod read;
mod record;
mod report;
mod round;
mod serving;
mod stored;
mod stragglers;
mod usage;
mod wrk;

pub use usage::peak_memory;

use clap::Subcommand;
use std::process::ExitCode;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Benchmark {
    /// Records per second from Kafka to committed rows, beside a bare consumer that only decodes
    Ingest(ingest::Options),
    /// The same beside programs that count in other ways: by hand in an afternoon, by Kafka Streams, by Flink
    Peers(peers::Options),
    /// The same for records of which some are days late, with a ledger much larger than memory; and its bytes on disk
    Stragglers(stragglers::Options),
    /// Cached and uncached answers of the query API: how many a second beside a constant body, and how soon
    Read(read::Options),
    /// How soon a record can be seen in an answer, while 10,000 others a second are counted
    Freshness(freshness::Options),
    /// Records per second that the load generator makes and the recount takes: neither may be what limits the others
    Generate,
}

/// Runs a benchmark.
///
/// # Errors
/// When it can't be run, or the system did its work wrong: a wrong sum has no figure.
pub async fn run(benchmark: Benchmark) -> anyhow::Result<ExitCode> {
    match benchmark {
        Benchmark::Ingest(options) => ingest::run(&options).await?,
        Benchmark::Peers(options) => peers::run(&options).await?,
        Benchmark::Stragglers(options) => stragglers::run(&options).await?,
        Benchmark::Read(options) => drop(read::run(&options).await?),
        Benchmark::Freshness(options) => drop(freshness::run(&options).await?),
        Benchmark::Generate => generate::run(),
    }
    Ok(ExitCode::SUCCESS)
}
