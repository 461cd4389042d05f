//! Kafka: a given cluster, else a node of Apache Kafka started here, else librdkafka's mock; or a cluster whose brokers may
//! be taken away.

mod cluster;
mod mock;
mod node;
mod secured;
mod topics;

pub use cluster::KafkaCluster;
pub use secured::{SecuredKafka, Security};

use crate::Purpose;
use crate::port;
use crate::run::server::Server;
use crate::wait::{self, Seen};
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::kafka::{KafkaPlan, MOCK_LIMITS};
use mock::MockKafka;
use node::{Ports, Recipe};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a given cluster may take to answer, and how long the brokers may take to know a new topic.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt to get an answer may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// A running Kafka.
#[derive(Debug)]
pub struct Kafka {
    brokers: String,
    why: String,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Given,
    Local(Box<Server>, PathBuf),
    Mock(MockKafka),
}

impl Kafka {
    /// Carries out the plan. If Maven can't fetch Kafka, the mock is used.
    ///
    /// # Errors
    /// When the given cluster doesn't answer, or the local node doesn't start.
    pub async fn start(
        plan: KafkaPlan,
        purpose: Purpose,
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        match plan {
            KafkaPlan::Given(brokers) => Self::given(brokers).await,
            KafkaPlan::Mock(why) => Self::mock(&why),
            KafkaPlan::Local(local) => match local.jars.get() {
                Ok(jars) => {
                    let recipe = Recipe { java: &local.java, jars, purpose, run, environment };
                    port::with_fresh(async || Self::local(recipe).await).await
                }
                Err(error) => Self::mock(&format!("{error:#}")),
            },
        }
    }

    async fn given(brokers: String) -> anyhow::Result<Self> {
        let what = format!("Kafka at {brokers} (KAFKA_BROKERS) to answer");
        wait::until(&what, ANSWER_LIMIT, async || Ok(answers(&brokers))).await?;
        Ok(Self { brokers, why: "KAFKA_BROKERS is set".into(), node: Node::Given })
    }

    fn mock(why: &str) -> anyhow::Result<Self> {
        let mock = MockKafka::start()?;
        let why = format!("librdkafka's mock cluster inside this process, because {why}; {}", MOCK_LIMITS);
        Ok(Self { brokers: mock.brokers().into(), why, node: Node::Mock(mock) })
    }

    async fn local(recipe: Recipe<'_>) -> anyhow::Result<Self> {
        let ports = Ports { broker: port::free()?, controller: port::free()? };
        let (program, data) = recipe.node(ports, rights(recipe.purpose), &["--standalone"])?;
        let brokers = format!("127.0.0.1:{}", ports.broker);
        let server = Server::start(program, async || answers(&brokers)).await?;
        let why = format!(
            "Apache Kafka started here (KAFKA_BROKERS is not set, Java {} is installed)",
            recipe.java.version
        );
        Ok(Self { brokers, why, node: Node::Local(server.into(), data) })
    }

    /// The folder of the node started here, in which each partition has a folder of its own; `None` if it isn't ours.
    #[must_use]
    pub fn data(&self) -> Option<&Path> {
        match &self.node {
            Node::Local(_, data) => Some(data),
            Node::Given | Node::Mock(_) => None,
        }
    }

    /// For `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// False for the mock, which stores little and has no administration.
    #[must_use]
    pub fn is_real(&self) -> bool {
        !matches!(self.node, Node::Mock(_))
    }

    /// The mock's limits, if this is the mock.
    #[must_use]
    pub fn limits(&self) -> Option<&'static str> {
        matches!(self.node, Node::Mock(_)).then_some(MOCK_LIMITS)
    }

    /// The node started here, to be stopped, killed or paused; `None` if it isn't ours.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        match &self.node {
            Node::Local(server, _) => Some(server),
            Node::Given | Node::Mock(_) => None,
        }
    }

    /// Starts the node again after it was stopped or killed.
    ///
    /// # Errors
    /// When it isn't ours, or doesn't start.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let server = self.server().context("this Kafka was not started here")?;
        server.start_again(async || answers(&self.brokers)).await
    }

    /// Creates topics and waits until the brokers know them.
    ///
    /// # Errors
    /// When a topic exists already, or Kafka refuses.
    pub async fn create_topics(&self, names: &[&str], partitions: i32) -> anyhow::Result<()> {
        if let Node::Mock(mock) = &self.node {
            return names.iter().try_for_each(|name| mock.create_topic(name, partitions));
        }
        topics::create(&self.admin()?, names, partitions).await?;
        self.until_partitioned(names, partitions).await
    }

    /// Adds partitions to topics until each has this many, and waits until the brokers know them. The keys of records that are
    /// produced from then on are spread over all partitions.
    ///
    /// # Errors
    /// When a topic already has this many, or Kafka refuses.
    pub async fn extend_topics(&self, names: &[&str], partitions: i32) -> anyhow::Result<()> {
        topics::extend(&self.admin()?, names, partitions).await?;
        self.until_partitioned(names, partitions).await
    }

    async fn until_partitioned(&self, names: &[&str], partitions: i32) -> anyhow::Result<()> {
        let what = format!("topics {} to have {partitions} partitions", names.join(", "));
        let client = client(&self.brokers)?;
        wait::until(&what, ANSWER_LIMIT, async || {
            Ok(names.iter().fold(Seen::Ready(()), |seen, name| match seen {
                Seen::Ready(()) => topics::has_partitions(&client, name, partitions),
                Seen::NotYet(why) => Seen::NotYet(why),
            }))
        })
        .await
    }

    /// The administration client, with which tests change topics.
    ///
    /// # Errors
    /// When this is the mock, which has none.
    pub fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        ensure!(self.is_real(), "the mock cluster has no administration");
        Ok(ClientConfig::new().set("bootstrap.servers", &self.brokers).create()?)
    }

    /// The values of a broker's settings with these names; unknown ones are omitted.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or refuses to show them.
    pub async fn settings(&self, names: &[&str]) -> anyhow::Result<BTreeMap<String, String>> {
        let metadata = client(&self.brokers)?.fetch_metadata(None, ANSWER_LIMIT)?;
        let broker = metadata.brokers().first().context("Kafka lists no broker")?.id();
        let options = AdminOptions::new().request_timeout(Some(ANSWER_LIMIT));
        let asked = [ResourceSpecifier::Broker(broker)];
        let answers = self.admin()?.describe_configs(&asked, &options).await?;
        let told = answers.into_iter().next().context("Kafka answered about no broker")?;
        let told = told.map_err(|code| anyhow::anyhow!("Kafka doesn't show its settings: {code}"))?;
        let wanted = told.entries.into_iter().filter(|entry| names.contains(&entry.name.as_str()));
        Ok(wanted.filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }

    /// The end of each partition of a topic: the offset after the last record that the brokers have acknowledged, also if that
    /// belongs to an open transaction.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn ends(&self, topic: &str) -> anyhow::Result<Vec<i64>> {
        Ok(self.ends_of(&[topic])?.remove(0))
    }

    /// The same of several topics.
    ///
    /// # Errors
    /// The same.
    pub fn ends_of(&self, names: &[&str]) -> anyhow::Result<Vec<Vec<i64>>> {
        let client = client(&self.brokers)?;
        names.iter().map(|topic| ends(&client, topic)).collect()
    }
}

impl fmt::Display for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.brokers, self.why)
    }
}

fn client(brokers: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "xtask");
    // Otherwise a partition would end before its first open transaction.
    Ok(config.set("isolation.level", "read_uncommitted").create()?)
}

fn ends(client: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i64>> {
    let mut ends = topics::ends(client, topic);
    // A client that is new tries brokers that may be gone, and a partition may be without a leader for a moment.
    wait::until_blocking(ANSWER_LIMIT, || {
        if ends.is_err() {
            ends = topics::ends(client, topic);
        }
        ends.is_ok()
    });
    ends
}

/// Kafka is ready once it lists a broker.
fn answers(brokers: &str) -> Seen<()> {
    let metadata = client(brokers).and_then(|client| Ok(client.fetch_metadata(None, LOOK_LIMIT)?));
    match metadata {
        Ok(metadata) => Seen::when(!metadata.brokers().is_empty(), "it lists no broker yet"),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}

/// In tests a single node checks rights, and everybody has all of them until a story takes some away.
fn rights(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Tests => {
            "\nauthorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=true\n"
        }
        Purpose::Demo | Purpose::Benchmarks => "",
    }
}
