//! The system's two binaries: built by cargo, and their paths.

use anyhow::{Context as _, ensure};
use machine::workspace;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How the binaries are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build, and with the checks that tests want.
    Debug,
    /// Fast to run.
    Release,
}

/// The paths of the binaries.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `consumer`.
    pub consumer: PathBuf,
    /// `query-api`.
    pub query_api: PathBuf,
}

/// The fields of cargo's messages that are used here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

impl Binaries {
    /// The binaries in the folder of the running program: one cargo command has built all of them there.
    ///
    /// # Errors
    /// When they don't exist.
    pub fn beside_this_program() -> anyhow::Result<Self> {
        let this = std::env::current_exe().context("the path of this program is unknown")?;
        let beside = |name: &str| {
            let path = this.with_file_name(name);
            ensure!(path.is_file(), "{} is not built; start this by `cargo demo`", path.display());
            Ok(path)
        };
        Ok(Self { consumer: beside("consumer")?, query_api: beside("query-api")? })
    }

    /// Builds the binaries, unless they are up to date.
    ///
    /// # Errors
    /// When cargo fails.
    pub fn build(profile: Profile) -> anyhow::Result<Self> {
        let packages: &[&str] = match profile {
            // Like `cargo test --workspace`: with one set of features for all, so that nothing is built twice.
            Profile::Debug => &["--workspace", "--exclude", "xtask"],
            Profile::Release => &["--release", "--package", "consumer", "--package", "query-api"],
        };
        let messages = build(packages)?;
        Ok(Self {
            consumer: executable(&messages, "consumer")?,
            query_api: executable(&messages, "query-api")?,
        })
    }
}

/// Builds the binaries of these packages in one command, unless they are up to date. Each has its package's name.
///
/// # Errors
/// When cargo fails.
pub fn build_packages(packages: &[&str], profile: Profile) -> anyhow::Result<Vec<PathBuf>> {
    let mut args = match profile {
        Profile::Debug => Vec::new(),
        Profile::Release => vec!["--release"],
    };
    args.extend(packages.iter().flat_map(|package| ["--package", package]));
    let messages = build(&args)?;
    packages.iter().map(|package| executable(&messages, package)).collect()
}

/// Runs cargo, and returns its messages. Its progress and its errors go to standard error.
fn build(packages: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--bins", "--message-format=json-render-diagnostics"])
        .args(packages)
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo can't be run")?;
    ensure!(output.status.success(), "cargo can't build {}; see its output above", packages.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

fn executable(messages: &str, name: &str) -> anyhow::Result<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut found = messages.filter_map(|message| message.executable).filter(|path| path.ends_with(name));
    found.next().with_context(|| format!("cargo built no binary {name}"))
}
