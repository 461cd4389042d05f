//! `consumer progress show`: the progress of every partition.

use super::ending::Ending;
use super::table::Table;
use super::{console, moment};
use crate::record::Offset;
use crate::record::place::Place;
use crate::source::breaks;
use crate::source::cluster::{self, At, Cluster, KafkaError, Lacking, OpenTransaction, Right};
use crate::store::settings::Database;
use crate::store::{OperatorConnection, ProgressRow};
use anyhow::Context as _;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// Settings of `consumer progress show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// PostgreSQL, where the progress is.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the partitions end.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// Only this topic.
    #[arg(long)]
    pub topic: Option<String>,
    /// Answer with a JSON array, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Shows it. Without an answer from Kafka its ends are left out.
///
/// # Errors
/// When PostgreSQL doesn't answer.
pub async fn show(settings: &Show) -> anyhow::Result<Ending> {
    let connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    let rows = connection.progress_rows(settings.topic.as_deref()).await.context("PostgreSQL")?;
    let places: Vec<Place> = rows.iter().map(|row| row.place.clone()).collect();
    let cluster = Cluster::new(&settings.cluster)?;
    let log = tokio::task::spawn_blocking(move || Log::ask(&cluster, &places)).await?;
    let log = log.unwrap_or_else(|error| {
        console::tell(format_args!("Kafka does not say where partitions end: {error}"));
        Log::default()
    });
    log.lacking.iter().for_each(console::tell);
    if settings.json {
        let rows: Vec<_> = rows.iter().map(|row| as_json(row, &log)).collect();
        console::answer(serde_json::to_string_pretty(&rows)?)?;
    } else if rows.is_empty() {
        console::tell("no partition has been seen yet");
    } else {
        console::answer(as_table(&rows, &log))?;
        remarks(&rows, &log).iter().for_each(console::tell);
    }
    Ok(Ending::Good)
}

/// Kafka's side of the partitions.
#[derive(Default)]
struct Log {
    /// What the brokers have acknowledged.
    ends: HashMap<Place, Offset>,
    /// The oldest offsets that Kafka has.
    firsts: HashMap<Place, Offset>,
    open_transactions: HashMap<Place, OpenTransaction>,
    /// Rights without which Kafka says nothing about a topic.
    lacking: Vec<Lacking>,
}

impl Log {
    fn ask(cluster: &Cluster, places: &[Place]) -> Result<Self, KafkaError> {
        let topics: BTreeSet<&str> = places.iter().map(|place| &*place.topic).collect();
        let allowed = topics.into_iter().map(|topic| cluster.must_allow(topic, Right::Describe));
        let lacking = allowed.filter_map(Result::err).collect();
        let ends = cluster.offsets(places, At::Acknowledged)?;
        let firsts = cluster.offsets(places, At::Earliest)?;
        let open_transactions = cluster.open_transactions(&ends)?;
        Ok(Self { ends, firsts, open_transactions, lacking })
    }
}

/// `None` where Kafka's end is not known, or lies before what was counted.
fn lag(row: &ProgressRow, end: Option<&Offset>) -> Option<i64> {
    let next = row.next_offset.map_or(0, |offset| offset.0);
    end.map(|end| end.0 - next).filter(|lag| *lag >= 0)
}

/// What a person should know beside the table, a remark each.
fn remarks(rows: &[ProgressRow], log: &Log) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in rows {
        let Some(next) = row.next_offset else { continue };
        if let Some(deleted) = log.firsts.get(&row.place).and_then(|first| breaks::deleted(next, *first)) {
            remarks.push(format!(
                "{}: {deleted}; LAG has them, too; decide by `consumer progress reset --to earliest`",
                row.place
            ));
        }
        if let Some(beyond) = log.ends.get(&row.place).and_then(|end| breaks::beyond(next, *end)) {
            remarks.push(format!(
                "{}: {beyond}: the log went back, or the topic was made anew; decide by `consumer progress reset`",
                row.place
            ));
        }
    }
    let misplaced: i64 = rows.iter().map(|row| row.misplaced).sum();
    if misplaced > 0 {
        let latest = moment::shown(rows.iter().filter_map(|row| row.misplaced_at).max());
        remarks.push(format!(
            "{misplaced} records lay in another partition than their key's, the latest counted at {latest}: their producer has \
             another partitioner than murmur2, and a copy from elsewhere would count twice (docs/producing.md, Keys)"
        ));
    }
    remarks
}

fn as_table(rows: &[ProgressRow], log: &Log) -> Table<12> {
    let mut table = Table::new([
        "TOPIC",
        "PARTITION",
        "EPOCH",
        "NEXT OFFSET",
        "KAFKA'S END",
        "LAG",
        "OPEN TRANSACTION",
        "MISPLACED",
        "COMPLETE THROUGH",
        "TOPIC ID",
        "OWNER",
        "CLAIMED",
    ]);
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    for row in rows {
        let end = log.ends.get(&row.place);
        table.add([
            row.place.topic.clone(),
            row.place.partition.to_string(),
            row.epoch.to_string(),
            number(row.next_offset.map(|offset| offset.0)),
            number(end.map(|offset| offset.0)),
            number(lag(row, end)),
            log.open_transactions.get(&row.place).map(in_words).unwrap_or_default(),
            row.misplaced.to_string(),
            moment::shown(row.complete_through),
            row.topic_id.clone().unwrap_or_default(),
            row.owner.clone().unwrap_or_default(),
            moment::shown(row.claimed_at),
        ]);
    }
    table
}

/// `101 offsets from 5012, since 2026-02-25T10:00:00Z`.
pub(super) fn in_words(open: &OpenTransaction) -> String {
    let since = open.since.map(|since| format!(", since {}", moment::shown(Some(since)))).unwrap_or_default();
    format!("{} offsets from {}{since}", open.offsets, open.from.0)
}

fn as_json(row: &ProgressRow, log: &Log) -> serde_json::Value {
    let end = log.ends.get(&row.place);
    let open = log.open_transactions.get(&row.place);
    json!({
        "topic": row.place.topic,
        "partition": row.place.partition,
        "epoch": row.epoch,
        "nextOffset": row.next_offset.map(|offset| offset.0),
        "endOffset": end.map(|offset| offset.0),
        "lag": lag(row, end),
        "openTransaction": open.map(|open| json!({
            "fromOffset": open.from.0,
            "offsets": open.offsets,
            "since": moment::exact(open.since),
        })),
        "misplaced": row.misplaced,
        "misplacedAt": moment::exact(row.misplaced_at),
        "completeThrough": moment::exact(row.complete_through),
        "topicId": row.topic_id,
        "owner": row.owner,
        "claimedAt": moment::exact(row.claimed_at),
        "updatedAt": moment::exact(Some(row.updated_at)),
    })
}
