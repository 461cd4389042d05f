//! How Kafka will be had: the cluster that is given, else a node of Apache Kafka, else librdkafka's mock.

use crate::environment::Environment;
use crate::fetched::Fetched;
use crate::java::Java;

/// What the mock is not.
pub const MOCK_LIMITS: &str =
    "the mock keeps at most 5 MiB or 100,000 records a partition, and nothing once this process ends";

/// How Kafka will be had.
#[derive(Debug)]
pub enum KafkaPlan {
    /// `KAFKA_BROKERS` names a cluster.
    Given(String),
    /// Java and Maven are there.
    Local(LocalKafka),
    /// They are not, for this reason.
    Mock(String),
}

/// What a node of our own is started with.
#[derive(Debug)]
pub struct LocalKafka {
    /// What runs it.
    pub java: Java,
    /// Its jars.
    pub jars: Fetched,
}

impl KafkaPlan {
    /// Looks at the environment and at what is installed.
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

    /// What can't be shown this way.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        match self {
            Self::Given(_) | Self::Local(_) => None,
            Self::Mock(why) => Some(format!("real Kafka: {why}; {}", MOCK_LIMITS)),
        }
    }
}
