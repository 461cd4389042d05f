//! Ids, secrets, and chance.

use crate::webhooks::secret::{SECRET_BYTES, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};

/// How many random bytes an id has: nobody guesses one, and none occurs twice.
const ID_BYTES: usize = 16;

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
    bytes
}

/// A new id, `prefix` and an underscore before it. It has letters, digits, `-` and `_`.
#[must_use]
pub fn id(prefix: &str) -> String {
    format!("{prefix}_{}", BASE64.encode(bytes::<ID_BYTES>()))
}

/// A new secret.
#[must_use]
pub fn secret() -> Secret {
    Secret::new(bytes::<SECRET_BYTES>().to_vec())
}

/// A number from 0 to 1.
#[must_use]
pub fn chance() -> f64 {
    f64::from(u32::from_be_bytes(bytes())) / f64::from(u32::MAX)
}
