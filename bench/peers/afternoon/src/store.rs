//! The tables: identities behind a unique index, counters, offsets.

use crate::batch::{Batch, Place, Sums, days};
use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement, Transaction};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

const TABLES: &str = r#"
    create table if not exists counted_records (
        organization_id text collate "C", id text collate "C", primary key (organization_id, id)
    );
    create table if not exists topic_offsets (
        topic text, kafka_partition integer, next_offset bigint not null, primary key (topic, kafka_partition)
    );
"#;

const COUNTERS: [&str; 8] = [
    "orders_created",
    "payments_total",
    "payments_successful",
    "workflows_total",
    "workflows_failed",
    "total_execution_time_ms",
    "messages_sent",
    "messages_delivered",
];

/// A connection with its statements.
pub struct Store {
    client: Client,
    statements: Option<Statements>,
}

struct Statements {
    insert: Statement,
    hours: Statement,
    days: Statement,
    offset: Statement,
}

impl Store {
    /// Connects.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        // The client learns of a lost connection from its next statement.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { client, statements: None })
    }

    /// Makes the tables that are this peer's own.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn prepare_tables(&self) -> Result<()> {
        Ok(self.client.batch_execute(TABLES).await?)
    }

    /// Where each place goes on; and starts the clock that whoever measures reads.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn claim(&mut self, places: &[Place]) -> Result<Vec<(Place, i64)>> {
        let claim = "insert into topic_offsets values ($1, $2, 0) \
                     on conflict (topic, kafka_partition) do update set next_offset = topic_offsets.next_offset \
                     returning next_offset";
        let mut starts = Vec::new();
        for (topic, partition) in places {
            let row = self.client.query_one(claim, &[topic, partition]).await?;
            starts.push(((topic.clone(), *partition), row.get(0)));
        }
        self.statements = Some(Statements::prepare(&self.client).await?);
        self.client.batch_execute("insert into peer_starts values (clock_timestamp())").await?;
        Ok(starts)
    }

    /// Counts what is new in the batch and moves the offsets, or does neither.
    ///
    /// # Errors
    /// When PostgreSQL fails, or another process has moved an offset.
    pub async fn commit(&mut self, batch: &Batch) -> Result<()> {
        let statements = self.statements.as_ref().expect("claimed before anything was read");
        let transaction = self.client.transaction().await?;
        for ((topic, partition), (from, until)) in &batch.offsets {
            let moved = transaction.execute(&statements.offset, &[topic, partition, from, until]).await?;
            ensure!(moved == 1, "partition {partition} of {topic} is being counted by somebody else");
        }
        let rows = new_ids(&transaction, statements, batch).await?;
        let new: HashSet<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let sums = batch.sums(new, HOUR);
        upsert(&transaction, &statements.hours, &sums).await?;
        upsert(&transaction, &statements.days, &days(&sums, DAY)).await?;
        Ok(transaction.commit().await?)
    }
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self> {
        let insert = "insert into counted_records select * from unnest($1::text[], $2::text[]) \
                      on conflict do nothing returning organization_id, id";
        let offset = "update topic_offsets set next_offset = $4 \
                      where topic = $1 and kafka_partition = $2 and next_offset = $3";
        Ok(Self {
            insert: client.prepare(insert).await?,
            hours: client.prepare(&upsert_into("org_hourly_metrics", "hour_bucket")).await?,
            days: client.prepare(&upsert_into("org_daily_metrics", "day_bucket")).await?,
            offset: client.prepare(offset).await?,
        })
    }
}

/// The identities of the batch that no batch had before. They are sorted, so that neighbours in the index are inserted
/// one after the other.
async fn new_ids(transaction: &Transaction<'_>, statements: &Statements, batch: &Batch) -> Result<Vec<Row>> {
    let mut ids: Vec<(&str, &str)> =
        batch.records.iter().map(|record| (&*record.organization, &*record.id)).collect();
    ids.sort_unstable();
    let (organizations, ids): (Vec<&str>, Vec<&str>) = ids.into_iter().unzip();
    Ok(transaction.query(&statements.insert, &[&organizations, &ids]).await?)
}

async fn upsert(transaction: &Transaction<'_>, statement: &Statement, sums: &Sums) -> Result<()> {
    let organizations: Vec<&str> = sums.keys().map(|(organization, _)| &**organization).collect();
    let time = |seconds| DateTime::from_timestamp(seconds, 0);
    let buckets: Vec<Option<DateTime<Utc>>> = sums.keys().map(|(_, bucket)| time(*bucket)).collect();
    let columns: [Vec<i64>; 8] = std::array::from_fn(|place| sums.values().map(|sum| sum[place]).collect());
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&organizations, &buckets];
    values.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    transaction.execute(statement, &values).await?;
    Ok(())
}

fn upsert_into(table: &str, bucket: &str) -> String {
    let columns = COUNTERS.join(", ");
    let arrays: Vec<String> = (3..=10).map(|number| format!("${number}::bigint[]")).collect();
    let sets: Vec<String> =
        COUNTERS.iter().map(|name| format!("{name} = m.{name} + excluded.{name}")).collect();
    format!(
        "insert into {table} as m (organization_id, {bucket}, {columns}) \
         select * from unnest($1::text[], $2::timestamptz[], {}) \
         on conflict (organization_id, {bucket}) do update set {}, updated_at = now()",
        arrays.join(", "),
        sets.join(", ")
    )
}
