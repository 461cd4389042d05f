//! The topics' names in Kafka and in the tables.

use super::Topic;

/// The three topics' names.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct TopicNames {
    /// The topic of Event records.
    #[arg(long, env = "EVENTS_TOPIC", default_value = "business-metrics.events.v1")]
    events_topic: String,
    /// The topic of WorkflowTerminal records.
    #[arg(long, env = "WORKFLOW_TERMINALS_TOPIC", default_value = "business-metrics.workflow-terminals.v1")]
    workflow_terminals_topic: String,
    /// The topic of MessageDelivery records.
    #[arg(long, env = "MESSAGE_DELIVERIES_TOPIC", default_value = "business-metrics.message-deliveries.v1")]
    message_deliveries_topic: String,
}

impl TopicNames {
    /// Names in the order of [`Topic::ALL`].
    #[must_use]
    pub fn new([events_topic, workflow_terminals_topic, message_deliveries_topic]: [String; 3]) -> Self {
        Self { events_topic, workflow_terminals_topic, message_deliveries_topic }
    }

    /// The topic's name.
    #[must_use]
    pub fn of(&self, topic: Topic) -> &str {
        match topic {
            Topic::Events => &self.events_topic,
            Topic::WorkflowTerminals => &self.workflow_terminals_topic,
            Topic::MessageDeliveries => &self.message_deliveries_topic,
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
        Topic::ALL.map(|topic| self.of(topic))
    }
}
