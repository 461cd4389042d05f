//! The environment variables that carry librdkafka's settings. Pure.

/// They start so.
pub const CONFIG_PREFIX: &str = "KAFKA_CONFIG_";

/// The environment variable of a setting: `sasl.username` is `KAFKA_CONFIG_SASL_USERNAME`.
#[must_use]
pub fn variable(setting: &str) -> String {
    format!("{CONFIG_PREFIX}{}", setting.replace('.', "_").to_uppercase())
}
