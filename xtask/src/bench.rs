//! `cargo xtask bench ...`: benchmarks, each of which prints its figure and checks that the work was done right.

mod chart;
mod contest;
mod disk;
mod generate;
mod ingest;
mod machine;
mod past;
mod peer;
mod peers;
mod record;
mod report;
mod round;
mod stragglers;
mod usage;

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
        Benchmark::Generate => generate::run(),
    }
    Ok(ExitCode::SUCCESS)
}
