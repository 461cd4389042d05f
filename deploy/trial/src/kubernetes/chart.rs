//! The chart, rendered by helm.

use super::tools::KUBERNETES;
use crate::command;
use anyhow::{Context as _, ensure};
use machine::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it is installed to, as far as names are concerned.
pub(super) const NAMESPACE: &str = "metrics";
const RELEASE: &str = "business-metrics";

/// Values that would make a system that can't work, or that shows a secret, and a word of the refusal. Each is set beside
/// those of `ci/minimal-values.yaml`.
const REFUSED: [(&str, &str); 11] = [
    ("database.hosts=", "database.hosts is needed"),
    ("kafka.brokers=", "kafka.brokers is needed"),
    ("queryApi.tokens.hs256.name=", "exactly one of"),
    ("queryApi.tokens.jwksUrl=https://id.example.com/keys", "exactly one of"),
    ("queryApi.shutdownDelaySeconds=1", "must be at least 4"),
    ("consumer.terminationGracePeriodSeconds=20", "terminationGracePeriodSeconds"),
    ("consumer.ledgerMemoryMB=512", "ledgerMemoryMB"),
    ("kafka.config.SASL_PASSWORD=secret", "SASL_PASSWORD"),
    ("redis.url=redis://user:secret@redis:6379", "url"),
    (
        "roles.enabled=true,roles.superuser.password.name=superuser,database.parameters=sslmode=verify-full",
        "roles.enabled needs database.ca",
    ),
    (
        "roles.enabled=true,roles.superuser.password.name=superuser,database.parameters=sslmode=require",
        "roles.enabled needs sslmode=verify-full",
    ),
];

/// The chart, and the helm that renders it.
pub(super) struct Chart {
    helm: PathBuf,
    run: PathBuf,
}

/// What the chart becomes with a file of values.
pub(super) struct Rendered {
    /// The file's name.
    pub(super) values: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

impl Chart {
    pub(super) fn new(helm: PathBuf, run: &Path) -> Self {
        Self { helm, run: run.to_owned() }
    }

    /// Lints it with each file of values.
    pub(super) fn lint(&self) -> anyhow::Result<()> {
        let lint = |values: &PathBuf| {
            let mut command = self.helm(&["lint", "--strict"]);
            command::output(command.arg(folder()).arg("--values").arg(values)).map(drop)
        };
        values()?.iter().try_for_each(lint)
    }

    /// Renders it with each file of values: everything, hooks and tests included.
    pub(super) fn render(&self) -> anyhow::Result<Vec<Rendered>> {
        let render = |values: &PathBuf| -> anyhow::Result<Rendered> {
            let text = command::output(&mut self.template(values))?;
            let name = values.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let path = self.run.join(format!("{name}.yaml"));
            std::fs::write(&path, text)?;
            Ok(Rendered { values: name, path })
        };
        values()?.iter().map(render).collect()
    }

    /// Renders it with values that are wrong, which must fail.
    pub(super) fn refuses(&self) -> anyhow::Result<()> {
        let minimal = folder().join("ci/minimal-values.yaml");
        for (wrong, word) in REFUSED {
            let mut command = self.template(&minimal);
            command::refused(command.args(["--set", wrong]), word)?;
        }
        Ok(())
    }

    fn template(&self, values: &Path) -> Command {
        let mut command = self.helm(&["template", RELEASE]);
        // A Helm that go has built believes in a Kubernetes of long ago.
        command.arg(folder()).args(["--kube-version", KUBERNETES.version, "--namespace", NAMESPACE]);
        command.arg("--values").arg(values);
        command
    }

    /// Helm, without anything of the developer's own.
    fn helm(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.helm);
        for home in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(home, self.run.join("helm"));
        }
        command.args(args);
        command
    }
}

fn folder() -> PathBuf {
    workspace::root().join("deploy/helm/business-metrics")
}

/// The files of values that are for checks.
fn values() -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder().join("ci")).context("the chart has no ci/")?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    ensure!(paths.len() > 1, "the chart's ci/ has no values");
    Ok(paths)
}
