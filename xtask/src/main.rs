//! `cargo demo`, `cargo verify`, `cargo xtask ...`: what a developer or a newcomer types.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::bench::{self, Benchmark};
use xtask::chaos;
use xtask::demo;
use xtask::say;
use xtask::services::{Purpose, Services};
use xtask::simulate;
use xtask::verify;

/// Runs the whole system on this machine, and checks it.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the whole system at work: 30 days of history, then live records, counted and answered
    Demo(demo::Options),
    /// Runs every check, and names what it had to skip
    Verify(verify::Options),
    /// Measures, and checks that what was measured was right
    #[command(subcommand)]
    Bench(Benchmark),
    /// Inflicts faults on the running system, minute after minute, and then compares every number
    #[command(after_help = chaos::HELP)]
    Chaos(chaos::Options),
    /// Runs members on simulated servers that fail in every way, a world for each seed
    Simulate(simulate::Options),
    /// Finds or starts Kafka, PostgreSQL and Redis, says where they are, and keeps them until Ctrl-C
    Services,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = run(Arguments::parse().command).await;
    outcome.unwrap_or_else(|error| {
        say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(options) => demo::run(options).await,
        Command::Verify(options) => verify::run(options),
        Command::Bench(benchmark) => bench::run(benchmark).await,
        Command::Chaos(options) => chaos::run(options).await,
        Command::Simulate(options) => simulate::run(&options),
        Command::Services => services().await,
    }
}

async fn services() -> anyhow::Result<ExitCode> {
    let services = Services::start(Purpose::Demo).await?;
    say::line(format_args!("DATABASE_URL={}", services.postgres.url().as_str()));
    say::line("Ctrl-C ends them.");
    tokio::signal::ctrl_c().await?;
    drop(services);
    Ok(ExitCode::SUCCESS)
}
