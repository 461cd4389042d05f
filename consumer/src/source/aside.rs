//! Clients beside the stream, which are in no group: what they say, and which errors are none of theirs.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// Logs what the client says for debugging only: the command reports errors itself. But these don't tell that a certificate or the
/// login is refused, so that is logged as a warning.
pub struct Quiet;

impl ConsumerContext for Quiet {}

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        // "ssl" in small letters is part of a broker's address.
        let is_refusal = facility == "FAIL" && ["SSL", "SASL"].iter().any(|part| message.contains(part));
        if is_refusal {
            tracing::warn!(target: "kafka", facility, said = message, "Kafka's client");
        } else {
            tracing::debug!(target: "kafka", facility, said = message, "Kafka's client");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "kafka", %error, why = reason, "an error of Kafka's client");
    }
}

/// Whether an error of a reader passes by itself, or is none of its: it is in no group, and the client looks for the group's
/// coordinator all the same.
#[must_use]
pub fn passes(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
    )
}
