//! Whether librdkafka's settings of certificates and logins have the protocol that uses them. Pure.
//!
//! librdkafka ignores them with another protocol, so connections would silently be without encryption, or without a login.

use super::variables::variable;
use std::collections::BTreeMap;

const PROTOCOL: &str = "security.protocol";

/// The setting that `security.protocol` leaves without use, in a sentence.
pub fn unused(config: &BTreeMap<String, String>) -> Option<String> {
    let protocol = config.get(PROTOCOL).map(|protocol| protocol.to_ascii_lowercase());
    let protocol = protocol.as_deref().unwrap_or("plaintext");
    let has_tls = ["ssl", "sasl_ssl"].contains(&protocol);
    let has_login = ["sasl_plaintext", "sasl_ssl"].contains(&protocol);
    let is_unused =
        |name: &&String| (!has_tls && is_of_tls(name)) || (!has_login && name.starts_with("sasl."));
    let name = config.keys().find(is_unused)?;
    let needed =
        if is_of_tls(name) { "SSL or SASL_SSL" } else { "SASL_SSL, or SASL_PLAINTEXT without encryption" };
    let (name, protocol) = (variable(name), variable(PROTOCOL));
    Some(format!("{name} is set, and {protocol} doesn't ask for it: set {protocol} to {needed}"))
}

/// Certificates and keys, as files or as text.
fn is_of_tls(setting: &str) -> bool {
    setting.starts_with("ssl.") && [".location", ".pem"].iter().any(|end| setting.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_need_tls_and_logins_need_sasl() {
        let check = |protocol: Option<&str>, setting: &str, expected: Option<&str>| {
            let mut config = BTreeMap::from([(setting.to_owned(), "x".to_owned())]);
            if let Some(protocol) = protocol {
                config.insert(PROTOCOL.to_owned(), protocol.to_owned());
            }
            let (said, name) = (unused(&config), variable(setting));
            assert_eq!(said.is_some(), expected.is_some(), "{protocol:?}, {setting}: {said:?}");
            let words = [name.as_str(), "KAFKA_CONFIG_SECURITY_PROTOCOL to ", expected.unwrap_or_default()];
            assert!(said.is_none_or(|said| words.iter().all(|word| said.contains(word))), "{setting}");
        };
        for setting in
            ["ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.key.location", "ssl.key.pem"]
        {
            for protocol in [None, Some("PLAINTEXT"), Some("SASL_PLAINTEXT")] {
                check(protocol, setting, Some("SSL or SASL_SSL"));
            }
            for protocol in ["SSL", "ssl", "SASL_SSL"] {
                check(Some(protocol), setting, None);
            }
        }
        for setting in ["sasl.username", "sasl.password", "sasl.mechanism", "sasl.oauthbearer.config"] {
            for protocol in [None, Some("PLAINTEXT"), Some("SSL")] {
                check(protocol, setting, Some("SASL_SSL"));
            }
            for protocol in ["SASL_SSL", "sasl_plaintext"] {
                check(Some(protocol), setting, None);
            }
        }
        check(None, "ssl.key.password", None);
        check(None, "client.id", None);
    }
}
