//! Reads the progress of a topic's partitions from PostgreSQL, and records when each advanced.

use super::standstill::Moves;
use anyhow::Context as _;
use stack::DatabaseUrl;
use stack::run::process::Process;
use stack::wait::{self, Seen};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Statement};

/// A watch over a topic. It reads only while a caller waits with it: about every 20 ms.
pub struct Watch {
    client: Client,
    query: Statement,
    topic: String,
    start: Instant,
    places: Vec<Place>,
    moves: Moves,
}

#[derive(Clone, Debug, Default)]
struct Place {
    next_offset: i64,
    owner: Option<u32>,
}

impl Watch {
    /// A watch over a topic with this many partitions. Its times are relative to now.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached.
    pub async fn new(database: &DatabaseUrl, topic: &str, partitions: usize) -> anyhow::Result<Self> {
        let client = database.connect().await?;
        let query =
            "select kafka_partition, coalesce(next_offset, 0), owner from consumer_progress where topic = $1";
        let query = client.prepare(query).await?;
        let places = vec![Place::default(); partitions];
        let (topic, start, moves) = (topic.to_owned(), Instant::now(), Moves::none(partitions));
        Ok(Self { client, query, topic, start, places, moves })
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When each partition advanced.
    #[must_use]
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// How many records are committed.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.places.iter().map(|place| place.next_offset.unsigned_abs()).sum()
    }

    /// The partitions whose latest claim is by the process `id`.
    #[must_use]
    pub fn owned_by(&self, id: u32) -> Vec<usize> {
        let owned = self.places.iter().enumerate().filter(|(_, place)| place.owner == Some(id));
        owned.map(|(partition, _)| partition).collect()
    }

    /// Whether each of these members has partitions.
    #[must_use]
    pub fn shared_by(&self, members: &[Process]) -> bool {
        members.iter().all(|member| !self.owned_by(member.id()).is_empty())
    }

    /// Whether all have advanced since then.
    #[must_use]
    pub fn all_advanced_since(&self, since: Duration) -> bool {
        (0..self.places.len()).all(|partition| self.moves.any_since(partition, since))
    }

    /// Reads once.
    ///
    /// # Errors
    /// When PostgreSQL doesn't answer, or a partition went back.
    pub async fn look(&mut self) -> anyhow::Result<()> {
        let rows = self.client.query(&self.query, &[&self.topic]).await?;
        let at = self.now();
        for row in rows {
            let partition = usize::try_from(row.get::<_, i32>(0))?;
            let place = self.places.get_mut(partition).context("an unexpected partition")?;
            let next_offset = row.get(1);
            let before = std::mem::replace(&mut place.next_offset, next_offset);
            anyhow::ensure!(
                before <= next_offset,
                "partition {partition} went back from {before} to {next_offset}"
            );
            if before < next_offset {
                self.moves.add(partition, at);
            }
            place.owner = row.get::<_, Option<&str>>(2).and_then(process);
        }
        Ok(())
    }

    /// Reads repeatedly until `done` is true.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut seen: impl FnMut(&Self) -> bool,
    ) -> anyhow::Result<()> {
        wait::until(what, limit, async || {
            self.look().await?;
            Ok(Seen::when(seen(self), format!("{:?}", self.places)))
        })
        .await
    }

    /// Reads repeatedly for some time.
    ///
    /// # Errors
    /// When PostgreSQL doesn't answer.
    pub async fn look_on(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = self.now() + time;
        self.until("time to pass", time * 2, |watch| watch.now() >= end).await
    }
}

/// The process id of a claim's owner, whose name has host and process id.
fn process(owner: &str) -> Option<u32> {
    owner.rsplit_once(':')?.1.parse().ok()
}
