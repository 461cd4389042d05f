//! The keys that verify tokens, each with the one algorithm it may be used for. Pure.

use crate::request::token::settings::BadSettings;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};

/// A shorter secret could be guessed: RFC 7518, section 3.2, asks for as many bytes as the hash has.
const SECRET_BYTES_MIN: usize = 32;

/// A shorter RSA modulus could be factored: RFC 7518, section 3.3, asks for 2048 bits.
const RSA_BYTES_MIN: usize = 256;

/// How many keys of a key set are tried at most.
const KEYS_MAX: usize = 64;

/// A key.
pub struct Key {
    /// Its name in the key set.
    pub id: Option<String>,
    /// The algorithm it may be used for.
    pub algorithm: Algorithm,
    /// The key itself.
    pub key: DecodingKey,
}

impl Key {
    /// Whether a token with this header may be verified by this key.
    pub fn may_verify(&self, header: &Header) -> bool {
        let named = match (&header.kid, &self.id) {
            (Some(wanted), Some(id)) => wanted == id,
            (Some(_), None) | (None, _) => true,
        };
        named && header.alg == self.algorithm
    }
}

/// The key of a secret that the issuer shares with this service.
pub fn from_secret(secret: &str) -> Result<Key, BadSettings> {
    if secret.len() < SECRET_BYTES_MIN {
        let sentence = format!(
            "JWT_HS256_SECRET has {} bytes: it needs at least {SECRET_BYTES_MIN}, such as `openssl rand -hex 32` prints",
            secret.len()
        );
        return Err(BadSettings(sentence));
    }
    Ok(Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) })
}

/// The usable keys of a JSON Web Key Set.
pub fn from_key_set(text: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet =
        serde_json::from_slice(text).map_err(|error| format!("is no JSON Web Key Set: {error}"))?;
    let keys: Vec<_> = set.keys.iter().filter_map(public_key).take(KEYS_MAX).collect();
    if keys.is_empty() {
        return Err("has no key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)".into());
    }
    Ok(keys)
}

/// The key, if it is public and meant for signatures by a supported algorithm. Key sets often hold others as well.
pub(super) fn public_key(jwk: &Jwk) -> Option<Key> {
    let algorithm = algorithm(&jwk.algorithm)?;
    let fits = jwk.common.key_algorithm.as_ref().is_none_or(|named| *named == KeyAlgorithm::from(algorithm));
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let key = DecodingKey::from_jwk(jwk).ok()?;
    let (key, strong) = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
            (DecodingKey::from_rsa_raw_components(n, e), n.len() >= RSA_BYTES_MIN)
        }
        DecodingKeyKind::SecretOrDer(_) => (key, true),
    };
    (fits && signs && strong).then(|| Key { id: jwk.common.key_id.clone(), algorithm, key })
}

/// Some libraries write a zero before a number whose first bit is set, though RFC 7518, section 6.3.1.1, forbids that.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[expect(clippy::wildcard_enum_match_arm, reason = "kinds of keys the library learns are not supported here")]
fn algorithm(key: &AlgorithmParameters) -> Option<Algorithm> {
    match key {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}
