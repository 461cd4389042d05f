//! The layouts' topic for operators: reading it, making it, and announcing where a layout ends.

use super::republisher::Unpublished;
use super::rights::{Lacking, Right};
use super::{ANSWER_WAIT_MAX, Cluster, KafkaError, Outgoing, Republisher};
use crate::record::layouts::Announced;
use crate::source::aside::Quiet;
use crate::source::layout_log::{self, LayoutLog, PARTITION};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::types::RDKafkaErrorCode;

/// The brokers' default.
const DEFAULT_REPLICATION: i32 = -1;

impl Cluster {
    /// All that Kafka keeps about the ends of layouts, in order; nothing if the layouts' topic doesn't exist.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or the topic may not be read.
    pub fn announced(&self) -> Result<Vec<Announced>, KafkaError> {
        let mut log = LayoutLog::new(&self.settings.layouts_topic, self.settings.reader("read_uncommitted"));
        Ok(log.read(&self.uncommitted, || ANSWER_WAIT_MAX)?.to_vec())
    }

    /// The right on the layouts' topic that announcing needs and this client lacks; `None` if it lacks none. A client that may not
    /// see the topic lacks the right to write to it if it exists.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or wouldn't make the topic for another reason.
    pub async fn lacking_to_announce(&self) -> Result<Option<Lacking>, KafkaError> {
        let topic = &self.settings.layouts_topic;
        match layout_log::exists(&self.uncommitted, topic, ANSWER_WAIT_MAX) {
            Ok(true) | Err(KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed)) => {
                Ok(tokio::task::block_in_place(|| self.must_allow(topic, Right::Write)).err())
            }
            Ok(false) => lacking(self.make_layouts_topic(true).await, topic, Right::Create),
            Err(error) => Err(error),
        }
    }

    /// The right that this client lacks to give a topic `count` partitions; `None` if it lacks none.
    ///
    /// # Errors
    /// When Kafka refuses for another reason, or doesn't answer.
    pub async fn lacking_to_extend(&self, topic: &str, count: i32) -> Result<Option<Lacking>, KafkaError> {
        lacking(self.partitioned(topic, count, true).await, topic, Right::Alter)
    }

    /// Gives a topic more partitions: `count` in all.
    ///
    /// # Errors
    /// When Kafka refuses, or doesn't answer.
    pub async fn extend(&self, topic: &str, count: i32) -> Result<(), KafkaError> {
        self.partitioned(topic, count, false).await
    }

    /// Makes the layouts' topic if it doesn't exist, and adds this to it.
    ///
    /// # Errors
    /// When Kafka refuses, or doesn't answer.
    pub async fn announce(&self, announced: &Announced) -> Result<(), Unpublished> {
        let topic = &self.settings.layouts_topic;
        let exists = layout_log::exists(&self.uncommitted, topic, ANSWER_WAIT_MAX);
        if !exists.map_err(Unpublished::Refused)? {
            self.make_layouts_topic(false).await.map_err(Unpublished::Refused)?;
        }
        let value = announced.written();
        let record = Outgoing {
            topic,
            partition: PARTITION,
            key: Some(announced.topic.as_bytes()),
            payload: Some(&value),
            headers: &[],
        };
        Republisher::new(&self.settings).map_err(Unpublished::Refused)?.publish(record).await
    }

    /// Its records are never deleted: they are few, and each is needed for as long as a log is.
    async fn make_layouts_topic(&self, only_check: bool) -> Result<(), KafkaError> {
        let name = &self.settings.layouts_topic;
        let topic = NewTopic::new(name, 1, TopicReplication::Fixed(DEFAULT_REPLICATION))
            .set("cleanup.policy", "delete")
            .set("retention.ms", "-1")
            .set("retention.bytes", "-1");
        let answers = self.admin()?.create_topics(&[topic], &options(only_check)).await?;
        match answers.into_iter().find_map(Result::err) {
            None | Some((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
            Some((_, code)) => Err(KafkaError::AdminOp(code)),
        }
    }

    async fn partitioned(&self, topic: &str, count: i32, only_check: bool) -> Result<(), KafkaError> {
        let count = usize::try_from(count).unwrap_or_default();
        let partitions = [NewPartitions::new(topic, count)];
        let answers = self.admin()?.create_partitions(&partitions, &options(only_check)).await?;
        let refusal = answers.into_iter().find_map(Result::err);
        refusal.map_or(Ok(()), |(_, code)| Err(KafkaError::AdminOp(code)))
    }

    pub(super) fn admin(&self) -> Result<AdminClient<Quiet>, KafkaError> {
        self.settings.config().create_with_context(Quiet)
    }
}

/// The right for whose sake Kafka has refused; any other error stays one.
fn lacking(answer: Result<(), KafkaError>, topic: &str, right: Right) -> Result<Option<Lacking>, KafkaError> {
    match answer {
        Ok(()) => Ok(None),
        Err(KafkaError::AdminOp(
            RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed,
        )) => Ok(Some(Lacking::of_topic(right, topic))),
        Err(error) => Err(error),
    }
}

fn options(only_check: bool) -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ANSWER_WAIT_MAX)).validate_only(only_check)
}
