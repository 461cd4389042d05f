//! `cargo xtask bench`: its command line.

use clap::Parser;
use std::process::ExitCode;

/// Measures, and checks that the measured results are right.
#[derive(Parser)]
#[command(name = "cargo xtask bench", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    benchmark: bench::Benchmark,
}

#[tokio::main]
async fn main() -> ExitCode {
    bench::run(Arguments::parse().benchmark).await.unwrap_or_else(|error| {
        machine::say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
