//! Every benchmark with a target, one after the other, and the table of their figures.
//!
//! Each has its own servers, so no benchmark affects the figures of the next. If one fails, only its own figures are missing.

use super::finding::{self, Finding};
use super::machine::Machine;
use super::readme;
use super::record::{Outputs, Row, Settings};
use anyhow::Context as _;
use chrono::Utc;
use machine::say;
use machine::workspace;
use serde::Serialize;
use stack::{Purpose, Services};
use std::process::ExitCode;

/// The benchmarks to run, with their arguments for `cargo xtask bench`.
const BENCHMARKS: [&str; 10] = [
    "ingest",
    "peers",
    "stragglers",
    "sustained",
    "rebalance",
    "restarts",
    "freshness",
    "read",
    "flood",
    "slow-readers",
];

/// Options of `all`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Few records and single rounds, a minute each: to check that everything works, not for figures
    #[arg(long)]
    quick: bool,
    /// Put the table into README.md
    #[arg(long)]
    write_readme: bool,
}

/// Measures everything, prints the table and saves it. The exit code is 0 only if every target is met.
///
/// `measure` runs a benchmark by its command line.
///
/// # Errors
/// When the table can't be saved.
pub async fn run(
    options: &Options,
    measure: impl AsyncFn(&[&str]) -> anyhow::Result<Vec<Finding>>,
) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    for name in BENCHMARKS {
        say::line(format_args!("\n# {name}"));
        let words: Vec<&str> =
            ["bench", name].into_iter().chain(options.quick.then_some("--quick")).collect();
        match measure(&words).await {
            Ok(found) => findings.extend(found),
            Err(error) => {
                say::problem(format_args!("{name}: {error:#}"));
                findings.push(Finding::missing(name, format!("{error:#}")));
            }
        }
    }
    say::line("");
    finding::print(&findings);
    options.save(&findings).await?;
    let met = findings.iter().all(|finding| finding.met);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    async fn save(&self, findings: &[Finding]) -> anyhow::Result<()> {
        let services = Services::start(Purpose::Benchmarks).await?;
        let rows: Vec<Row> =
            findings.iter().map(|found| Row::new(&*found.what, found)).collect::<anyhow::Result<_>>()?;
        Outputs::default().write(&services, "all", self, &rows, "").await?;
        if !self.write_readme {
            return Ok(());
        }
        let path = workspace::root().join("README.md");
        let date = Utc::now().format("%Y-%m-%d").to_string();
        let table = readme::table(findings, &Machine::read(), &date, &Settings::of(&services).await?);
        let text = std::fs::read_to_string(&path).context("README.md can't be read")?;
        std::fs::write(&path, readme::replaced(&text, &table)?).context("README.md can't be written")?;
        say::line("README.md has these figures now");
        Ok(())
    }
}
