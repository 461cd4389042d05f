//! An image of `deploy/Containerfile`: how it is built, how large it is, and what it says of itself.

use super::sandbox::Sandbox;
use crate::command;
use anyhow::{Context as _, ensure};
use machine::workspace;
use serde_json::Value;
use std::fmt;

/// Most bytes of an image.
pub(super) const BYTES_MAX: u64 = 60_000_000;

/// What the trial's images say of their version.
const VERSION: &str = "0.0.0-trial";

/// The user that images run as.
pub(super) const USER: u32 = 10_001;

/// A target of the Containerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    Consumer,
    QueryApi,
    DemoProducer,
}

impl Image {
    /// All of them, in the Containerfile's order.
    pub(super) const ALL: [Self; 3] = [Self::Consumer, Self::QueryApi, Self::DemoProducer];

    const fn target(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::QueryApi => "query-api",
            Self::DemoProducer => "demo-producer",
        }
    }

    /// What it is called here; no registry has such a name.
    pub(super) fn name(self) -> String {
        format!("localhost/business-metrics-trial/{}", self.target())
    }

    /// How it asks for its own health; `None` if it has none.
    const fn health(self) -> Option<[&'static str; 3]> {
        match self {
            Self::Consumer => Some(["CMD", "/usr/local/bin/consumer", "ready"]),
            Self::QueryApi => Some(["CMD", "/usr/local/bin/query-api", "--ready"]),
            Self::DemoProducer => None,
        }
    }

    pub(super) fn build(self, sandbox: &Sandbox) -> anyhow::Result<()> {
        let root = workspace::root();
        let mut build = sandbox.buildah();
        // Checks of health are in Docker's format alone.
        build.args(["build", "--isolation", "chroot", "--format", "docker", "--layers", "--target"]);
        build.arg(self.target()).arg("--tag").arg(self.name());
        build.args(["--build-arg", &format!("VERSION={VERSION}"), "--file"]);
        build.arg(root.join("deploy/Containerfile")).arg(root);
        command::shown(&mut build)
    }

    pub(super) fn size(self, sandbox: &Sandbox) -> anyhow::Result<()> {
        let size = self.inspected(sandbox)?["Size"].as_u64().context("podman doesn't say how large it is")?;
        machine::say::line(format_args!("{self} has {:.1} MB", size as f64 / 1e6));
        ensure!(size <= BYTES_MAX, "it has {size} bytes");
        Ok(())
    }

    pub(super) fn says_what_it_is(self, sandbox: &Sandbox) -> anyhow::Result<()> {
        let inspected = self.inspected(sandbox)?;
        let user = format!("{USER}:{USER}");
        ensure!(inspected["Config"]["User"] == user.as_str(), "its user is {}", inspected["Config"]["User"]);
        let health = &inspected["Healthcheck"]["Test"];
        match self.health() {
            Some(test) => {
                ensure!(*health == serde_json::json!(test), "its health is asked by {health}");
                let version = &inspected["Labels"]["org.opencontainers.image.version"];
                ensure!(*version == VERSION, "its label says version {version}");
            }
            None => ensure!(health.is_null(), "its health is asked by {health}"),
        }
        Ok(())
    }

    fn inspected(self, sandbox: &Sandbox) -> anyhow::Result<Value> {
        let said = command::output(sandbox.podman().args(["image", "inspect", &self.name()]))?;
        let mut images: Vec<Value> = serde_json::from_str(&said)?;
        images.pop().with_context(|| format!("podman has no {self}"))
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.target())
    }
}
