//! The settings of a member, which `run` and `doctor` have in common, and what is wrong with them taken together.

use crate::announce;
use crate::clock;
use crate::ledger;
use crate::limits;
use crate::pipeline;
use crate::source;
use crate::store::settings::Database;
use crate::store::upkeep::Retention;

/// Settings of a member.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct MemberSettings {
    /// PostgreSQL, where the counters are.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the records come from.
    #[command(flatten)]
    pub source: source::Settings,
    /// Redis, where changes are announced.
    #[command(flatten)]
    pub announce: announce::Settings,
    /// How long rows are kept.
    #[command(flatten)]
    pub retention: Retention,
    /// How far clocks may differ.
    #[command(flatten)]
    pub clock: clock::Settings,
    /// When readiness names a partition that stands still.
    #[command(flatten)]
    pub watch: pipeline::Settings,
    /// How much memory the ledger may take.
    #[command(flatten)]
    pub ledger: ledger::Settings,
}

impl MemberSettings {
    /// The first thing that is wrong, in a sentence that names the variable.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let Self { database, source, announce, retention, .. } = self;
        let disagreement = || {
            limits::disagreement(&limits::Chosen {
                ledger_retention_days: retention.ledger_retention_days,
                failure_retention_days: retention.failure_retention_days,
                kafka: source.limits(),
            })
        };
        database.wrong().or_else(|| source.wrong()).or_else(|| announce.wrong()).or_else(disagreement)
    }
}
