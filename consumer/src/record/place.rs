//! A partition by its topic's name, as the tables, Kafka and people know it.

use std::fmt;

/// A partition of any topic, one no longer configured included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The topic's name.
    pub topic: String,
    /// Kafka's number of the partition.
    pub partition: i32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.topic, self.partition)
    }
}
