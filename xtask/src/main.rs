//! `cargo demo`, `cargo verify`, `cargo xtask ...`: the command line of developers and newcomers.

use clap::{Parser, Subcommand};
use machine::say;
use std::ffi::OsString;
use std::process::ExitCode;
use xtask::demo;
use xtask::door::{BENCH, CHAOS, Door, IMAGES, KUBERNETES, SERVICES, SIMULATE};
use xtask::verify;

/// Runs the whole system on this machine, and checks it.
#[derive(Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the whole system at work: 30 days of history, then live records, counted and answered
    #[command(disable_help_flag = true)]
    Demo(Words),
    /// Runs every check, and names those it skipped
    Verify(verify::Options),
    /// Measures, and checks that the measured results are right
    #[command(disable_help_flag = true)]
    Bench(Words),
    /// Inflicts faults on the running system for minutes, and then compares every number
    #[command(disable_help_flag = true)]
    Chaos(Words),
    /// Runs members on simulated servers that fail in every way, a world for each seed
    #[command(disable_help_flag = true)]
    Simulate(Words),
    /// Builds the images, runs them on real servers, and checks what they promise
    #[command(disable_help_flag = true)]
    Images(Words),
    /// Renders the Helm chart, and checks it by Kubernetes' schemas and by a real API server
    #[command(disable_help_flag = true)]
    Kubernetes(Words),
    /// Finds or starts Kafka, PostgreSQL and Redis, prints their addresses, and keeps them until Ctrl-C
    Services,
}

/// Arguments that are passed on to the program behind a door, `--help` among them.
#[derive(clap::Args)]
struct Words {
    /// Its options; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

fn main() -> ExitCode {
    run(Arguments::parse().command).unwrap_or_else(|error| {
        say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let through = |door: &Door, Words { words }: Words| door.through(&words);
    match command {
        Command::Demo(Words { words }) => demo::run(&words),
        Command::Verify(options) => verify::run(options),
        Command::Bench(words) => through(&BENCH, words),
        Command::Chaos(words) => through(&CHAOS, words),
        Command::Simulate(words) => through(&SIMULATE, words),
        Command::Images(words) => through(&IMAGES, words),
        Command::Kubernetes(words) => through(&KUBERNETES, words),
        Command::Services => SERVICES.through(&[]),
    }
}
