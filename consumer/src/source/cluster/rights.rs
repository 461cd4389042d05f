//! The rights in Kafka that an operator's command needs, asked for before it begins: what a client may not see looks to it as if it
//! weren't there.

use super::{ANSWER_WAIT_MAX, Cluster};
use crate::source::describing::{self, Undescribed};
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;

/// What a command does with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Asks what it is, and where it ends.
    Describe,
    /// Reads its records.
    Read,
    /// Writes to it.
    Write,
    /// Gives it more partitions. Kafka is asked for that right by itself.
    Alter,
    /// Makes it. Kafka is asked for that right by itself.
    Create,
}

/// A right that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this user of Kafka needs {right} on {on} (an ACL)")]
pub struct Lacking {
    right: &'static str,
    on: String,
}

impl Lacking {
    pub(super) fn of_topic(right: Right, topic: &str) -> Self {
        Self { right: right.name(), on: format!("the topic {topic}") }
    }

    /// The right and what it is on, such as `READ on the topic events`.
    #[must_use]
    pub fn named(&self) -> String {
        format!("{} on {}", self.right, self.on)
    }
}

impl Right {
    const fn name(self) -> &'static str {
        match self {
            Self::Describe => "DESCRIBE",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Alter => "ALTER",
            Self::Create => "CREATE",
        }
    }
}

impl Cluster {
    /// Checks that this client may do so with a topic. Nothing is wrong with one that doesn't exist, or of which Kafka says nothing.
    /// Blocks.
    ///
    /// # Errors
    /// When it may not.
    pub fn must_allow(&self, topic: &str, right: Right) -> Result<(), Lacking> {
        let described = describing::topics(self.consumer.client(), &[topic], ANSWER_WAIT_MAX);
        let described = described.ok().and_then(|mut topics| topics.remove(topic));
        let is_lacking = match described {
            Some(Ok(described)) => match right {
                Right::Describe | Right::Alter | Right::Create => false,
                Right::Read => described.may_read == Some(false),
                Right::Write => described.may_write == Some(false),
            },
            Some(Err(Undescribed(code))) => {
                RDKafkaErrorCode::from(code) == RDKafkaErrorCode::TopicAuthorizationFailed
            }
            None => false,
        };
        if is_lacking { Err(Lacking::of_topic(right, topic)) } else { Ok(()) }
    }

    /// Checks that this client may see who is in the consumer group. Blocks.
    ///
    /// # Errors
    /// When it may not.
    pub fn must_show_group(&self) -> Result<(), Lacking> {
        let group = &self.settings.kafka_group_id;
        match describing::may_join(self.consumer.client(), group, ANSWER_WAIT_MAX) {
            Err(Undescribed(code))
                if RDKafkaErrorCode::from(code) == RDKafkaErrorCode::GroupAuthorizationFailed =>
            {
                Err(Lacking { right: Right::Describe.name(), on: format!("the consumer group {group}") })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
