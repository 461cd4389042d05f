//! What is wrong with Kafka as a member sees it: each cause with a sentence and a remedy for people. Pure.

use crate::limits::OUTSIDE_MAX;
use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Topic};
use std::time::Duration;

/// Partitions that a sentence names; of more it says how many.
const NAMED_MAX: usize = 5;

/// Why no broker answers. The most specific cause comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The brokers refuse who this client says it is.
    Login,
    /// A certificate is refused by one side; in a sentence with a remedy.
    Certificate,
    /// Something of TLS fails.
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
            // A cause of its own, so that the log has a line of its own for it.
            Self::NoAnswer(Some((Obstacle::Certificate, _))) => "certificate",
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

/// The sentence about this client's certificate, if the client's words say that the brokers refuse it.
#[must_use]
pub fn of_own_certificate(words: &str) -> Option<String> {
    let has = |part: &str| words.contains(part);
    if !has("SSL alert number") && !has(" alert ") {
        return None;
    }
    if has("certificate required") {
        return Some(
            "the brokers ask for a certificate of this client; set KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION and \
             KAFKA_CONFIG_SSL_KEY_LOCATION"
                .into(),
        );
    }
    let is_refused = ["certificate", "unknown ca", "access denied"].into_iter().any(has);
    is_refused.then(|| {
        format!(
            "the brokers refuse this client's certificate, or ask for one ({words}); check that \
             KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION is set, has not expired, and that the brokers trust its authority"
        )
    })
}

/// Whether the client's words say that it refuses a broker's certificate. They don't say why.
#[must_use]
pub fn is_of_their_certificate(words: &str) -> bool {
    ["certificate verify failed", "certificate could not be verified"].iter().any(|part| words.contains(part))
}

/// The broker that the client's words are about, as host and port: they begin like `ssl://host:9093/1: ...`, or like
/// `GroupCoordinator: host:9093: ...` for the connection to the group's coordinator.
#[must_use]
pub fn broker_in(words: &str) -> Option<(&str, u16)> {
    let named = words.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    match named {
        Some((named, _)) => address(named),
        None => words.split(": ").find_map(address),
    }
}

fn address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host, port.parse().ok()?)).filter(|_| !host.is_empty() && !host.contains(' '))
}

fn no_answer(obstacle: Option<&(Obstacle, String)>) -> String {
    let Some((obstacle, said)) = obstacle else {
        return "no broker answers; check KAFKA_BROKERS, and that the brokers run".into();
    };
    let (what, remedy) = match obstacle {
        Obstacle::Certificate => return said.clone(),
        Obstacle::Login => (
            "the brokers refuse the login",
            "check KAFKA_CONFIG_SASL_* and KAFKA_CONFIG_SECURITY_PROTOCOL; a file with the password is read at the start",
        ),
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
    fn words_about_certificates_are_understood() {
        let own = |words| of_own_certificate(words).unwrap_or_default();
        let receive = "ssl://b:9093/1: Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42";
        assert!(own(receive).contains("refuse this client's certificate"));
        let missing = "ssl://b:9093/1: error:0A00045C:SSL routines::tlsv13 alert certificate required: SSL alert number 116";
        assert!(own(missing).contains("ask for a certificate of this client"));
        let theirs = "ssl://[::1]:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: \
                      broker certificate could not be verified";
        assert_eq!(own(theirs), "");
        assert!(is_of_their_certificate(theirs) && !is_of_their_certificate(receive));
        assert_eq!(broker_in(theirs), Some(("::1", 9093)));
        assert_eq!(broker_in(receive), Some(("b", 9093)));
        assert_eq!(broker_in("GroupCoordinator: 1 brokers are down"), None);
        let coordinator = "GroupCoordinator: 127.0.0.1:21293: SSL handshake failed: error:0A000086:SSL \
                           routines::certificate verify failed: broker certificate could not be verified";
        assert!(is_of_their_certificate(coordinator));
        assert_eq!(broker_in(coordinator), Some(("127.0.0.1", 21_293)));
    }

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
        let certificate = Fault::NoAnswer(Some((Obstacle::Certificate, "it is refused; renew it".into())));
        check(certificate, &["it is refused; renew it"]);
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
