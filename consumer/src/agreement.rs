//! What is wrong with a member's settings taken together. Whoever reads them refuses the same: `run` and `doctor`.

use crate::announce;
use crate::limits;
use crate::source;
use crate::store::settings::Database;
use crate::store::upkeep::Retention;

/// The first thing that is wrong, in a sentence that names the variable.
#[must_use]
pub fn wrong(
    database: &Database,
    source: &source::Settings,
    announce: &announce::Settings,
    retention: Retention,
) -> Option<String> {
    let disagreement = || {
        limits::disagreement(&limits::Chosen {
            ledger_retention_days: retention.ledger_retention_days,
            failure_retention_days: retention.failure_retention_days,
            kafka: source.limits(),
        })
    };
    database.wrong().or_else(|| source.wrong()).or_else(|| announce.wrong()).or_else(disagreement)
}
