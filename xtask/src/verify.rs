//! `cargo verify`: every check, one after the other; all of them run, whatever the ones before found.

use clap::Args;
use machine::environment::Environment;
use machine::page;
use machine::say;
use machine::workspace;
use stack::Plan;
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

/// A check: commands that all succeed or not.
struct Check {
    name: &'static str,
    work: Work,
}

/// What a check does.
enum Work {
    /// A cargo command.
    Cargo {
        args: &'static [&'static str],
        env: &'static [(&'static str, &'static str)],
        /// What cargo needs for it beyond itself: the command that shows it is there, and how to get it.
        needs: Option<(&'static [&'static str], &'static str)>,
    },
    /// npm commands in the page's folder, one after the other; its packages are fetched first.
    Npm(&'static [&'static [&'static str]]),
}

/// All of them; the quick ones first, and the page before the tests, which visit it.
const CHECKS: [Check; 6] = [
    Check {
        name: "format",
        work: Work::Cargo {
            args: &["fmt", "--all", "--check"],
            env: &[],
            needs: Some((&["fmt", "--version"], "rustfmt is not installed (rustup component add rustfmt)")),
        },
    },
    Check { name: "dashboard", work: Work::Npm(&[&["test"], &["run", "build"], &["run", "budget"]]) },
    Check {
        name: "clippy",
        work: Work::Cargo {
            args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            env: &[],
            needs: Some((&["clippy", "--version"], "clippy is not installed (rustup component add clippy)")),
        },
    },
    Check {
        name: "examples",
        work: Work::Cargo { args: &["test", "--workspace", "--doc"], env: &[], needs: None },
    },
    Check {
        name: "tests",
        work: Work::Cargo {
            args: &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
            env: &[],
            needs: None,
        },
    },
    Check {
        name: "documentation",
        work: Work::Cargo {
            args: &["doc", "--workspace", "--no-deps"],
            env: &[("RUSTDOCFLAGS", "-D warnings")],
            needs: None,
        },
    },
];

enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// Runs all checks and ends with a table of them, and with the names of what was skipped.
///
/// # Errors
/// When cargo or npm can't be run.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let mut rows = Vec::new();
    for check in &CHECKS {
        let since = Instant::now();
        rows.push((check.name, check.run(&environment)?, since.elapsed()));
    }
    let skipped = skipped(&rows, &environment);
    report(&rows, &skipped);
    let failed = rows.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed));
    let incomplete = options.complete && !skipped.is_empty();
    Ok(if failed || incomplete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Check {
    fn run(&self, environment: &Environment) -> anyhow::Result<Outcome> {
        let begin = |what: &str| say::line(format_args!("\n=== {}: {what}", self.name));
        match &self.work {
            Work::Cargo { args, env, needs } => {
                begin(&format!("cargo {}", args.join(" ")));
                cargo_check(args, env, *needs)
            }
            Work::Npm(commands) => {
                begin("npm in dashboard/");
                npm_check(commands, environment)
            }
        }
    }
}

/// Its output goes where ours goes, as it comes.
fn cargo_check(
    args: &[&str],
    env: &[(&str, &str)],
    needs: Option<(&[&str], &str)>,
) -> anyhow::Result<Outcome> {
    if let Some((probe, missing)) = needs {
        let there = cargo(probe).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !there.success() {
            return Ok(skip(missing.to_owned()));
        }
    }
    let status = cargo(args).envs(env.iter().copied()).status()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}

/// A line each; the output of one that fails, and then no further.
fn npm_check(commands: &[&[&str]], environment: &Environment) -> anyhow::Result<Outcome> {
    if let Some(missing) = dashboard::build_shortcoming(environment) {
        return Ok(skip(missing));
    }
    let fetch = (!dashboard::is_fetched()).then_some(&["ci"][..]);
    for args in fetch.into_iter().chain(commands.iter().copied()) {
        say::line(format_args!("npm {}", args.join(" ")));
        let output = dashboard::npm(args).output()?;
        if !output.status.success() {
            say::line(String::from_utf8_lossy(&output.stdout));
            say::problem(String::from_utf8_lossy(&output.stderr));
            return Ok(Outcome::Failed);
        }
    }
    Ok(Outcome::Passed)
}

fn skip(why: String) -> Outcome {
    say::line(&why);
    Outcome::Skipped(why)
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(args).current_dir(workspace::root()).stdin(Stdio::null());
    command
}

/// Checks that did not run, and what the tests could not show with what this machine has.
fn skipped(rows: &[(&str, Outcome, Duration)], environment: &Environment) -> Vec<String> {
    let checks = rows.iter().filter_map(|(name, outcome, _)| match outcome {
        Outcome::Skipped(why) => Some(format!("{name}: {why}")),
        Outcome::Passed | Outcome::Failed => None,
    });
    let browser =
        dashboard::browser_shortcoming(environment).map(|why| format!("the page in a browser: {why}"));
    checks.chain(browser).chain(Plan::find(environment).shortcomings()).collect()
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
