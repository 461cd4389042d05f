//! Secrets that sign messages, and signatures by them, as Standard Webhooks says. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use ring::hmac;
use std::fmt;

/// How many random bytes a secret has. Standard Webhooks allows 24 to 64.
pub const SECRET_BYTES: usize = 32;

/// How a secret's text begins, so that people and scanners of source code know it.
const PREFIX: &str = "whsec_";

/// A secret that signs messages. Its text is shown once; nothing else shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The secret of these random bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes, for the table.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its text, for the receiver: `whsec_` and base64.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// The signature of a message: `v1,` and base64 of HMAC-SHA256 of `id.seconds.body`.
    #[must_use]
    pub fn signature(&self, id: &str, at: DateTime<Utc>, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.timestamp());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), signed.as_bytes());
        format!("v1,{}", BASE64.encode(tag.as_ref()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of an endpoint: the current one, and the one before it for as long as that signs, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// The current one.
    pub current: Secret,
    /// The one before, and until when it signs.
    pub previous: Option<(Secret, DateTime<Utc>)>,
}

impl Secrets {
    /// The value of `webhook-signature`: a signature by each secret, separated by a space.
    #[must_use]
    pub fn signatures(&self, id: &str, at: DateTime<Utc>, body: &str) -> String {
        let previous = self.previous.iter().filter(|(_, until)| at < *until).map(|(secret, _)| secret);
        let all = std::iter::once(&self.current).chain(previous);
        all.map(|secret| secret.signature(id, at, body)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = Secret::new(BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signature = secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.to_text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn the_secret_before_signs_until_its_time_is_over() {
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let [new, old] = [1, 2].map(|byte| Secret::new(vec![byte; SECRET_BYTES]));
        let secrets = Secrets { current: new.clone(), previous: Some((old.clone(), at)) };
        let by = |secret: &Secret, at| secret.signature("m", at, "{}");
        let before = at - TimeDelta::seconds(1);
        assert_eq!(
            secrets.signatures("m", before, "{}"),
            format!("{} {}", by(&new, before), by(&old, before))
        );
        assert_eq!(secrets.signatures("m", at, "{}"), by(&new, at));
    }

    #[test]
    fn no_secret_is_shown_by_accident() {
        let secrets = Secrets { current: Secret::new(b"hunter2".to_vec()), previous: None };
        assert_eq!(format!("{secrets:?}"), "Secrets { current: Secret, previous: None }");
    }
}
