//! The saved results of a benchmark: its figures with the machine and the settings, as JSON, and a
//! chart of them as SVG.

use super::machine::Machine;
use anyhow::Context as _;
use chrono::{SecondsFormat, Utc};
use machine::say;
use machine::workspace;
use serde::Serialize;
use serde_json::Value;
use stack::Services;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings that determine PostgreSQL's durability, and its version.
const POSTGRES_SETTINGS: [&str; 5] =
    ["server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method"];
/// The settings that determine Kafka's durability.
const KAFKA_SETTINGS: [&str; 6] = [
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "min.insync.replicas",
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
];

/// Where to write the figures.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Outputs {
    /// Write the figures, the machine and the servers' settings to this file, as JSON, instead of to target/bench/
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the figures into this file, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Figures of one round or one program, or their median.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    name: String,
    #[serde(flatten)]
    figures: Value,
}

impl Row {
    /// The figures of `name`, which serialize to an object.
    ///
    /// # Errors
    /// When they can't be serialized.
    pub fn new(name: impl Into<String>, figures: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { name: name.into(), figures: serde_json::to_value(figures)? })
    }
}

#[derive(Serialize)]
struct Record<'a, Options> {
    benchmark: &'a str,
    machine: Machine,
    date: String,
    settings: Settings,
    options: &'a Options,
    rows: &'a [Row],
}

/// The servers' settings.
#[derive(Debug, Serialize)]
pub struct Settings {
    /// PostgreSQL's, by name.
    pub postgresql: BTreeMap<String, String>,
    /// Kafka's, by name.
    pub kafka: BTreeMap<String, String>,
}

impl Outputs {
    /// Writes everything, with the chart `svg`, and prints the paths.
    ///
    /// # Errors
    /// When a server doesn't show its settings, or a file can't be written.
    pub async fn write(
        &self,
        services: &Services,
        benchmark: &str,
        options: &impl Serialize,
        rows: &[Row],
        svg: &str,
    ) -> anyhow::Result<()> {
        let settings = Settings::of(services).await?;
        let date = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let record = Record { benchmark, machine: Machine::read(), date, settings, options, rows };
        let own = || workspace::target().join("bench").join(format!("{benchmark}.json"));
        let json = self.json.clone().unwrap_or_else(own);
        write(&json, &(serde_json::to_string_pretty(&record)? + "\n"))?;
        say::line(format_args!("Figures: {}", json.display()));
        if let Some(path) = &self.svg {
            write(path, svg)?;
            say::line(format_args!("Chart: {}", path.display()));
        }
        Ok(())
    }
}

impl Settings {
    /// The settings now.
    ///
    /// # Errors
    /// When a server doesn't show its settings.
    pub async fn of(services: &Services) -> anyhow::Result<Self> {
        let client = services.postgres.url().connect().await?;
        let query = "select name, setting from pg_settings where name = any($1)";
        let rows = client.query(query, &[&&POSTGRES_SETTINGS[..]]).await?;
        let postgresql = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(Self { postgresql, kafka: services.kafka.settings(&KAFKA_SETTINGS).await? })
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
}
