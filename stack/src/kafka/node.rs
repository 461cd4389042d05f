//! A node of Apache Kafka: its configuration, its storage, its program.

use crate::Purpose;
use crate::run::program::Program;
use anyhow::bail;
use machine::environment::Environment;
use machine::java::Java;
use machine::workspace;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long Kafka may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// 16 random bytes in URL-safe base64. Any value is valid, since the nodes here know only each other.
const CLUSTER_ID: &str = "YnVzaW5lc3MtbWV0cmljcw";

/// What every node of a cluster is made of.
#[derive(Clone, Copy)]
pub(super) struct Recipe<'a> {
    pub(super) java: &'a Java,
    pub(super) jars: &'a Path,
    pub(super) purpose: Purpose,
    pub(super) run: &'a Path,
    pub(super) environment: &'a Environment,
}

/// The ports of a node on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) broker: u16,
    pub(super) controller: u16,
}

impl Recipe<'_> {
    /// The program of the node at these ports, with its storage created. `more` is configuration beyond that of a single node,
    /// and `format` says how the controllers find each other. Returns the folder of the node's data, too.
    pub(super) fn node(
        &self,
        ports: Ports,
        more: &str,
        format: &[&str],
    ) -> anyhow::Result<(Program, PathBuf)> {
        let folder = self.run.join(format!("kafka-{}", ports.broker));
        let config = configure(&folder, ports, more)?;
        self.format_storage(&config, format)?;
        let log = self.run.join(format!("kafka-{}.log", ports.broker));
        let program = Program::new("Kafka", &self.java.path, log)
            .inherit(self.environment)
            .args(java_options(self.purpose))
            .args([format!("-Dlog4j2.configurationFile={}", deployed("log4j2.properties"))])
            .args(["-cp".into(), format!("{}/*", self.jars.display()), "kafka.Kafka".into(), config])
            .scratch(&folder)
            .end_by(Signal::TERM, GRACE);
        Ok((program, folder.join("data")))
    }

    fn format_storage(&self, config: &str, format: &[&str]) -> anyhow::Result<()> {
        let output = Command::new(&self.java.path)
            .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}/*", self.jars.display()))
            .args(["kafka.tools.StorageTool", "format"])
            .args(format)
            .args(["--cluster-id", CLUSTER_ID, "--config", config])
            .output()?;
        if !output.status.success() {
            bail!("Kafka's storage can't be created:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// Options of the Java runtime: a test's broker starts fast and stays small, a benchmark's runs fast.
fn java_options(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Tests => &["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
        Purpose::Demo => &["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"],
        Purpose::Benchmarks => &["-Xms1g", "-Xmx1g", "-XX:+UseParallelGC"],
    }
}

fn deployed(file: &str) -> String {
    workspace::root().join("deploy/kafka").join(file).display().to_string()
}

/// Writes the node's configuration and returns its path.
fn configure(folder: &Path, ports: Ports, more: &str) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)?;
    let data = folder.join("data").display().to_string();
    let text = workspace::deploy_file("kafka/server.properties")?
        .replace("@broker_port@", &ports.broker.to_string())
        .replace("@controller_port@", &ports.controller.to_string())
        .replace("@data@", &data);
    let path = folder.join("server.properties");
    std::fs::write(&path, text + more)?;
    Ok(path.display().to_string())
}
