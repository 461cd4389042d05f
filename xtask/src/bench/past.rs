//! A ledger's past: pages of three days, as full as asked for, of identities that no record of the benchmark has.

use crate::services::DatabaseUrl;
use ::bench::rng::Rng;
use anyhow::Context as _;
use chrono::{DateTime, Duration, Utc};
use tokio_postgres::types::ToSql;

/// How far back it reaches, in quarters of an hour.
const QUARTERS: i64 = 72 * 4;
const QUARTER_SECONDS: i64 = 900;

/// Fills the ledger of a topic with about `bytes` of fingerprints up to `until`, a segment a page, as merging leaves
/// them.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn fill(
    database: &DatabaseUrl,
    topic: &str,
    partitions: i32,
    until: DateTime<Utc>,
    bytes: u64,
) -> anyhow::Result<()> {
    let client = database.connect().await?;
    let latest = until.timestamp().div_euclid(QUARTER_SECONDS);
    let per_page = bytes / 8 / u64::try_from(QUARTERS * i64::from(partitions))?;
    let sums = ["0"; 8].join(", ");
    let insert = format!(
        "insert into ledger_segments select $1, p, $2, 0, 1, f, {sums} \
         from unnest($3::integer[], $4::bytea[]) as w (p, f)"
    );
    let insert = client.prepare(&insert).await?;
    let mut rng = Rng::new(per_page);
    let mut made = None;
    for number in (latest - QUARTERS..=latest).rev() {
        let quarter =
            DateTime::from_timestamp(number * QUARTER_SECONDS, 0).context("a quarter of these days")?;
        let day = quarter.date_naive();
        if made.replace(day) != Some(day) {
            client.batch_execute(&place_of(day)).await?;
        }
        let pages: Vec<Vec<u8>> = (0..partitions).map(|_| page(&mut rng, per_page)).collect();
        let numbers: Vec<i32> = (0..partitions).collect();
        let values: [&(dyn ToSql + Sync); 4] = [&topic, &quarter, &numbers, &pages];
        client.execute(&insert, &values).await?;
    }
    client.batch_execute("vacuum analyze").await?;
    Ok(())
}

/// The table's place for a day, named and made as the consumer does.
fn place_of(day: chrono::NaiveDate) -> String {
    let next = day + Duration::days(1);
    format!(
        "create table if not exists ledger_segments_{} partition of ledger_segments \
         for values from ('{day} 00:00Z') to ('{next} 00:00Z')",
        day.format("%Y%m%d")
    )
}

/// Sorted, uniform, big-endian.
fn page(rng: &mut Rng, fingerprints: u64) -> Vec<u8> {
    let mut page: Vec<u64> = (0..fingerprints).map(|_| rng.below(u64::MAX)).collect();
    page.sort_unstable();
    page.into_iter().flat_map(u64::to_be_bytes).collect()
}
