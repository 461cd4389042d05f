//! `cargo demo`: does the slow preparations in parallel (the programs, Kafka, the page), and then becomes the demo.

use anyhow::{Context as _, bail, ensure};
use machine::environment::Environment;
use machine::kafka::KafkaPlan;
use machine::plan::Plan;
use machine::postgres::{MISSING, PostgresPlan, Programs};
use machine::{page, say, workspace};
use std::ffi::OsString;
use std::num::NonZero;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

/// The demo's programs. One command builds them, so that their common crates are built once.
const PACKAGES: [&str; 3] = ["demo", "consumer", "query-api"];

/// Processor minutes of the first build, on the machine of the README's figures.
const FIRST_BUILD_MINUTES: usize = 5;

/// Builds and fetches what is missing, and becomes the demo with these options.
///
/// # Errors
/// When cargo can't build the programs; its output is above the error. When there is no PostgreSQL. If Maven or npm fails,
/// the demo reports what it uses instead.
pub fn run(words: &[OsString]) -> anyhow::Result<ExitCode> {
    let demo = if asks_for_help(words) { build(&PACKAGES[..1])? } else { prepare()? };
    Err(Command::new(demo).args(words).exec()).context("the demo can't be run")
}

/// To print its help, the demo needs neither servers nor the other programs.
fn asks_for_help(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "--help" || word == "-h")
}

/// Prepares everything in parallel, and returns the demo's path.
fn prepare() -> anyhow::Result<PathBuf> {
    let environment = Environment::read();
    let plan = Plan::find(&environment);
    if matches!(plan.postgres, PostgresPlan::Missing) {
        bail!("{MISSING}");
    }
    announce();
    thread::scope(|scope| {
        scope.spawn(|| fetch(&plan));
        scope.spawn(|| page::prepare(&environment));
        build(&PACKAGES).inspect_err(|_| say::problem("cargo failed; waiting for Maven and npm to end"))
    })
}

fn announce() {
    if workspace::target().join("debug/demo").is_file() {
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
fn fetch(plan: &Plan) {
    let jars = match &plan.kafka {
        KafkaPlan::Local(local) => Some(&local.jars),
        KafkaPlan::Given(_) | KafkaPlan::Mock(_) => None,
    };
    let programs = match &plan.postgres {
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

/// Builds the packages' programs, and returns the demo's path. Cargo shows its progress and its errors.
fn build(packages: &[&str]) -> anyhow::Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--bins", "--message-format=json-render-diagnostics", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo can't be run")?;
    ensure!(output.status.success(), "cargo can't build the demo; see its output above");
    let messages = String::from_utf8(output.stdout)?;
    executable(&messages).context("cargo built no program called demo")
}

/// Where the demo is, by cargo's messages: a JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut paths = messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    paths.find(|path| path.ends_with(PACKAGES[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_where_cargo_says() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/elsewhere/debug/consumer\"}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/elsewhere/debug/demo\"}\n";
        assert_eq!(executable(messages), Some("/elsewhere/debug/demo".into()));
        assert_eq!(executable("{}"), None);
    }

    #[test]
    fn help_needs_no_preparation() {
        let check = |words: &[&str], expected| {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            assert_eq!(asks_for_help(&words), expected, "{words:?}");
        };
        check(&["--once", "--help"], true);
        check(&["-h"], true);
        check(&["--once", "--rate", "5"], false);
    }
}
