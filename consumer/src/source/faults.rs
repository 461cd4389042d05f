//! What is wrong with Kafka as a member sees it: each cause with a sentence and a remedy for people. Pure.

use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Topic};
use std::time::Duration;

/// Partitions that a sentence names; of more it says how many.
const NAMED_MAX: usize = 5;

/// How long it takes to join a group, or to join it again.
pub const OUTSIDE_MAX: Duration = Duration::from_secs(8);

/// Why no broker answers. The most specific cause comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The brokers refuse who this client says it is.
    Login,
    /// A certificate, or something else of TLS, is refused by one side.
    Tls,
    /// No address for a broker's name.
    Name,
    /// No connection.
    Connection,
}

/// Something that keeps a member from reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No broker answers. With the client's latest words about it, if it said any.
    NoAnswer(Option<(Obstacle, String)>),
    /// Kafka has no such topic.
    NoTopic(Topic),
    /// This client may not even know whether the topic exists.
    HiddenTopic(Topic),
    /// The topic may not be read.
    UnreadableTopic(Topic),
    /// Kafka doesn't say what the topic is, for another reason.
    UnknownTopic(Topic, String),
    /// This client may not be a member of the group.
    ForbiddenGroup,
    /// This member is not in the group.
    NotInGroup(Duration),
    /// No broker leads these partitions.
    NoLeader(Vec<Partition>),
    /// Kafka doesn't say where these partitions end.
    NoEnd(Vec<Partition>),
}

impl Fault {
    /// The cause's key.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "answer",
            Self::NoTopic(topic)
            | Self::HiddenTopic(topic)
            | Self::UnreadableTopic(topic)
            | Self::UnknownTopic(topic, _) => of_topic(*topic),
            Self::ForbiddenGroup => "group",
            Self::NotInGroup(_) => "membership",
            Self::NoLeader(_) => "leaders",
            Self::NoEnd(_) => "ends",
        }
    }

    /// Whether it is more than a step on the way into the group.
    #[must_use]
    pub fn lasts(&self) -> bool {
        !matches!(self, Self::NotInGroup(since) if *since < OUTSIDE_MAX)
    }

    /// The cause and its remedy, in a sentence. `group` is the consumer group's name.
    #[must_use]
    pub fn sentence(&self, names: &TopicNames, group: &str) -> String {
        match self {
            Self::NoAnswer(obstacle) => no_answer(obstacle.as_ref()),
            Self::NoTopic(topic) => format!(
                "topic {} doesn't exist; create it, or correct {}",
                names.of(*topic),
                variable(*topic)
            ),
            Self::HiddenTopic(topic) | Self::UnreadableTopic(topic) => {
                format!("topic {} may not be read; allow this client READ on it (an ACL)", names.of(*topic))
            }
            Self::UnknownTopic(topic, why) => {
                format!("topic {} can't be described: {why}; look at the brokers' logs", names.of(*topic))
            }
            Self::ForbiddenGroup => {
                format!("consumer group {group} may not be joined; allow this client READ on it (an ACL)")
            }
            Self::NotInGroup(since) => format!(
                "this member has not been in consumer group {group} for {} s; look for members that don't answer",
                since.as_secs()
            ),
            Self::NoLeader(partitions) => {
                format!("no broker leads {}; look for brokers that are down", listed(partitions, names))
            }
            Self::NoEnd(partitions) => format!(
                "the leaders of {} don't say where these partitions end; look at the brokers' logs",
                listed(partitions, names)
            ),
        }
    }
}

fn no_answer(obstacle: Option<&(Obstacle, String)>) -> String {
    let Some((obstacle, said)) = obstacle else {
        return "no broker answers; check KAFKA_BROKERS, and that the brokers run".into();
    };
    let (what, remedy) = match obstacle {
        Obstacle::Login => {
            ("the brokers refuse the login", "check KAFKA_CONFIG_SASL_* and KAFKA_CONFIG_SECURITY_PROTOCOL")
        }
        Obstacle::Tls => {
            ("TLS with the brokers fails", "check KAFKA_CONFIG_SSL_* and the brokers' certificates")
        }
        Obstacle::Name => ("a broker's name has no address", "check KAFKA_BROKERS and the DNS"),
        Obstacle::Connection => {
            ("no broker answers", "check KAFKA_BROKERS, the network, and that the brokers run")
        }
    };
    format!("{what} ({said}); {remedy}")
}

fn listed(partitions: &[Partition], names: &TopicNames) -> String {
    let named = partitions.iter().take(NAMED_MAX);
    let named: Vec<_> = named.map(|at| format!("{}/{}", names.of(at.topic), at.number)).collect();
    let more = partitions.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more partitions") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn variable(topic: Topic) -> &'static str {
    match topic {
        Topic::Events => "EVENTS_TOPIC",
        Topic::WorkflowTerminals => "WORKFLOW_TERMINALS_TOPIC",
        Topic::MessageDeliveries => "MESSAGE_DELIVERIES_TOPIC",
    }
}

fn of_topic(topic: Topic) -> &'static str {
    match topic {
        Topic::Events => "events",
        Topic::WorkflowTerminals => "workflow terminals",
        Topic::MessageDeliveries => "message deliveries",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_sentence_that_names_what_is_wrong_and_what_to_do() {
        let names = TopicNames::new(["e".into(), "w".into(), "m".into()]);
        let check = |fault: Fault, parts: &[&str]| {
            let said = fault.sentence(&names, "g");
            assert!(parts.iter().all(|part| said.contains(part)) && said.contains("; "), "{said}");
        };
        let at = |number| Partition { topic: Topic::Events, number };
        let obstacle = |obstacle| Fault::NoAnswer(Some((obstacle, "it said so".into())));
        check(Fault::NoAnswer(None), &["no broker answers", "KAFKA_BROKERS"]);
        check(obstacle(Obstacle::Login), &["login", "it said so", "KAFKA_CONFIG_SASL"]);
        check(obstacle(Obstacle::Tls), &["TLS", "it said so", "certificates"]);
        check(obstacle(Obstacle::Name), &["no address", "DNS"]);
        check(obstacle(Obstacle::Connection), &["no broker answers", "network"]);
        check(Fault::NoTopic(Topic::Events), &["topic e doesn't exist", "EVENTS_TOPIC"]);
        check(Fault::HiddenTopic(Topic::WorkflowTerminals), &["topic w may not be read", "ACL"]);
        check(Fault::UnreadableTopic(Topic::MessageDeliveries), &["topic m may not be read", "ACL"]);
        check(Fault::UnknownTopic(Topic::Events, "odd".into()), &["topic e", "odd"]);
        check(Fault::ForbiddenGroup, &["group g", "ACL"]);
        check(Fault::NotInGroup(Duration::from_secs(9)), &["group g", "9 s"]);
        check(Fault::NoLeader(vec![at(1), at(2)]), &["no broker leads e/1, e/2"]);
        check(Fault::NoEnd((0..9).map(at).collect()), &["e/4 and 4 more"]);
    }
}
