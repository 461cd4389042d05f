//! Doors: commands that are programs of their own, which cargo builds on first use.

use anyhow::Context as _;
use machine::workspace;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    /// Fast to build.
    Development,
    /// Fast to run.
    Release,
}

/// A program behind a command.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    package: &'static str,
    binary: &'static str,
    build: Build,
}

/// `cargo xtask bench`.
pub const BENCH: Door = Door { package: "bench", binary: "bench", build: Build::Release };
/// `cargo xtask chaos`.
pub const CHAOS: Door = Door { package: "chaos", binary: "chaos", build: Build::Release };
/// `cargo xtask simulate`.
pub const SIMULATE: Door = Door { package: "simulation", binary: "simulate", build: Build::Release };
/// `cargo xtask services`.
pub const SERVICES: Door = Door { package: "stack", binary: "services", build: Build::Development };
/// `cargo xtask images`.
pub const IMAGES: Door = Door { package: "trial", binary: "images", build: Build::Development };
/// `cargo xtask kubernetes`.
pub const KUBERNETES: Door = Door { package: "trial", binary: "kubernetes", build: Build::Development };

impl Door {
    /// Lets cargo build the program and become it; cargo shows its progress.
    ///
    /// # Errors
    /// When cargo can't be run.
    pub fn through(&self, words: &[OsString]) -> anyhow::Result<ExitCode> {
        let mut command = Command::new(env!("CARGO"));
        command.args(self.arguments()).arg("--manifest-path").arg(workspace::root().join("Cargo.toml"));
        command.arg("--").args(words);
        // The terminal signals the program directly, and its exit code becomes ours.
        let error: io::Error = command.exec();
        Err(error).context("cargo can't be run")
    }

    fn arguments(&self) -> Vec<&'static str> {
        let release = (self.build == Build::Release).then_some("--release");
        let what = ["--package", self.package, "--bin", self.binary];
        ["run"].into_iter().chain(release).chain(what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures_is_built_to_be_fast() {
        assert_eq!(BENCH.arguments(), ["run", "--release", "--package", "bench", "--bin", "bench"]);
        assert_eq!(SERVICES.arguments(), ["run", "--package", "stack", "--bin", "services"]);
    }
}
