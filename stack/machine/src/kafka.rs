//! How Kafka is obtained: a given cluster, else a node of Apache Kafka, else librdkafka's mock.

use crate::environment::Environment;
use crate::fetched::Fetched;
use crate::java::Java;

/// The mock's limits.
pub const MOCK_LIMITS: &str =
    "the mock keeps at most 5 MiB or 100,000 records a partition, and nothing once this process ends";

/// How Kafka is obtained.
#[derive(Debug)]
pub enum KafkaPlan {
    /// `KAFKA_BROKERS` names a cluster.
    Given(String),
    /// Java and Maven are installed.
    Local(LocalKafka),
    /// They are not installed, for this reason.
    Mock(String),
}

/// The programs for a node of our own.
#[derive(Debug)]
pub struct LocalKafka {
    /// The Java that runs it.
    pub java: Java,
    /// Its jars.
    pub jars: Fetched,
}

impl KafkaPlan {
    /// Checks the environment and the installed programs.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        if let Some(brokers) = &environment.kafka_brokers {
            return Self::Given(brokers.clone());
        }
        let java = Java::find(environment);
        let jars = Fetched::find("deploy/kafka", "copy-dependencies", &[], environment);
        match (java, jars) {
            (Ok(java), Ok(jars)) => Self::Local(LocalKafka { java, jars }),
            (Err(why), _) | (_, Err(why)) => Self::Mock(why),
        }
    }

    /// What this way can't show.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        match self {
            Self::Given(_) | Self::Local(_) => None,
            Self::Mock(why) => Some(format!("real Kafka: {why}; {}", MOCK_LIMITS)),
        }
    }
}
