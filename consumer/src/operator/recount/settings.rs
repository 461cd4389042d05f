//! Settings of `consumer recount`, and what it is to count anew.

use super::state::Chosen;
use crate::operator::moment;
use crate::record::Topic;
use crate::record::topic_names::TopicNames;
use crate::settings::BadSetting;
use crate::source::cluster;
use crate::store::settings::Database;
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of `consumer recount`.
#[derive(Debug, clap::Args)]
pub struct Recount {
    /// PostgreSQL, where the tables are.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the log is.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// The topics' names.
    #[command(flatten)]
    pub names: TopicNames,
    /// Only this topic, and the counters that its records add to. It can be given several times.
    #[arg(long)]
    pub topic: Vec<String>,
    /// Only from this time on, rounded down to a UTC day: a time like 2026-02-25T10:00:00Z, or how long ago, like 3d.
    #[arg(long, value_parser = moment::moment)]
    pub from: Option<DateTime<Utc>>,
    /// Only before this time, rounded up to a UTC day.
    #[arg(long, value_parser = moment::moment)]
    pub to: Option<DateTime<Utc>>,
    /// Only this organization.
    #[arg(long)]
    pub organization: Option<String>,
    /// Megabytes of records that are sorted in memory; more are sorted on disk. The command takes about 100 MB besides.
    #[arg(long, env = "RECOUNT_MEMORY_MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub recount_memory_mb: u32,
    /// The folder for what was read: about 20 bytes a record, and its id. A recount that was paused goes on from there.
    #[arg(long = "state", env = "RECOUNT_STATE", default_value = "consumer-recount")]
    pub state: PathBuf,
    /// How far ahead of the clock a record's time may be. Give the same value as to the members.
    #[arg(long, env = "FUTURE_SKEW_MAX", default_value = "1h", value_parser = crate::settings::duration)]
    pub future_skew_max: Duration,
    /// Days for which dead letters are kept. Give the same value as to the members.
    #[arg(long, env = "DEAD_LETTER_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub dead_letter_retention_days: u32,
    /// How many differences are shown at most. All are counted.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
    /// Set what differs to what the log says, in counters and ledger, an organization's day in one transaction. Stop the
    /// members first: it is refused if they have counted on meanwhile.
    #[arg(long)]
    pub repair: bool,
    /// With --repair: report what would be set right, and change nothing.
    #[arg(long, requires = "repair")]
    pub dry_run: bool,
}

impl Recount {
    /// What is counted anew.
    ///
    /// # Errors
    /// When a topic is unknown, or the times are in the wrong order.
    pub fn chosen(&self) -> Result<Chosen, BadSetting> {
        let names = &self.names;
        let unknown = self.topic.iter().find(|topic| names.topic(topic).is_none());
        if let Some(topic) = unknown {
            let known = names.all().join(", ");
            return Err(BadSetting(format!("--topic must be one of {known}; {topic} is none of them")));
        }
        let is_chosen =
            |topic: &Topic| self.topic.is_empty() || self.topic.iter().any(|name| name == names.of(*topic));
        let topics = Topic::ALL.into_iter().filter(is_chosen).map(|topic| names.of(topic).to_owned());
        let day = |second: i64| second.div_euclid(86_400) * 86_400;
        let from = self.from.map(|from| day(from.timestamp()));
        let to = self.to.map(|to| day(to.timestamp() + 86_399));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(BadSetting("--from must be before --to".into()));
        }
        Ok(Chosen { topics: topics.collect(), from, to, organization: self.organization.clone() })
    }

    /// How many bytes are sorted in memory.
    pub fn memory(&self) -> usize {
        usize::try_from(self.recount_memory_mb).unwrap_or(usize::MAX) << 20
    }
}
