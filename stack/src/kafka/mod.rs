//! Kafka: a given cluster, else a node of Apache Kafka started here, else librdkafka's mock.

mod mock;
mod topics;

use crate::Purpose;
use crate::port;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::wait::{self, Seen};
use anyhow::{Context as _, bail, ensure};
use machine::environment::Environment;
use machine::java::Java;
use machine::kafka::{KafkaPlan, MOCK_LIMITS};
use machine::workspace;
use mock::MockKafka;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a given cluster may take to answer, and how long the brokers may take to know a new topic.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt to get an answer may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// How long Kafka may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

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
                    port::with_fresh(async || Self::local(&local.java, jars, purpose, run, environment).await)
                        .await
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

    async fn local(
        java: &Java,
        jars: &Path,
        purpose: Purpose,
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let broker_port = port::free()?;
        let folder = run.join(format!("kafka-{broker_port}"));
        let config = configure(&folder, broker_port)?;
        format_storage(java, jars, &config)?;
        let log = run.join(format!("kafka-{broker_port}.log"));
        let program = Program::new("Kafka", &java.path, log)
            .inherit(environment)
            .args(java_options(purpose))
            .args([format!("-Dlog4j2.configurationFile={}", deployed("log4j2.properties"))])
            .args(["-cp".into(), format!("{}/*", jars.display()), "kafka.Kafka".into(), config.clone()])
            .scratch(&folder)
            .end_by(Signal::TERM, GRACE);
        let brokers = format!("127.0.0.1:{broker_port}");
        let server = Server::start(program, async || answers(&brokers)).await?;
        let why = format!(
            "Apache Kafka started here (KAFKA_BROKERS is not set, Java {} is installed)",
            java.version
        );
        Ok(Self { brokers, why, node: Node::Local(server.into(), folder.join("data")) })
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

    /// The end of each partition of a topic: the offset of its next record.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn ends(&self, topic: &str) -> anyhow::Result<Vec<i64>> {
        let client = client(&self.brokers)?;
        let metadata = client.fetch_metadata(Some(topic), ANSWER_LIMIT)?;
        let topic_metadata = metadata.topics().first().context("Kafka answered about no topic")?;
        let mut partitions: Vec<i32> =
            topic_metadata.partitions().iter().map(|partition| partition.id()).collect();
        partitions.sort_unstable();
        let end = |partition| Ok(client.fetch_watermarks(topic, partition, ANSWER_LIMIT)?.1);
        partitions.into_iter().map(end).collect()
    }
}

impl fmt::Display for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.brokers, self.why)
    }
}

fn client(brokers: &str) -> anyhow::Result<BaseConsumer> {
    Ok(ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", "xtask").create()?)
}

/// Kafka is ready once it lists a broker.
fn answers(brokers: &str) -> Seen<()> {
    let metadata = client(brokers).and_then(|client| Ok(client.fetch_metadata(None, LOOK_LIMIT)?));
    match metadata {
        Ok(metadata) => Seen::when(!metadata.brokers().is_empty(), "it lists no broker yet"),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}

/// Options of the Java runtime: a test's broker starts fast and stays small, a benchmark's runs fast.
fn java_options(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Tests | Purpose::Chaos => {
            &["-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        }
        Purpose::Demo => &["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"],
        Purpose::Benchmarks => &["-Xms1g", "-Xmx1g", "-XX:+UseParallelGC"],
    }
}

fn deployed(file: &str) -> String {
    workspace::root().join("deploy/kafka").join(file).display().to_string()
}

/// Writes the node's configuration and returns its path.
fn configure(folder: &Path, broker_port: u16) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)?;
    let data = folder.join("data").display().to_string();
    let text = workspace::deploy_file("kafka/server.properties")?
        .replace("@broker_port@", &broker_port.to_string())
        .replace("@controller_port@", &port::free()?.to_string())
        .replace("@data@", &data);
    let path = folder.join("server.properties");
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn format_storage(java: &Java, jars: &Path, config: &str) -> anyhow::Result<()> {
    let output = Command::new(&java.path)
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(format!("{}/*", jars.display()))
        .args([
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
            config,
        ])
        .output()?;
    if !output.status.success() {
        bail!("Kafka's storage can't be created:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// 16 random bytes in URL-safe base64. Any value is valid, since each node here is a cluster by itself.
const CLUSTER_ID: &str = "YnVzaW5lc3MtbWV0cmljcw";
