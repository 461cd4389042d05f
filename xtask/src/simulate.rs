//! `cargo xtask simulate`: thousands of worlds, each from a seed, in which everything that can go wrong does.

use crate::say;
use crate::workspace;
use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::{Command, ExitCode, Stdio};

/// Options of `cargo xtask simulate`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Options {
    /// How many worlds; each has the number after the one before for its seed
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed: another one finds other worlds
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only this seed, told step by step: the same as ever, on every machine
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Steps that are told of a single seed, or of one that fails; the last ones
    #[arg(long, default_value_t = 60)]
    lines: usize,
    /// Put a deliberate defect in, by its name, to see it found; a name that there is none of lists them
    #[arg(long)]
    defect: Option<String>,
}

const EXAMPLES: &str = "\
A world has members that run the consumer's own code for folding, deciding, remembering and rows, on models of Kafka and \
PostgreSQL. Members hang, end and are put out of the group; connections break while the backend goes on; PostgreSQL ends; \
partitions come, go and are set back; the ledger's floor rises. In the end every table must be what an independent recount \
of the logs says, and on the way no span may be counted twice or skipped. A seed that fails says which law was broken and \
its last steps.

  cargo xtask simulate                            10,000 worlds
  cargo xtask simulate --first 10000              10,000 others
  cargo xtask simulate --seed 42 --lines 500      one of them, told
  cargo xtask simulate --defect DoubtNotAwaited   what finding a defect looks like";

/// Runs the worlds.
///
/// # Errors
/// When cargo can't be run.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut child = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", "simulation", "--bin", "simulate", "--"])
        .args(options.arguments())
        .current_dir(workspace::root())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo can't be run")?;
    let output = child.stdout.take().context("its output was asked for")?;
    let bar = options.bar();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match done(&line) {
            Some(done) => bar.set_position(done),
            None => bar.suspend(|| say::line(line)),
        }
    }
    bar.finish_and_clear();
    Ok(if child.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--lines".to_owned(), self.lines.to_string()];
        match self.seed {
            Some(seed) => arguments.extend(["--seed".to_owned(), seed.to_string()]),
            None => {
                arguments.extend(["--seeds".to_owned(), self.seeds.to_string()]);
                arguments.extend(["--first".to_owned(), self.first.to_string()]);
            }
        }
        arguments.extend(self.defect.iter().flat_map(|defect| ["--defect".to_owned(), defect.clone()]));
        arguments
    }

    fn bar(&self) -> ProgressBar {
        if self.seed.is_some() || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} worlds, {per_sec}, {eta} to go");
        ProgressBar::new(self.seeds).with_style(style.expect("a template that is right"))
    }
}

/// How many worlds have ended, where a line says that.
fn done(line: &str) -> Option<u64> {
    let (done, rest) = line.split_once(" of ")?;
    rest.ends_with(" seeds").then(|| done.trim().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_what_is_to_be_shown() {
        assert_eq!(done("1200 of 10000 seeds"), Some(1_200));
        assert_eq!(done("       21000 steps of 10 seeds"), None);
        assert_eq!(done("seed 3, step 9: 1 of 2 identities is counted again"), None);
    }

    #[test]
    fn a_single_seed_is_asked_for_alone() {
        let options = Options { seeds: 10, first: 0, seed: Some(7), lines: 60, defect: None };
        assert_eq!(options.arguments(), ["--lines", "60", "--seed", "7"]);
        let options = Options { seed: None, defect: Some("X".to_owned()), ..options };
        assert_eq!(options.arguments(), ["--lines", "60", "--seeds", "10", "--first", "0", "--defect", "X"]);
    }
}
