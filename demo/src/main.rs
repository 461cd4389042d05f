//! `cargo demo`: its command line.

use clap::Parser;
use std::process::ExitCode;

/// Shows the whole system at work: 30 days of history, then live records, counted and answered.
#[derive(Parser)]
#[command(name = "cargo demo", max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    options: demo::Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    demo::run(Arguments::parse().options).await.unwrap_or_else(|error| {
        machine::say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
