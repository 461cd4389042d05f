//! Fetching programs with Maven, from a pinned pom, once.

use crate::environment::Environment;
use crate::say;
use crate::workspace;
use anyhow::{Context as _, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file that records for which pom and options the folder was fetched.
const STAMP: &str = "fetched-for";

/// The artifacts of a pom, fetched to a folder under `target/`.
#[derive(Clone, Debug)]
pub struct Fetched {
    pom: PathBuf,
    goal: &'static str,
    options: Vec<String>,
    folder: PathBuf,
    maven: Option<PathBuf>,
}

impl Fetched {
    /// The artifacts of `<folder>/pom.xml` in the checkout, to be fetched with `goal` of Maven's dependency plugin.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn find(
        folder: &str,
        goal: &'static str,
        options: &[&str],
        environment: &Environment,
    ) -> Result<Self, String> {
        let pom = workspace::root().join(folder).join("pom.xml");
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let fetched = Self {
            pom,
            goal,
            options: options.iter().map(ToString::to_string).collect(),
            folder: workspace::target().join("fetched").join(name),
            maven: environment.find("mvn"),
        };
        if fetched.maven.is_none() && !fetched.is_there() {
            return Err("no Maven found to fetch it with (Debian: apt-get install maven)".into());
        }
        Ok(fetched)
    }

    /// The folder with the artifacts, which are fetched now unless they were before. Concurrent callers wait.
    ///
    /// # Errors
    /// When Maven can't fetch it.
    pub fn get(&self) -> anyhow::Result<&Path> {
        let parent = self.folder.parent().expect("a folder below target/");
        std::fs::create_dir_all(parent)?;
        let lock = File::create(self.folder.with_extension("lock"))?;
        lock.lock().context("the lock of Maven's folder can't be acquired")?;
        if !self.is_there() {
            self.fetch()?;
        }
        Ok(&self.folder)
    }

    fn fetch(&self) -> anyhow::Result<()> {
        say::line(format_args!("fetching what {} names, once ...", self.pom.display()));
        let maven = self.maven.as_ref().context("no Maven found (Debian: apt-get install maven)")?;
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        let output = Command::new(maven)
            .args(["--batch-mode", "--quiet", "--file"])
            .arg(&self.pom)
            .arg(format!("dependency:{}", self.goal))
            .arg(format!("-DoutputDirectory={}", self.folder.display()))
            .args(&self.options)
            .output()
            .with_context(|| format!("{} can't be run", maven.display()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "Maven failed to fetch what {} names:\n{said}", self.pom.display());
        std::fs::write(self.folder.join(STAMP), self.wanted()?)?;
        Ok(())
    }

    fn is_there(&self) -> bool {
        let stamp = std::fs::read_to_string(self.folder.join(STAMP));
        matches!((stamp, self.wanted()), (Ok(stamp), Ok(wanted)) if stamp == wanted)
    }

    /// The pom's text and the options. If either changes, everything is fetched again.
    fn wanted(&self) -> anyhow::Result<String> {
        let pom = std::fs::read_to_string(&self.pom);
        let pom = pom.with_context(|| format!("{} can't be read", self.pom.display()))?;
        Ok(format!("{pom}\n{}\n", self.options.join(" ")))
    }
}
