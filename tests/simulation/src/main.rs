//! `simulate`: runs seeds, and replays one.

use clap::Parser;
use simulation::{Defect, Outcome, Summary};
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// How often it is said how far it is, in parts of all seeds.
const REPORTS: u64 = 100;

/// Runs simulated members on simulated servers, a world for each seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only this seed, in words
    #[arg(long, conflicts_with_all = ["seeds", "first", "threads"])]
    seed: Option<u64>,
    /// Worlds at once
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Steps in words that a failure or a single seed is shown with
    #[arg(long, default_value_t = simulation::run::LINES)]
    lines: usize,
    /// A deliberate defect, by its name
    #[arg(long, value_parser = defect)]
    defect: Option<Defect>,
}

fn defect(name: &str) -> Result<Defect, String> {
    let names = || Defect::ALL.map(|defect| format!("{defect:?}")).join(", ");
    let found = Defect::ALL.into_iter().find(|defect| format!("{defect:?}") == name);
    found.ok_or_else(|| format!("there are {}", names()))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = match arguments.seed {
        Some(seed) => {
            let outcome = simulation::one(seed, arguments.defect, arguments.lines);
            say(&outcome);
            outcome.broken.is_some()
        }
        None => many(&arguments),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn many(arguments: &Arguments) -> bool {
    let Arguments { seeds, first, threads, defect, lines, .. } = arguments;
    let every = (seeds / REPORTS).max(1);
    let progress = |done: u64| {
        if done.is_multiple_of(every) {
            say(format_args!("{done} of {seeds} seeds"));
        }
    };
    let summary = simulation::many(*first..first + seeds, *defect, *threads, progress);
    let Summary { seeds, steps, events, failed } = &summary;
    events.iter().for_each(|(what, count)| say(format_args!("{count:>12} {what}")));
    say(format_args!("{steps:>12} steps of {seeds} seeds"));
    if let Some(Outcome { seed, .. }) = failed {
        say(simulation::one(*seed, *defect, *lines));
    }
    failed.is_some()
}

fn say(text: impl Display) {
    // A reader that went away is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
