//! The topics' names in Kafka and in the tables.

use super::Topic;

/// The three topics' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNames {
    names: [String; 3],
}

impl TopicNames {
    /// Names in the order of [`Topic::ALL`].
    #[must_use]
    pub fn new(names: [String; 3]) -> Self {
        Self { names }
    }

    /// The topic's name.
    #[must_use]
    pub fn of(&self, topic: Topic) -> &str {
        match topic {
            Topic::Events => &self.names[0],
            Topic::WorkflowTerminals => &self.names[1],
            Topic::MessageDeliveries => &self.names[2],
        }
    }

    /// The topic of this name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| self.of(*topic) == name)
    }

    /// All names.
    #[must_use]
    pub fn all(&self) -> [&str; 3] {
        self.names.each_ref().map(String::as_str)
    }
}
