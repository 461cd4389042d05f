//! The keys that verify tokens, each with the one algorithm it may be used for. Pure.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};
use serde::Deserialize;

/// A shorter secret could be guessed: RFC 7518, section 3.2, asks for as many bytes as the hash has.
const SECRET_BYTES_MIN: usize = 32;

/// A shorter RSA modulus could be factored: RFC 7518, section 3.3, asks for 2048 bits.
const RSA_BYTES_MIN: usize = 256;

/// A longer one is refused by the library that verifies, and costs more than a request should.
const RSA_BYTES_MAX: usize = 1_024;

/// How many keys of a key set are used at most.
const KEYS_MAX: usize = 64;

/// With how many keys one token is tried at most: each costs a verification, before it is known who asks.
pub const TRIED_MAX: usize = 8;

/// How many remarks are made on one key set.
const REMARKS_MAX: usize = 16;

/// How much of a key's name is repeated.
const NAME_CHARS_MAX: usize = 64;

/// Secrets that are printed in this project's documents, past and present, and so known to everybody.
const PUBLISHED: [&str; 1] = ["a-secret-of-32-bytes-at-the-least"];

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

/// The key of a secret that the issuer shares with this service; or the rest of a sentence about the secret.
pub fn from_secret(secret: &str) -> Result<Key, String> {
    refuse_keys(secret)?;
    if PUBLISHED.contains(&secret) {
        let why = "is the example of a document, which everybody can read: set it to one of your own, such as \
                   `openssl rand -hex 32` prints";
        return Err(why.into());
    }
    if secret.len() < SECRET_BYTES_MIN {
        return Err(format!(
            "has {} bytes: it needs at least {SECRET_BYTES_MIN}, such as `openssl rand -hex 32` prints",
            secret.len()
        ));
    }
    Ok(Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) })
}

/// A key set, and a key in PEM, is often public: whoever has it could sign, were it taken as a secret.
fn refuse_keys(text: &str) -> Result<(), String> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with('{') || text.starts_with("-----BEGIN") {
        return Err("is a key set or a key in PEM, no secret: put public keys into a JSON Web Key Set, and name that in \
                    JWT_JWKS_FILE"
            .into());
    }
    Ok(())
}

/// The keys of a file of secrets, one a line: more than one while a secret is replaced by another.
pub fn from_secrets(text: &[u8]) -> Result<KeySet, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8")?;
    refuse_keys(text)?;
    let secrets: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if !(1..=TRIED_MAX).contains(&secrets.len()) {
        return Err(format!("has {} secrets, one a line: 1 to {TRIED_MAX} are used", secrets.len()));
    }
    let keys = secrets.into_iter().map(from_secret).collect::<Result<_, _>>()?;
    Ok(KeySet { keys, remarks: Vec::new() })
}

/// The usable keys of a JSON Web Key Set, and what is to be said of the others.
#[derive(Default)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<Key>,
    /// Which entries are passed over and why, in sentences for the log.
    pub remarks: Vec<String>,
}

/// Reads a JSON Web Key Set. An entry that can't be used is passed over: key sets often hold others, and some of kinds that
/// nobody knows yet.
pub fn from_key_set(text: &[u8]) -> Result<KeySet, String> {
    #[derive(Deserialize)]
    struct Entries {
        keys: Vec<serde_json::Value>,
    }
    let Entries { keys: entries } =
        serde_json::from_slice(text).map_err(|error| format!("is no JSON Web Key Set: {error}"))?;
    let mut set = KeySet::default();
    for (index, entry) in entries.iter().enumerate() {
        match key(entry) {
            Ok(key) if set.keys.len() < KEYS_MAX => set.keys.push(key),
            Ok(_) => set.remark(index, entry, &format!("{KEYS_MAX} keys come before it")),
            Err(why) => set.remark(index, entry, &why),
        }
    }
    if set.keys.is_empty() {
        let remarks: String = set.remarks.iter().map(|remark| format!("; {remark}")).collect();
        return Err(format!("has no key for RS256 (2048 to 8192 bits), ES256 or EdDSA (Ed25519){remarks}"));
    }
    let crowded = |algorithm| set.keys.iter().filter(|key| key.algorithm == algorithm).count() > TRIED_MAX;
    if [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].into_iter().any(crowded) {
        set.remarks.push(format!(
            "more than {TRIED_MAX} keys are of one algorithm: a token without `kid` is tried with the first {TRIED_MAX}"
        ));
    }
    Ok(set)
}

impl KeySet {
    fn remark(&mut self, index: usize, entry: &serde_json::Value, why: &str) {
        if self.remarks.len() >= REMARKS_MAX {
            return;
        }
        let named = entry.get("kid").and_then(serde_json::Value::as_str);
        let named = named.map(|id| id.chars().take(NAME_CHARS_MAX).collect::<String>());
        // As people count.
        let entry = named.map_or_else(|| format!("key number {}", index + 1), |id| format!("key {id:?}"));
        self.remarks.push(format!("{entry} {why}"));
    }
}

fn key(entry: &serde_json::Value) -> Result<Key, String> {
    let jwk = Jwk::deserialize(entry).map_err(|error| format!("can't be read: {error}"))?;
    public_key(&jwk)
}

/// The key, if it is public and meant for signatures by a supported algorithm; else why it isn't used.
pub(super) fn public_key(jwk: &Jwk) -> Result<Key, String> {
    let common = &jwk.common;
    let algorithm =
        algorithm(&jwk.algorithm).ok_or("is of no kind that is supported, or not as that kind is written")?;
    if common.key_algorithm.as_ref().is_some_and(|named| *named != KeyAlgorithm::from(algorithm)) {
        return Err(format!("is for another algorithm (`alg`) than {algorithm:?}"));
    }
    if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return Err("is not for signatures (`use`)".into());
    }
    if common.key_operations.as_ref().is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
        return Err("is not for verifying signatures (`key_ops`)".into());
    }
    let key = DecodingKey::from_jwk(jwk)
        .map_err(|_| "has numbers that are not in base64url without padding, or are none of such a key")?;
    let key = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
            if !(RSA_BYTES_MIN..=RSA_BYTES_MAX).contains(&n.len()) {
                return Err(format!("has {} bits: RSA keys of 2048 to 8192 are supported", n.len() * 8));
            }
            DecodingKey::from_rsa_raw_components(n, e)
        }
        DecodingKeyKind::SecretOrDer(_) => key,
    };
    Ok(Key { id: common.key_id.clone(), algorithm, key })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_no_secrets() {
        let check = |text: &str, is_refused: bool| {
            let said = |refused: Option<String>| refused.is_some_and(|why| why.contains("JWT_JWKS_FILE"));
            assert_eq!(said(from_secret(text).err()), is_refused, "{text}");
            assert_eq!(said(from_secrets(text.as_bytes()).err()), is_refused, "{text}");
        };
        check(r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"0123456789abcdef"}]}"#, true);
        check("\n\u{feff} {\n  \"keys\": []\n}", true);
        check("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n", true);
        check("0123456789abcdef{-----BEGIN}0123456789abcdef", false);
    }
}
