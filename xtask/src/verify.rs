//! `cargo verify`: every check, one after the other; all of them run, whatever the ones before found.

use crate::environment::Environment;
use crate::say;
use crate::services::Plan;
use crate::workspace;
use clap::Args;
use std::fmt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Options of `cargo verify`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Fail if anything had to be skipped because this machine lacks it
    #[arg(long)]
    complete: bool,
}

/// A check: a cargo command that succeeds or not.
struct Check {
    name: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    /// What cargo needs for it beyond itself: the command that shows it is there, and how to get it.
    needs: Option<(&'static [&'static str], &'static str)>,
}

/// All of them; the quick ones first.
const CHECKS: [Check; 5] = [
    Check {
        name: "format",
        args: &["fmt", "--all", "--check"],
        env: &[],
        needs: Some((&["fmt", "--version"], "rustfmt is not installed (rustup component add rustfmt)")),
    },
    Check {
        name: "clippy",
        args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: &[],
        needs: Some((&["clippy", "--version"], "clippy is not installed (rustup component add clippy)")),
    },
    Check { name: "examples", args: &["test", "--workspace", "--doc"], env: &[], needs: None },
    Check {
        name: "tests",
        args: &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
        env: &[],
        needs: None,
    },
    Check {
        name: "documentation",
        args: &["doc", "--workspace", "--no-deps"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
        needs: None,
    },
];

enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// Runs all checks and ends with a table of them, and with the names of what was skipped.
///
/// # Errors
/// When cargo can't be run.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for check in &CHECKS {
        let since = Instant::now();
        say::line(format_args!("\n=== {}: cargo {}", check.name, check.args.join(" ")));
        rows.push((check.name, check.run()?, since.elapsed()));
    }
    let skipped = skipped(&rows);
    report(&rows, &skipped);
    let failed = rows.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed));
    let incomplete = options.complete && !skipped.is_empty();
    Ok(if failed || incomplete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Check {
    /// Its output goes where ours goes, as it comes.
    fn run(&self) -> anyhow::Result<Outcome> {
        if let Some((probe, missing)) = self.needs {
            let there = cargo(probe).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if !there.success() {
                say::line(missing);
                return Ok(Outcome::Skipped(missing));
            }
        }
        let status = cargo(self.args).envs(self.env.iter().copied()).status()?;
        Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
    }
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(args).current_dir(workspace::root()).stdin(Stdio::null());
    command
}

/// Checks that did not run, and what the tests could not show with the services this machine has.
fn skipped(rows: &[(&str, Outcome, Duration)]) -> Vec<String> {
    let checks = rows.iter().filter_map(|(name, outcome, _)| match outcome {
        Outcome::Skipped(why) => Some(format!("{name}: {why}")),
        Outcome::Passed | Outcome::Failed => None,
    });
    checks.chain(Plan::find(&Environment::read()).shortcomings()).collect()
}

fn report(rows: &[(&str, Outcome, Duration)], skipped: &[String]) {
    say::line("\ncheck            time      result");
    for (name, outcome, took) in rows {
        say::line(format_args!("{name:<15}{:>6.1} s  {outcome}", took.as_secs_f64()));
    }
    match skipped {
        [] => say::line("skipped: nothing"),
        _ => skipped.iter().for_each(|what| say::line(format_args!("skipped: {what}"))),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
        })
    }
}
