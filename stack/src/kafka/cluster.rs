//! Kafka brokers of one cluster, any of which may be taken away while the others go on.

use super::node::{Ports, Recipe};
use super::{Kafka, Node, client};
use crate::Purpose;
use crate::port;
use crate::run::server::Server;
use crate::wait::Seen;
use anyhow::Context as _;
use machine::environment::Environment;
use machine::kafka::LocalKafka;
use machine::workspace;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How many copies of a partition there are, with that many brokers or more.
const REPLICAS_MAX: usize = 3;

/// How long one attempt to get an answer may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// A cluster of brokers, each of which is also one of its controllers. An acknowledged record is on two of three brokers, so
/// the loss of one costs none; no broker that lags behind becomes a leader.
#[derive(Debug)]
pub struct KafkaCluster {
    kafka: Arc<Kafka>,
    nodes: Vec<Broker>,
}

#[derive(Debug)]
struct Broker {
    address: String,
    server: Server,
}

impl KafkaCluster {
    /// Starts this many brokers.
    ///
    /// # Errors
    /// When Kafka can't be fetched, or a broker doesn't start.
    pub async fn start(
        local: &LocalKafka,
        brokers: usize,
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let jars = local.jars.get()?;
        let recipe = Recipe { java: &local.java, jars, purpose: Purpose::Tests, run, environment };
        port::with_fresh(async || Self::of(recipe, brokers).await).await
    }

    async fn of(recipe: Recipe<'_>, brokers: usize) -> anyhow::Result<Self> {
        let ports = (0..brokers).map(|_| Ok(Ports { broker: port::free()?, controller: port::free()? }));
        let ports = ports.collect::<anyhow::Result<Vec<_>>>()?;
        let mut nodes = Vec::new();
        // A controller alone has no majority, so all are started before one is waited for.
        for (number, own) in (1..).zip(&ports) {
            let more = configuration(number, &ports)?;
            let (program, _) = recipe.node(*own, &more, &[])?;
            nodes.push(Broker { address: address(*own), server: Server::launch(program)? });
        }
        let addresses: Vec<&str> = nodes.iter().map(|node| &*node.address).collect();
        let why =
            format!("{brokers} of Apache Kafka started here, Java {} is installed", recipe.java.version);
        let kafka = Arc::new(Kafka { brokers: addresses.join(","), why, node: Node::Given });
        for node in &nodes {
            node.server.until(async || lists(&node.address, brokers)).await?;
        }
        Ok(Self { kafka, nodes })
    }

    /// The cluster as clients see it.
    #[must_use]
    pub fn kafka(&self) -> &Arc<Kafka> {
        &self.kafka
    }

    /// How many brokers there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// A broker, to be stopped, killed or paused.
    ///
    /// # Panics
    /// When there are fewer brokers.
    #[must_use]
    pub fn broker(&self, number: usize) -> &Server {
        &self.nodes[number].server
    }

    /// Starts a broker again after it was stopped or killed.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start_again(&self, number: usize) -> anyhow::Result<()> {
        let node = self.nodes.get(number).context("there is no such broker")?;
        node.server.start_again(async || lists(&node.address, 1)).await
    }

    /// Kills all brokers.
    pub fn kill_all(&self) {
        self.nodes.iter().for_each(|node| node.server.kill());
    }

    /// Starts all brokers again after they were killed.
    ///
    /// # Errors
    /// When one doesn't start.
    pub async fn start_all_again(&self) -> anyhow::Result<()> {
        for node in &self.nodes {
            node.server.relaunch()?;
        }
        for node in &self.nodes {
            node.server.until(async || lists(&node.address, self.nodes.len())).await?;
        }
        Ok(())
    }
}

fn configuration(number: usize, ports: &[Ports]) -> anyhow::Result<String> {
    let replicas = ports.len().min(REPLICAS_MAX);
    let voters = (1..).zip(ports).map(|(id, ports)| format!("{id}@127.0.0.1:{}", ports.controller));
    Ok(workspace::deploy_file("kafka/cluster.properties")?
        .replace("@node@", &number.to_string())
        .replace("@voters@", &voters.collect::<Vec<_>>().join(","))
        .replace("@replicas@", &replicas.to_string())
        .replace("@in_sync@", &(replicas / 2 + 1).to_string()))
}

fn address(ports: Ports) -> String {
    format!("127.0.0.1:{}", ports.broker)
}

/// A broker is ready once it lists as many brokers as there should be.
fn lists(address: &str, brokers: usize) -> Seen<()> {
    let metadata = client(address).and_then(|client| {
        use rdkafka::consumer::Consumer as _;
        Ok(client.fetch_metadata(None, LOOK_LIMIT)?)
    });
    match metadata {
        Ok(metadata) => {
            let listed = metadata.brokers().len();
            Seen::when(listed >= brokers, format!("it lists {listed} brokers"))
        }
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}
