//! A topic's log as the doctor has seen it: its partitions, and where each begins and ends.

use crate::record::Offset;
use crate::record::place::Place;
use crate::source::cluster::{At, Cluster, KafkaError};
use std::collections::HashMap;

/// Where a topic's partitions begin and end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// All partitions of the topic.
    pub places: Vec<Place>,
    /// How many copies the partition with the fewest has, if that is known.
    pub copies: Option<usize>,
    /// The offset of each partition's oldest record.
    pub earliest: HashMap<Place, Offset>,
    /// The offset up to which each can be read.
    pub readable: HashMap<Place, Offset>,
    /// The offset after the newest record that the brokers have acknowledged.
    pub acknowledged: HashMap<Place, Offset>,
}

impl Log {
    /// Asks Kafka for all but the acknowledged ends. Blocks the thread.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn begin(cluster: &Cluster, topic: &str) -> Result<Self, KafkaError> {
        let places = cluster.partitions(topic)?;
        Ok(Self {
            copies: cluster.copies(topic)?,
            earliest: cluster.offsets(&places, At::Earliest)?,
            readable: cluster.offsets(&places, At::Latest)?,
            acknowledged: HashMap::new(),
            places,
        })
    }

    /// The same log with its acknowledged ends as they are now. Blocks the thread.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn with_ends(self, cluster: &Cluster) -> Result<Self, KafkaError> {
        Ok(Self { acknowledged: cluster.offsets(&self.places, At::Acknowledged)?, ..self })
    }

    /// How many partitions the topic has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        i32::try_from(self.places.len()).unwrap_or(i32::MAX)
    }
}
