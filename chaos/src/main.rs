//! `cargo xtask chaos`: its command line.

use clap::Parser;
use std::process::ExitCode;

/// Inflicts faults on the running system for minutes, and then compares every number.
#[derive(Parser)]
#[command(name = "cargo xtask chaos", after_help = chaos::HELP, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    options: chaos::Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    chaos::run(Arguments::parse().options).await.unwrap_or_else(|error| {
        machine::say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
