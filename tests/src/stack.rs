//! A story's own part of the system.

use crate::clock::Clock;
use crate::counts::Counts;
use crate::dead_letter::DeadLetter;
use crate::must::must;
use crate::shared::{Shared, say_once};
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters};
use load::{Differences, Horizon, Produced, Producer, Topics, Truth};
use machine::kafka::KafkaPlan;
use stack::binaries::Binaries;
use stack::wait::{self, Seen};
use stack::{
    Citus, DatabaseUrl, Kafka, KafkaCluster, PoolMode, Pooler, Postgres, PostgresPair, Proxy, Redis, Role,
    SecuredKafka, Security, Service, Services,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::Client;

/// How long counting all records may take, including a restart and a dead member's session.
const IDLE_LIMIT: Duration = Duration::from_secs(120);

/// How long Kafka may take to accept records.
const PRODUCE_LIMIT: Duration = Duration::from_secs(60);

/// How long PostgreSQL may take to copy a database.
const COPY_LIMIT: Duration = Duration::from_secs(60);
/// Brokers of a story's own cluster.
const BROKERS: usize = 3;

/// How names of stories begin.
const STORY: &str = "story_";

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
    pair: Option<Pair>,
    brokers: Option<KafkaCluster>,
    secured: Option<SecuredKafka>,
    nodes: Option<Nodes>,
    folder: PathBuf,
    _clock: Clock,
}

/// A Citus cluster, and the turn to use it.
#[derive(Debug)]
struct Nodes {
    citus: Citus,
    _turn: MutexGuard<'static, ()>,
}

/// PostgreSQL as a primary and a standby, and the proxy that leads to the primary of the moment.
#[derive(Debug)]
struct Pair {
    _proxy: Proxy,
    postgres: PostgresPair,
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

    /// With a primary and a standby of its own; the story's database is on the primary of the moment. `None`, after printing why,
    /// if this machine can't start a pair.
    pub async fn with_pair() -> Option<Self> {
        static SAID: Once = Once::new();
        let shared = Shared::get().await;
        let (run, environment) = (shared.services.run(), shared.services.environment());
        let Some(programs) = PostgresPair::programs(environment) else {
            say_once(&SAID, "skipped: stories about failovers, because PostgreSQL has no pg_basebackup here");
            return None;
        };
        let postgres = must(PostgresPair::start(&programs, run, environment).await);
        let name = unique_name();
        let proxy = must(Proxy::to(postgres.target()));
        let database = must(postgres.create_database(&name).await);
        must(database.migrate_by_roles().await);
        let database = database.at(proxy.address());
        let pair = Pair { _proxy: proxy, postgres };
        Some(Self { pair: Some(pair), ..Self::over(shared, name, PARTITIONS, database).await })
    }

    /// With a cluster of three Kafka brokers of its own. `None`, after printing why, if this machine can't start it.
    pub async fn with_brokers() -> Option<Self> {
        static SAID: Once = Once::new();
        let mut shared = Shared::get().await;
        let (run, environment) = (shared.services.run(), shared.services.environment());
        let KafkaPlan::Local(local) = KafkaPlan::find(environment) else {
            say_once(&SAID, "skipped: stories about lost brokers, because no Kafka is started here");
            return None;
        };
        let brokers = must(KafkaCluster::start(&local, BROKERS, run, environment).await);
        shared.services.kafka = Arc::clone(brokers.kafka());
        Some(Self { brokers: Some(brokers), ..Self::on(shared, PARTITIONS).await })
    }

    /// With a Kafka of its own whose clients must say who they are. Kafka as the story itself sees it lets it do everything.
    /// `None`, after printing why, if this machine can't start it.
    pub async fn with_secured_kafka(security: Security<'_>) -> Option<Self> {
        static SAID: Once = Once::new();
        let mut shared = Shared::get().await;
        let (run, environment) = (shared.services.run(), shared.services.environment());
        let KafkaPlan::Local(local) = KafkaPlan::find(environment) else {
            say_once(
                &SAID,
                "skipped: stories about a Kafka that checks its clients, because none is started here",
            );
            return None;
        };
        let secured = must(SecuredKafka::start(&local, security, run, environment).await);
        shared.services.kafka = Arc::clone(secured.kafka());
        Some(Self { secured: Some(secured), ..Self::on(shared, PARTITIONS).await })
    }

    /// With a database on the nodes of a Citus cluster, migrated and not yet distributed. `None`, after printing why, if none is
    /// given. One story at a time has the cluster.
    pub async fn with_nodes() -> Option<Self> {
        static SAID: Once = Once::new();
        static TURN: Mutex<()> = Mutex::const_new(());
        let shared = Shared::get().await;
        let Some(url) = &shared.services.environment().citus_url else {
            say_once(&SAID, "skipped: stories about many nodes, because CITUS_URL is not set");
            return None;
        };
        let turn = TURN.lock().await;
        let citus = must(Citus::find(url).await);
        must(citus.drop_databases(STORY).await);
        let name = unique_name();
        let database = must(citus.create_database(&name).await);
        let mut client = must(database.connect().await);
        must(migrations::migrate(&mut client, &mut |_| ()).await.map_err(Into::into));
        let nodes = Nodes { citus, _turn: turn };
        Some(Self { nodes: Some(nodes), ..Self::over(shared, name, PARTITIONS, database).await })
    }

    async fn on(shared: Shared, partitions: i32) -> Self {
        let name = unique_name();
        let database = must(shared.services.postgres.create_for_roles(&name).await);
        Self::over(shared, name, partitions, database).await
    }

    async fn over(shared: Shared, name: String, partitions: i32, database: DatabaseUrl) -> Self {
        let topics = Topics::prefixed(&format!("{name}."));
        must(shared.services.kafka.create_topics(&topics.all(), partitions).await);
        let folder = shared.services.run().join(&name);
        must(std::fs::create_dir(&folder).map_err(Into::into));
        Self {
            shared,
            name,
            topics,
            partitions,
            database,
            pair: None,
            brokers: None,
            secured: None,
            nodes: None,
            folder,
            _clock: Clock::start(),
        }
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

    /// A pooler before this story's PostgreSQL, whose pools have so many sessions. `None`, after printing why, if this machine
    /// has none.
    pub async fn pooler(&self, mode: PoolMode, sessions: u16) -> Option<Pooler> {
        static SAID: Once = Once::new();
        let environment = self.services().environment();
        let Some(program) = machine::pooler::find(environment) else {
            say_once(&SAID, &format!("skipped: {}", machine::pooler::MISSING));
            return None;
        };
        let urls: Vec<_> = Role::ALL.into_iter().map(|role| self.database.of(role)).collect();
        let (urls, run) = ([vec![self.database.clone()], urls].concat(), self.services().run());
        Some(must(Pooler::start(&program, &urls, (mode, sessions), run, environment).await))
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
        let mut connection: Option<Client> = None;
        let waiting = wait::until(what, IDLE_LIMIT, async || {
            // PostgreSQL may be away for a while, and the wait goes on, by a new connection.
            let client = match connection.take().filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => match self.database.connect().await {
                    Ok(client) => client,
                    Err(error) => return Ok(Seen::NotYet(format!("{error:#}"))),
                },
            };
            let next = match next_offsets(&client).await {
                Ok(next) => next,
                Err(error) if client.is_closed() => return Ok(Seen::NotYet(format!("{error:#}"))),
                Err(error) => return Err(error),
            };
            connection = Some(client);
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
        let topics = self.topics.all();
        let ends = must(self.kafka().ends_of(&topics));
        let of_topic = |(topic, ends): (&str, Vec<i64>)| {
            (0..).zip(ends).map(|(n, end)| ((topic.to_owned(), n), end)).collect::<Vec<_>>()
        };
        topics.into_iter().zip(ends).flat_map(of_topic).collect()
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

    /// Keeps a copy of the story's database, as a backup does. Whoever is connected has to connect again.
    pub async fn back_up(&self) {
        self.copy_database(&self.name, &self.backup()).await;
    }

    /// Puts the backup in the place of the story's database, whoever is connected to that.
    pub async fn restore(&self) {
        self.drop_database().await;
        self.copy_database(&self.backup(), &self.name).await;
    }

    /// Puts an empty database with the schema in the place of the story's.
    pub async fn empty(&self) {
        self.drop_database().await;
        must(must(self.postgres().create_database(&self.name).await).migrate_by_roles().await);
    }

    fn backup(&self) -> String {
        format!("{}_backup", self.name)
    }

    async fn drop_database(&self) {
        let client = must(self.postgres().url().connect().await);
        let drop = format!("drop database \"{}\" with (force)", self.name);
        must(client.batch_execute(&drop).await.map_err(Into::into));
    }

    async fn copy_database(&self, from: &str, to: &str) {
        let client = must(self.postgres().url().connect().await);
        let copy = format!("create database \"{to}\" template \"{from}\"");
        // A database that others are connected to can't be copied.
        let close = format!("alter database \"{from}\" allow_connections false");
        let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{from}'");
        must(client.batch_execute(&close).await.map_err(Into::into));
        must(client.batch_execute(&end).await.map_err(Into::into));
        let copied = wait::until("the database to be copied", COPY_LIMIT, async || {
            // The server takes a moment to end the sessions.
            let copied = client.batch_execute(&copy).await;
            Ok(copied.map_or_else(|error| Seen::NotYet(format!("{error:?}")), Seen::Ready))
        });
        must(copied.await);
        let open = format!("alter database \"{from}\" allow_connections true");
        must(client.batch_execute(&open).await.map_err(Into::into));
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

    /// The primary and its standby.
    ///
    /// # Panics
    /// When the story was not started [`Stack::with_pair`].
    #[must_use]
    pub fn pair(&self) -> &PostgresPair {
        &self.pair.as_ref().expect("the story was started with a pair").postgres
    }

    /// The brokers.
    ///
    /// # Panics
    /// When the story was not started [`Stack::with_brokers`].
    #[must_use]
    pub fn brokers(&self) -> &KafkaCluster {
        self.brokers.as_ref().expect("the story was started with brokers")
    }

    /// The Kafka that checks its clients.
    ///
    /// # Panics
    /// When the story was not started [`Stack::with_secured_kafka`].
    #[must_use]
    pub fn secured(&self) -> &SecuredKafka {
        self.secured.as_ref().expect("the story was started with a Kafka that checks its clients")
    }

    /// The story's database on a worker.
    ///
    /// # Panics
    /// When the story was not started [`Stack::with_nodes`].
    #[must_use]
    pub fn worker(&self) -> DatabaseUrl {
        self.nodes.as_ref().expect("the story was started with nodes").citus.worker(&self.name)
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

    /// The topic that says where the layouts of the story's topics end. It doesn't exist before a layout ends.
    #[must_use]
    pub fn layouts_topic(&self) -> String {
        format!("{}.layouts", self.name)
    }

    /// How many partitions each of them has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// The story's database, for the story itself: a superuser's.
    #[must_use]
    pub fn database(&self) -> &DatabaseUrl {
        &self.database
    }

    /// The story's database, for those who use it as this role. On a cluster of nodes there are no roles.
    #[must_use]
    pub fn database_of(&self, role: Role) -> DatabaseUrl {
        if self.nodes.is_some() { self.database.clone() } else { self.database.of(role) }
    }

    /// Gives the roles what belongs to them, as operators do after a migration.
    pub async fn grant_roles(&self) {
        must(self.database.grant_roles().await);
    }

    /// The story's consumer group; its cache keys start with the same word and a colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.shared.binaries
    }

    /// The folder of the logs of this story's programs, in which its commands run.
    #[must_use]
    pub fn folder(&self) -> &PathBuf {
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
    format!("{STORY}{second}_{}_{number}", std::process::id())
}
