//! What can be said of a member's settings of Kafka without asking a broker.

use super::settings::{Settings, refused};
use super::variables::variable;
use crate::limits::kafka as limit;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

/// What librdkafka has by default for [`limit::RECEIVE_MAX_BYTES`].
const RECEIVE_BYTES_DEFAULT: u64 = 100_000_000;

/// Parts of the names of settings whose values are secrets. What ends with `.location` or `.file` only names a file.
const SECRET: [&str; 6] = ["password", "passphrase", "secret", "key", "token", "oauthbearer.config"];

impl Settings {
    /// What Kafka's client refuses of these settings when it is made, such as a certificate that it can't read: a sentence. The client
    /// has no brokers, so it asks none.
    #[must_use]
    pub fn unusable(&self) -> Option<String> {
        let mut config = self.config();
        config.remove("bootstrap.servers");
        // Without a group there is none to leave.
        config.remove("group.id");
        let wrong = refused(&config);
        wrong.or_else(|| {
            let made: Result<BaseConsumer, KafkaError> = config.create();
            let error = made.err()?;
            Some(format!("Kafka's client can't be made of KAFKA_CONFIG_*: {error}"))
        })
    }

    /// The largest answer that Kafka's client takes, in bytes.
    #[must_use]
    pub fn receive_bytes_max(&self) -> u64 {
        let config = self.config();
        let set = config.get(limit::RECEIVE_MAX_BYTES).and_then(|bytes| bytes.parse().ok());
        set.unwrap_or(RECEIVE_BYTES_DEFAULT)
    }

    /// librdkafka's settings as the environment gives them: each variable, its value, and whether that is a secret.
    pub fn given(&self) -> impl Iterator<Item = (String, &str, bool)> {
        self.kafka_config.iter().map(|(name, value)| (variable(name), value.as_str(), is_secret(name)))
    }
}

fn is_secret(setting: &str) -> bool {
    let is_place = [".location", ".file"].iter().any(|end| setting.ends_with(end));
    !is_place && (SECRET.iter().any(|part| setting.contains(part)) || setting.ends_with(".pem"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafkas_secrets_are_known_by_their_names() {
        let check = |setting: &str, expected| assert_eq!(is_secret(setting), expected, "{setting}");
        for secret in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "ssl.certificate.pem",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "sasl.oauthbearer.assertion.private.key.pem",
        ] {
            check(secret, true);
        }
        for plain in [
            "sasl.username",
            "security.protocol",
            "ssl.ca.location",
            "ssl.key.location",
            "sasl.oauthbearer.assertion.private.key.file",
            "session.timeout.ms",
        ] {
            check(plain, false);
        }
    }
}
