//! Creating topics and adding partitions, and waiting until they exist.

use crate::wait::{self, Seen};
use anyhow::Context as _;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode;
use std::time::Duration;

/// How long Kafka may take until it can create a topic: just after its start the controller may not yet trust its
/// only broker.
const MADE_LIMIT: Duration = Duration::from_secs(60);

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt to get an answer may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Creates the topics, with the cluster's default number of replicas.
pub(super) async fn create(
    admin: &AdminClient<DefaultClientContext>,
    names: &[&str],
    partitions: i32,
) -> anyhow::Result<()> {
    let options = options();
    let mut missing = names.to_vec();
    wait::until("topics to be created", MADE_LIMIT, async || {
        let topics: Vec<_> =
            missing.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(-1))).collect();
        let mut not_yet = None;
        for outcome in admin.create_topics(&topics, &options).await? {
            match outcome {
                Ok(made) => missing.retain(|name| *name != made),
                Err((_, code @ RDKafkaErrorCode::InvalidReplicationFactor)) => not_yet = Some(code),
                Err((topic, code)) => anyhow::bail!("topic {topic} can't be created: {code}"),
            }
        }
        Ok(not_yet.map_or(Seen::Ready(()), |code| Seen::NotYet(code.to_string())))
    })
    .await
}

/// Adds partitions to each topic until it has `partitions`.
pub(super) async fn extend(
    admin: &AdminClient<DefaultClientContext>,
    names: &[&str],
    partitions: i32,
) -> anyhow::Result<()> {
    let count = usize::try_from(partitions)?;
    let wanted: Vec<_> = names.iter().map(|name| NewPartitions::new(name, count)).collect();
    for outcome in admin.create_partitions(&wanted, &options()).await? {
        if let Err((topic, code)) = outcome {
            anyhow::bail!("topic {topic} can't be given {partitions} partitions: {code}");
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(REQUEST_LIMIT)).request_timeout(Some(REQUEST_LIMIT))
}

/// Ready when every partition has a leader.
pub(super) fn has_partitions(client: &BaseConsumer, topic: &str, partitions: i32) -> Seen<()> {
    let metadata = match client.fetch_metadata(Some(topic), LOOK_LIMIT) {
        Ok(metadata) => metadata,
        Err(error) => return Seen::NotYet(error.to_string()),
    };
    let known = metadata.topics().first().map_or(&[][..], |topic| topic.partitions());
    let led = known.iter().filter(|partition| partition.leader() >= 0).count();
    Seen::when(i32::try_from(led) == Ok(partitions), format!("{topic} has {led}"))
}

/// Where each partition of a topic ends.
pub(super) fn ends(client: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i64>> {
    let metadata = client.fetch_metadata(Some(topic), LOOK_LIMIT)?;
    let found = metadata.topics().first().context("Kafka answered about no topic")?;
    if let Some(error) = found.error() {
        anyhow::bail!("Kafka doesn't describe topic {topic}: {error:?}");
    }
    let mut partitions: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
    partitions.sort_unstable();
    let end = |partition| Ok(client.fetch_watermarks(topic, partition, LOOK_LIMIT)?.1);
    partitions.into_iter().map(end).collect()
}
