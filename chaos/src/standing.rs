//! How far counting is, looked up all the time where the truth about it is: in PostgreSQL, whenever that is there.

use super::offsets::Offsets;
use anyhow::bail;
use stack::DatabaseUrl;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::Client;

/// How often it is looked up.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const PROGRESS: &str = "select topic, kafka_partition, coalesce(next_offset, 0) from consumer_progress";

/// Tells `counted` of every change.
///
/// # Errors
/// When a partition goes back: it would count again what was counted.
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
        // PostgreSQL away is what this is about, no reason to complain.
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
