//! `cargo demo`: does the slow preparations in parallel (the programs, Kafka, the page), and then becomes the demo.

use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::kafka::KafkaPlan;
use machine::plan::Plan;
use machine::postgres::{PostgresPlan, Programs};
use machine::{page, say, workspace};
use std::ffi::OsString;
use std::num::NonZero;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

/// The demo's programs. One command builds them, so that their common crates are built once.
const PACKAGES: [&str; 3] = ["demo", "consumer", "query-api"];

/// Processor minutes of the first build, on the machine of the README's figures.
const FIRST_BUILD_MINUTES: usize = 6;

/// Builds and fetches what is missing, and becomes the demo with these options.
///
/// # Errors
/// When cargo can't build the programs; its output is above the error. If something can't be fetched, the demo reports that, and
/// what it uses instead.
pub fn run(words: &[OsString]) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let demo = folder()?.join("demo");
    announce(&demo);
    thread::scope(|scope| {
        scope.spawn(|| fetch(&environment));
        scope.spawn(|| page::prepare(&environment));
        build()
    })?;
    Err(Command::new(demo).args(words).exec()).context("the demo can't be run")
}

/// The folder into which cargo builds: the one of this program.
fn folder() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("the path of this program is unknown")?;
    this.parent().map(Path::to_path_buf).context("this program is in no folder")
}

fn announce(demo: &Path) {
    if demo.is_file() {
        return say::choice("Programs", "brought up to date");
    }
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let minutes = FIRST_BUILD_MINUTES.div_ceil(processors);
    say::choice(
        "Programs",
        format_args!(
            "built now, once: about {minutes} min on {processors} processors; later runs take seconds"
        ),
    );
}

/// Fetches Maven's artifacts while the programs are built.
fn fetch(environment: &Environment) {
    let Plan { kafka, postgres, .. } = Plan::find(environment);
    let jars = match &kafka {
        KafkaPlan::Local(local) => Some(&local.jars),
        KafkaPlan::Given(_) | KafkaPlan::Mock(_) => None,
    };
    let programs = match &postgres {
        PostgresPlan::Local(Programs::Fetched(fetched)) => Some(fetched),
        PostgresPlan::Local(Programs::Installed { .. }) | PostgresPlan::Given(_) | PostgresPlan::Missing => {
            None
        }
    };
    for fetched in jars.into_iter().chain(programs) {
        // The demo will get the same error, and report it.
        let _ = fetched.get();
    }
}

/// Builds the programs. Cargo shows its progress and its errors.
fn build() -> anyhow::Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--bins"]).args(packages).current_dir(workspace::root()).stdin(Stdio::null());
    let status = command.status().context("cargo can't be run")?;
    ensure!(status.success(), "cargo can't build the demo; see its output above");
    Ok(())
}
