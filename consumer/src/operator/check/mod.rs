//! `consumer check-record` and `check-topic`: what the members would make of records, without counting them.
//!
//! ```text
//! bytes or a topic -> verdict (pure) -> report: lines or JSON
//!                        |
//!                      tally (pure) -> summary of a topic
//! ```

mod record;
mod report;
mod skipped;
mod summary;
mod tally;
mod topic;
mod verdict;

pub use record::{CheckRecord, check as check_record};
pub use topic::{CheckTopic, check as check_topic};

use crate::record::Topic;
use crate::record::decode::Bounds;
use crate::record::topic_names::TopicNames;
use crate::settings::BadSetting;
use crate::store::upkeep::Retention;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Which times the members allow. Give the same values as to them.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "judged_by")]
pub struct Limits {
    /// How far ahead of the clock a record's time may be. Give the same value as to the members.
    #[arg(long, env = "FUTURE_SKEW_MAX", default_value = "1h", value_parser = crate::settings::duration)]
    pub future_skew_max: Duration,
    /// Days for which the ledger remembers what was counted. Give the same value as to the members.
    #[arg(long, env = "LEDGER_RETENTION_DAYS", default_value_t = 35, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub ledger_retention_days: u32,
}

impl Limits {
    /// The times that are allowed at this instant, if the ledger's floor has risen as far as it may.
    fn bounds(&self, now: DateTime<Utc>) -> Bounds {
        let skew = i64::try_from(self.future_skew_max.as_secs()).unwrap_or(i64::MAX);
        Bounds {
            floor: Retention::before(now, self.ledger_retention_days).timestamp(),
            ceiling: now.timestamp().saturating_add(skew),
        }
    }
}

/// The topic of this name.
///
/// # Errors
/// When it is none of the three; the error says how to give topics other names.
fn topic_named(names: &TopicNames, name: &str) -> Result<Topic, BadSetting> {
    names.topic(name).ok_or_else(|| {
        let known = names.all().join(", ");
        BadSetting(format!(
            "--topic must be one of {known}; EVENTS_TOPIC, WORKFLOW_TERMINALS_TOPIC and MESSAGE_DELIVERIES_TOPIC give them other \
             names"
        ))
    })
}
