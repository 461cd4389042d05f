//! Modules and programs of Go: fetched from the module proxy, built once, kept below `target/tools`.

use crate::command;
use anyhow::{Context as _, ensure};
use machine::{say, workspace};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module, and the version that is used here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    pub(crate) path: &'static str,
    pub(crate) version: &'static str,
}

impl Module {
    /// The folder with its sources, which are fetched unless they were before.
    ///
    /// # Errors
    /// When go can't fetch it.
    pub(crate) fn sources(self) -> anyhow::Result<PathBuf> {
        let mut download = go();
        download.args(["mod", "download", "-json", &self.at_version()]).current_dir(tools()?);
        let answer = command::output(&mut download)?;
        let answer: Value = serde_json::from_str(&answer)?;
        answer["Dir"].as_str().map(PathBuf::from).with_context(|| format!("go has no {}", self.path))
    }

    /// The program that this package of the module is, built unless it was before.
    ///
    /// # Errors
    /// When go can't build it.
    pub(crate) fn program(self, package: &str) -> anyhow::Result<PathBuf> {
        let name = package.rsplit('/').next().unwrap_or(package);
        let folder = folder(name, self.version)?;
        let program = folder.join(name);
        if !program.is_file() {
            say::line(format_args!("building {name} {}, once; it takes minutes", self.version));
            let what = format!("{}/{package}@{}", self.path, self.version);
            command::shown(go().args(["install", &what]).env("GOBIN", &folder).current_dir(&folder))?;
            ensure!(program.is_file(), "go has built no {}", program.display());
        }
        Ok(program)
    }

    pub(crate) fn at_version(self) -> String {
        format!("{}@{}", self.path, self.version)
    }
}

/// go, which reads no workspace around it.
pub(crate) fn go() -> Command {
    let mut command = Command::new("go");
    command.env("GOWORK", "off");
    command
}

/// A folder for a tool of this version.
pub(crate) fn folder(name: &str, version: &str) -> anyhow::Result<PathBuf> {
    made(&tools()?.join(format!("{name}-{version}")))
}

fn tools() -> anyhow::Result<PathBuf> {
    made(&workspace::target().join("tools"))
}

fn made(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))?;
    Ok(folder.to_owned())
}
