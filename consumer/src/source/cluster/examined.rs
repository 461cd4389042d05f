//! What a topic is set to, how often it is copied, and whether the group may be joined: for `consumer doctor`.

use super::{ANSWER_WAIT_MAX, Cluster, KafkaError, Settings};
use crate::source::describing::{self, Undescribed};
use crate::source::settings::Settings as Member;
use rdkafka::admin::{AdminOptions, ResourceSpecifier};
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;

impl Settings {
    /// Those of the cluster that a member with these settings reads.
    #[must_use]
    pub fn of_member(member: &Member) -> Self {
        Self {
            kafka_brokers: member.kafka_brokers.clone(),
            kafka_group_id: member.kafka_group_id.clone(),
            layouts_topic: member.layouts_topic.clone(),
            kafka_config: member.kafka_config.clone(),
        }
    }
}

impl Cluster {
    /// The settings of a topic that are in force, its own and the brokers' defaults, by name.
    ///
    /// # Errors
    /// When Kafka refuses to tell them, or doesn't answer.
    pub async fn topic_settings(&self, topic: &str) -> Result<BTreeMap<String, String>, KafkaError> {
        let options = AdminOptions::new().request_timeout(Some(ANSWER_WAIT_MAX));
        let asked = [ResourceSpecifier::Topic(topic)];
        let admin = self.admin()?;
        let answers = admin.describe_configs(&asked, &options).await?;
        let all: Result<Vec<_>, RDKafkaErrorCode> = answers.into_iter().collect();
        let entries = all.map_err(KafkaError::AdminOp)?.into_iter().flat_map(|resource| resource.entries);
        told(entries.filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }

    /// How many copies the partition of the topic with the fewest has; `None` if it has no partitions.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn copies(&self, topic: &str) -> Result<Option<usize>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER_WAIT_MAX)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        Ok(partitions.map(|partition| partition.replicas().len()).min())
    }

    /// Whether this client may be a member of the group; `None` where Kafka doesn't say.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn may_join(&self) -> Result<Option<bool>, KafkaError> {
        let group = &self.settings.kafka_group_id;
        match describing::may_join(self.consumer.client(), group, ANSWER_WAIT_MAX) {
            Ok(may) => Ok(may),
            Err(Undescribed(code))
                if RDKafkaErrorCode::from(code) == RDKafkaErrorCode::GroupAuthorizationFailed =>
            {
                Ok(Some(false))
            }
            Err(Undescribed(code)) => Err(KafkaError::AdminOp(code.into())),
        }
    }
}

/// The client passes on what Kafka has told of a topic, and not why it has told nothing. Every topic has settings.
fn told(settings: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, KafkaError> {
    if settings.is_empty() {
        return Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_seems_to_have_no_setting_may_not_be_seen() {
        let refused = told(BTreeMap::new()).unwrap_err();
        assert!(refused.to_string().contains("authorization"), "{refused}");
        let settings = BTreeMap::from([("retention.ms".to_owned(), "1".to_owned())]);
        assert_eq!(told(settings.clone()).unwrap(), settings);
    }
}
