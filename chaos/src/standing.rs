//! How far counting is, and how far there is to go: both read repeatedly, from PostgreSQL, which alone has the truth, and from
//! Kafka, whenever they are available.

use super::offsets::{Behind, Offsets};
use super::rewinds::Rewinds;
use anyhow::bail;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use stack::DatabaseUrl;
use stack::wait::{self, Seen};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_postgres::Client;

/// How often the progress is read.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often Kafka is asked for the ends, which are only displayed.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long Kafka may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

const PROGRESS: &str = "select topic, kafka_partition, coalesce(next_offset, 0) from consumer_progress";

/// Publishes every change to `counted`.
///
/// # Errors
/// When a partition goes back that must not: it would count records again.
pub async fn look_up(
    database: DatabaseUrl,
    rewinds: Rewinds,
    counted: watch::Sender<Offsets>,
) -> anyhow::Result<Infallible> {
    let mut looks = every(LOOK_EVERY);
    let mut client = None;
    loop {
        looks.tick().await;
        let before = rewinds.scopes();
        let connected = match client.take() {
            Some(client) => Ok(client),
            None => database.connect().await,
        };
        // That PostgreSQL is away is part of the test, and no error.
        let Ok(connected) = connected else { continue };
        let Ok(now) = read(&connected).await else { continue };
        client = Some(connected);
        let after = rewinds.scopes();
        let mut back = 0;
        for behind in counted.borrow().ahead_of(&now) {
            if !before.iter().chain(&after).any(|scope| scope.covers(&behind.topic)) {
                bail!("a partition went back: {behind} that were counted before");
            }
            back += behind.offsets();
        }
        counted.send_replace(now);
        rewinds.looked(back);
    }
}

async fn read(client: &Client) -> anyhow::Result<Offsets> {
    let rows = client.query(PROGRESS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// Waits until everything before `ends` is counted.
///
/// # Errors
/// When nothing changes for as long as `limit`.
pub async fn until_counted(
    ends: &Offsets,
    counted: &watch::Receiver<Offsets>,
    limit: Duration,
) -> anyhow::Result<()> {
    // Another fault may take the progress back meanwhile.
    let mut last = i64::MAX;
    loop {
        let goal = wait::until("more to be counted", limit, async || {
            let behind = ends.ahead_of(&counted.borrow());
            let left: i64 = behind.iter().map(Behind::offsets).sum();
            Ok(match behind.first() {
                None => Seen::Ready(0),
                Some(_) if left != last => Seen::Ready(left),
                Some(behind) => Seen::NotYet(format!("{left} offsets are not counted; {behind}")),
            })
        });
        last = goal.await?;
        if last == 0 {
            return Ok(());
        }
    }
}

/// Publishes to `ends` where the partitions end that `counted` has.
///
/// # Errors
/// When the client can't be created.
pub async fn look_ahead(
    brokers: String,
    counted: watch::Receiver<Offsets>,
    ends: watch::Sender<Offsets>,
) -> anyhow::Result<Infallible> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "chaos-standing");
    let client: BaseConsumer = config.set("isolation.level", "read_uncommitted").create()?;
    let mut looks = every(ASK_EVERY);
    loop {
        looks.tick().await;
        let places = counted.borrow().places();
        let mut now = ends.borrow().clone();
        tokio::task::block_in_place(|| {
            for (topic, partition) in places {
                // That Kafka is away is part of the test: then the last end is still displayed.
                let Ok((_, end)) = client.fetch_watermarks(&topic, partition, ANSWER_LIMIT) else { return };
                now.set(&topic, partition, end);
            }
        });
        ends.send_replace(now);
    }
}

fn every(time: Duration) -> Interval {
    let mut looks = tokio::time::interval(time);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    looks
}
