//! `consumer progress show`: where every partition stands.

use super::ending::Ending;
use super::table::Table;
use super::{console, moment};
use crate::record::Offset;
use crate::record::place::Place;
use crate::source::cluster::{self, At, Cluster};
use crate::store::settings::Database;
use crate::store::{ProgressRow, Session};
use anyhow::Context as _;
use serde_json::json;
use std::collections::HashMap;

/// Settings of `consumer progress show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// PostgreSQL, where the progress is.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, whose ends are shown.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// Only this topic.
    #[arg(long)]
    pub topic: Option<String>,
    /// Answer with a JSON array, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Shows it.
///
/// # Errors
/// When PostgreSQL doesn't answer. Kafka's ends are left out if Kafka doesn't.
pub async fn show(settings: &Show) -> anyhow::Result<Ending> {
    let session = Session::open(&settings.database.database_url).await.context("PostgreSQL")?;
    let stands = session.stands(settings.topic.as_deref()).await.context("PostgreSQL")?;
    let places: Vec<Place> = stands.iter().map(|stand| stand.place.clone()).collect();
    let cluster = Cluster::new(&settings.cluster)?;
    let ends = tokio::task::spawn_blocking(move || cluster.offsets(&places, At::Latest)).await?;
    let ends = ends.unwrap_or_else(|error| {
        console::tell(format_args!("Kafka does not say where partitions end: {error}"));
        HashMap::new()
    });
    if settings.json {
        let rows: Vec<_> = stands.iter().map(|stand| as_json(stand, ends.get(&stand.place))).collect();
        console::answer(serde_json::to_string_pretty(&rows)?)?;
    } else if stands.is_empty() {
        console::tell("no partition has been seen yet");
    } else {
        console::answer(as_table(&stands, &ends))?;
    }
    Ok(Ending::Good)
}

/// Signed: an end before what was counted is news.
fn lag(stand: &ProgressRow, end: Option<&Offset>) -> Option<i64> {
    Some(end?.0 - stand.next_offset.map_or(0, |offset| offset.0))
}

fn as_table(stands: &[ProgressRow], ends: &HashMap<Place, Offset>) -> Table<10> {
    let mut table = Table::new([
        "TOPIC",
        "PARTITION",
        "EPOCH",
        "NEXT OFFSET",
        "KAFKA'S END",
        "LAG",
        "COMPLETE THROUGH",
        "TOPIC ID",
        "OWNER",
        "CLAIMED",
    ]);
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    for stand in stands {
        let end = ends.get(&stand.place);
        table.add([
            stand.place.topic.clone(),
            stand.place.partition.to_string(),
            stand.epoch.to_string(),
            number(stand.next_offset.map(|offset| offset.0)),
            number(end.map(|offset| offset.0)),
            number(lag(stand, end)),
            moment::shown(stand.complete_through),
            stand.topic_id.clone().unwrap_or_default(),
            stand.owner.clone().unwrap_or_default(),
            moment::shown(stand.claimed_at),
        ]);
    }
    table
}

fn as_json(stand: &ProgressRow, end: Option<&Offset>) -> serde_json::Value {
    json!({
        "topic": stand.place.topic,
        "partition": stand.place.partition,
        "epoch": stand.epoch,
        "nextOffset": stand.next_offset.map(|offset| offset.0),
        "endOffset": end.map(|offset| offset.0),
        "lag": lag(stand, end),
        "completeThrough": moment::exact(stand.complete_through),
        "topicId": stand.topic_id,
        "owner": stand.owner,
        "claimedAt": moment::exact(stand.claimed_at),
        "updatedAt": moment::exact(Some(stand.updated_at)),
    })
}
