//! Setting right what differs, or saying what would be.

use super::fixes::Fixes;
use crate::operator::console;
use crate::operator::ending::Ending;
use crate::operator::table::printable;
use crate::store::settings::Database;
use crate::store::{ChannelRepair, Erasures, OperatorConnection, Repair, Repaired, Standing};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Repairs an organization's day after the other; with `is_dry` only says what would be repaired.
///
/// # Errors
/// When PostgreSQL fails, members have counted on, an erasure was begun or went on, or a row was changed by others. What was repaired before stays.
pub async fn repair(
    connection: &mut OperatorConnection,
    fixes: &Fixes,
    stood: &[Standing],
    erased: &Erasures,
    is_dry: bool,
) -> anyhow::Result<Ending> {
    for ((organization, day), repair) in &fixes.repairs {
        let what = in_words(organization, *day, repair);
        if is_dry {
            console::answer(format_args!("would be set right: {what}"))?;
            continue;
        }
        match connection.repair(repair, stood, erased).await.context("PostgreSQL")? {
            Repaired::Done => console::answer(format_args!("set right: {what}"))?,
            Repaired::MovedMeanwhile => anyhow::bail!(
                "members have counted on since the tables were compared: stop them, and run this again"
            ),
            Repaired::ChangedMeanwhile => {
                anyhow::bail!("a row was changed since the tables were compared: run this again")
            }
            Repaired::ErasedMeanwhile => anyhow::bail!(
                "an organization was erased, or is being erased, since the tables were compared: run this again"
            ),
        }
    }
    if fixes.impossible > 0 {
        console::answer(format_args!(
            "{} rows have wrong values that are left as they are: the log can't say exactly what is right, since records are gone from it \
             or contradict each other; what to do then is in docs/operating.md, What a repair leaves",
            fixes.impossible
        ))?;
    }
    let is_good = !is_dry && fixes.impossible == 0;
    if is_good {
        console::answer("everything is set right; answers that are cached can be old until they expire")?;
    }
    Ok(if is_good { Ending::Good } else { Ending::Bad })
}

/// Makes the tables' partitions for days of which nothing was counted before.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn make_room(database: &Database, fixes: &Fixes) -> anyhow::Result<()> {
    let changed = fixes.repairs.iter().filter(|(_, repair)| !repair.pages.is_empty());
    let days = changed.filter_map(|((_, day), _)| DateTime::from_timestamp(day * 86_400, 0));
    let days: BTreeSet<DateTime<Utc>> = days.collect();
    let mut connection = OperatorConnection::open(database).await.context("PostgreSQL")?;
    connection.make_room(&days).await.context("PostgreSQL")
}

fn in_words(organization: &str, day: i64, repair: &Repair) -> String {
    let date = day.checked_mul(86_400).and_then(|second| DateTime::from_timestamp(second, 0));
    let date = date.map(|date| format!("{}  ", date.date_naive())).unwrap_or_default();
    let pages: usize = repair.pages.values().map(std::collections::BTreeMap::len).sum();
    let channels = |is_meant: fn(&ChannelRepair) -> bool| {
        repair.channels.iter().filter(|repair| is_meant(repair)).count()
    };
    let parts = [
        (repair.metrics.len(), "buckets"),
        (repair.workflows.len(), "workflows' hours"),
        (repair.organizations.len(), "names"),
        (channels(|repair| matches!(repair, ChannelRepair::Hour { .. })), "channels' hours"),
        (channels(|repair| matches!(repair, ChannelRepair::Day { .. })), "channels' days"),
        (channels(|repair| matches!(repair, ChannelRepair::Name { .. })), "channels' names"),
        (pages, "pages of the ledger"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{date}{}  {}", printable(organization), parts.join(", "))
}
