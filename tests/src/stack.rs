//! A story's own part of the system.

use crate::clock::Clock;
use crate::counts::Counts;
use crate::dead_letter::DeadLetter;
use crate::must::must;
use crate::shared::{Shared, say_once};
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters};
use load::{Differences, Horizon, Produced, Producer, Topics, Truth};
use stack::binaries::Binaries;
use stack::wait::{self, Seen};
use stack::{DatabaseUrl, Kafka, Postgres, Proxy, Redis, Service, Services};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_postgres::Client;

/// How long counting all records may take, including a restart and a dead member's session.
const IDLE_LIMIT: Duration = Duration::from_secs(120);

/// How long Kafka may take to accept records.
const PRODUCE_LIMIT: Duration = Duration::from_secs(60);

/// Partitions of each topic, unless a story asks for another number.
const PARTITIONS: i32 = 4;

/// Topics, a database, a consumer group and a cache prefix that no other story has.
#[derive(Debug)]
pub struct Stack {
    shared: Shared,
    name: String,
    topics: Topics,
    partitions: i32,
    database: DatabaseUrl,
    folder: PathBuf,
    _clock: Clock,
}

impl Stack {
    /// With the services that all stories share.
    pub async fn start() -> Self {
        Self::on(Shared::get().await, PARTITIONS).await
    }

    /// The same with another number of partitions.
    pub async fn with_partitions(partitions: i32) -> Self {
        Self::on(Shared::get().await, partitions).await
    }

    /// With one service of its own, which the story may stop, pause and start again.
    pub async fn with_own(service: Service) -> Self {
        Self::on(Shared::with_own(service).await, PARTITIONS).await
    }

    async fn on(shared: Shared, partitions: i32) -> Self {
        let name = unique_name();
        let topics = Topics::prefixed(&format!("{name}."));
        must(shared.services.kafka.create_topics(&topics.all(), partitions).await);
        let database = must(shared.services.postgres.create_migrated(&name).await);
        let folder = shared.services.run().join(&name);
        must(std::fs::create_dir(&folder).map_err(Into::into));
        Self { shared, name, topics, partitions, database, folder, _clock: Clock::start() }
    }

    /// Produces records in this order, and waits until Kafka has them.
    pub async fn produce(&self, records: impl IntoIterator<Item = Produced>) {
        let placed: Vec<_> = records.into_iter().map(|record| self.placed(record)).collect();
        let mut producer = must(Producer::new(self.kafka().brokers(), self.topics.clone()));
        must(producer.send_all(&placed, PRODUCE_LIMIT));
    }

    /// A record without a partition goes to the partition of its key.
    fn placed(&self, record: Produced) -> Produced {
        if record.partition.is_some() { record } else { record.placed(self.partitions) }
    }

    /// A proxy for this story's PostgreSQL. Members use it if their launch says so.
    #[must_use]
    pub fn proxy(&self) -> Proxy {
        must(self.database.server().and_then(Proxy::to))
    }

    /// Waits until all records that are in the topics now are counted.
    pub async fn until_idle(&self) {
        self.until_counted("every partition to be counted to its end", |next, end| next >= end).await;
    }

    /// Waits until some records, but not necessarily all, are counted.
    pub async fn until_some_are_counted(&self) {
        let client = self.client().await;
        let waiting = wait::until("the first records to be counted", IDLE_LIMIT, async || {
            let next: i64 = next_offsets(&client).await?.values().sum();
            Ok(Seen::when(next > 0, "none is"))
        });
        must(waiting.await);
    }

    async fn until_counted(&self, what: &str, reached: impl Fn(i64, i64) -> bool) {
        let ends = self.ends();
        let waiting = wait::until(what, IDLE_LIMIT, async || {
            // Each check makes a new connection: PostgreSQL may be away for a while, and the wait goes on.
            let next = match self.database.connect().await {
                Ok(client) => next_offsets(&client).await?,
                Err(error) => return Ok(Seen::NotYet(format!("{error:#}"))),
            };
            let behind =
                ends.iter().find(|(place, end)| !reached(next.get(*place).copied().unwrap_or(0), **end));
            Ok(behind.map_or(Seen::Ready(()), |((topic, partition), end)| {
                let next = next.get(&(topic.clone(), *partition));
                Seen::NotYet(format!("{topic} {partition} ends at {end}, counted to {next:?}"))
            }))
        });
        must(waiting.await);
    }

    /// The offset that the next record of each partition will have.
    #[must_use]
    pub fn ends(&self) -> HashMap<(String, i32), i64> {
        let of = |topic: &str| {
            (0..).zip(must(self.kafka().ends(topic))).map(|(n, end)| ((topic.into(), n), end)).collect()
        };
        self.topics.all().into_iter().flat_map(|topic| -> Vec<_> { of(topic) }).collect()
    }

    /// The sums of the organization's buckets.
    pub async fn counts(&self, organization: &str) -> Counts {
        must(Counts::read(&self.client().await, organization).await)
    }

    /// The counters of one bucket; zeros if it doesn't exist.
    pub async fn bucket(&self, organization: &str, size: BucketSize, start: DateTime<Utc>) -> Counters {
        must(Counts::bucket(&self.client().await, organization, size, start).await)
    }

    /// The refused records, by topic, partition and offset.
    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        must(DeadLetter::all(&self.client().await).await)
    }

    /// Compares every table with an independent recount of these records.
    pub async fn compare<'a>(&self, records: impl IntoIterator<Item = &'a Produced>) -> Differences {
        let truth = Truth::of(Horizon::at(Utc::now()), records);
        must(load::check(&self.client().await, &truth).await)
    }

    /// Fails the story unless the tables agree with an independent recount of these records.
    pub async fn agrees_with<'a>(&self, records: impl IntoIterator<Item = &'a Produced>) {
        let differences = self.compare(records).await;
        assert!(differences.is_empty(), "{differences}");
    }

    /// A connection to the story's database.
    pub async fn client(&self) -> Client {
        must(self.database.connect().await)
    }

    /// The cache, or `None`, after printing that this machine has no Redis.
    #[must_use]
    pub fn redis(&self) -> Option<&Redis> {
        static SAID: Once = Once::new();
        let redis = self.services().redis.as_deref();
        if redis.is_none() {
            say_once(&SAID, "skipped: stories about Redis, which is missing here");
        }
        redis
    }

    /// The services of this story.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.shared.services
    }

    /// Kafka.
    #[must_use]
    pub fn kafka(&self) -> &Kafka {
        &self.services().kafka
    }

    /// PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.services().postgres
    }

    /// The story's topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// How many partitions each of them has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// The story's database.
    #[must_use]
    pub fn database(&self) -> &DatabaseUrl {
        &self.database
    }

    /// The story's consumer group; its cache keys start with the same word and a colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.shared.binaries
    }

    /// The folder of the logs of this story's programs.
    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }
}

async fn next_offsets(client: &Client) -> anyhow::Result<HashMap<(String, i32), i64>> {
    let query = "select topic, kafka_partition, coalesce(next_offset, 0) from consumer_progress";
    let rows = client.query(query, &[]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

/// A name for topics, database and group that is new even on a server that outlives this run.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("story_{second}_{}_{number}", std::process::id())
}
