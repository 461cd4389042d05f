//! `cargo demo`: prepares everything that takes time at once (the programs, Kafka, the page), says how far that is, and
//! becomes the demo.

use crate::door;
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::kafka::KafkaPlan;
use machine::page::{self, Preparation};
use machine::postgres::{PostgresPlan, Programs};
use machine::say;
use machine::workspace;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

/// The programs that the demo is made of: built by one command, so that what they share is built once.
const PACKAGES: [&str; 3] = ["demo", "consumer", "query-api"];

/// Processor minutes that building them takes where nothing is built yet, on the machine that the README names.
const BUILD_MINUTES: f64 = 6.0;

/// Builds what is missing, and becomes the demo with these options.
///
/// # Errors
/// When something can't be built or fetched; the words of whatever failed stand above.
pub fn run(words: &[OsString]) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let programs = folder();
    announce(&programs);
    let built = thread::scope(|scope| {
        let fetched = scope.spawn(|| fetch(&environment));
        let page = scope.spawn(|| page::prepare(&environment));
        let built = build();
        (built, fetched.join(), page.join())
    });
    let (built, fetched, page) = built;
    built?;
    fetched.expect("fetching does not panic");
    let mut command = Command::new(programs.join("demo"));
    command.args(words).arg("--programs").arg(&programs);
    match page.expect("preparing the page does not panic") {
        Preparation::Ready(folder) => {
            command.arg("--page").arg(folder);
        }
        Preparation::None => {}
    }
    Err(command.exec()).context("the demo can't be run")
}
