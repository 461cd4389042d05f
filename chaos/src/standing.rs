//! How far counting is: read repeatedly from PostgreSQL, which alone has the truth, whenever it is available.

use super::offsets::Offsets;
use anyhow::bail;
use stack::DatabaseUrl;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::Client;

/// How often it is read.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const PROGRESS: &str = "select topic, kafka_partition, coalesce(next_offset, 0) from consumer_progress";

/// Publishes every change to `counted`.
///
/// # Errors
/// When a partition goes back: it would count records again.
pub async fn look_up(database: DatabaseUrl, counted: watch::Sender<Offsets>) -> anyhow::Result<Infallible> {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut client = None;
    loop {
        looks.tick().await;
        let connected = match client.take() {
            Some(client) => Ok(client),
            None => database.connect().await,
        };
        // That PostgreSQL is away is part of the test, and no error.
        let Ok(connected) = connected else { continue };
        let Ok(now) = read(&connected).await else { continue };
        client = Some(connected);
        if let Some(place) = counted.borrow().ahead_of(&now) {
            bail!("a partition went back: {place} that were counted before");
        }
        counted.send_replace(now);
    }
}

async fn read(client: &Client) -> anyhow::Result<Offsets> {
    let rows = client.query(PROGRESS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}
