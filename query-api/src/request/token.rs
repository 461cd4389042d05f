//! Who is asking: the organization, from a verified token and from nowhere else.
//!
//! The key decides the algorithm: a secret verifies HS256 only, a public key the one algorithm of its kind only. What
//! the token's header claims can at most pick among the keys, so no token can have its signature checked by other rules.
//!
//! A signature that was right stays right for as long as the keys are the same, so it is checked once; what a token says
//! of time is checked for every request. Keys from a file are looked at again by [`Verifier::reload`].

use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header, Validation};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// A shorter secret could be guessed: RFC 7518, section 3.2, asks for as many bytes as the hash has.
const SECRET_BYTES_MIN: usize = 32;

/// A shorter RSA modulus could be factored: RFC 7518, section 3.3, asks for 2048 bits.
const RSA_BYTES_MIN: usize = 256;

/// How many keys of a key set are tried at most.
const KEYS_MAX: usize = 64;

/// A larger file is no key set: a set of as many keys as are tried has a tenth of it.
const KEY_SET_BYTES_MAX: u64 = 1024 * 1024;

/// So many tokens are remembered as verified. With more than that in use at once some are verified again.
const VERIFIED_MAX: usize = 4_096;

/// A longer token is refused unread.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// No organization has a longer id: the consumer refuses its records.
const ORGANIZATION_BYTES_MAX: usize = 128;

/// Whose tokens are believed.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "Tokens (one of the two keys is needed)")]
pub struct Settings {
    /// The secret that signs HS256 tokens, at least 32 bytes. Set it where one party issues all tokens and can share
    /// a secret with this service
    #[arg(long, env, hide_env_values = true)]
    pub jwt_hs256_secret: Option<String>,

    /// A JWKS file with the public keys of RS256, ES256 or EdDSA tokens. Set it where an identity provider issues
    /// them; when it changes its keys are taken over within seconds, so rotate by replacing the file
    #[arg(long, env)]
    pub jwt_jwks_file: Option<PathBuf>,

    /// The `iss` a token must have; unset, any. Set it where the key also signs for others
    #[arg(long, env)]
    pub jwt_issuer: Option<String>,

    /// The `aud` a token must have; unset, any. Set it where the issuer makes tokens for several services
    #[arg(long, env)]
    pub jwt_audience: Option<String>,

    /// How long after its `exp` (and before its `nbf`) a token is still taken. Raise it to a few seconds where the
    /// issuer's clock and this one's disagree
    #[arg(long, env, default_value = "0s", value_parser = humantime::parse_duration)]
    pub jwt_leeway: Duration,
}

/// Why a service can't start with these settings: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(String);

/// Why a request has no organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no token.
    Missing,
    /// It was valid once.
    Expired,
    /// It is not a token, not signed by a key of ours, or not meant for us (now).
    Invalid,
    /// It is valid, but names no organization.
    NoOrganization,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Whom a token speaks for, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The organization.
    pub organization: Arc<str>,
    /// When the token is no longer taken, the leeway included.
    pub ends_at: DateTime<Utc>,
}

/// What looking at the key file again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The keys are those of before.
    Same,
    /// So many other keys are believed from now on, and only they.
    Changed(usize),
    /// The file can't be used: the keys of before stay. A sentence that names the variable, said once for each file.
    Refused(String),
}

/// Verifies tokens.
pub struct Verifier {
    trusted: RwLock<Arc<Trusted>>,
    file: Option<PathBuf>,
    /// The text the file had when it was last looked at, good or bad.
    seen: Mutex<Vec<u8>>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway: Duration,
}

/// Keys, and the tokens they have verified: new keys begin without any.
struct Trusted {
    keys: Vec<Key>,
    verified: Mutex<HashMap<String, Verified>>,
}

/// What a token with a right signature says.
#[derive(Clone)]
struct Verified {
    exp: f64,
    nbf: Option<f64>,
    organization: Option<Arc<str>>,
}

/// What a token says. Each claim but `exp` may be absent or odd: what that means is decided below.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    organization_id: serde_json::Value,
}

impl From<Claims> for Verified {
    fn from(Claims { exp, nbf, organization_id }: Claims) -> Self {
        let organization = organization_id.as_str().filter(|id| is_organization(id));
        Self { exp, nbf, organization: organization.map(Into::into) }
    }
}

impl Trusted {
    fn new(keys: Vec<Key>) -> Arc<Self> {
        Arc::new(Self { keys, verified: Mutex::default() })
    }

    fn known(&self, token: &str) -> Option<Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    fn remember(&self, token: &str, verified: &Verified) {
        let mut all = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VERIFIED_MAX {
            all.clear();
        }
        all.insert(token.to_owned(), verified.clone());
    }
}

impl Verifier {
    /// A verifier with the key the settings name.
    ///
    /// # Errors
    /// Without a key, with two, or with one that can't be used: a sentence that names the variable.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let secret = settings.jwt_hs256_secret.as_deref().filter(|secret| !secret.is_empty());
        let file = settings.jwt_jwks_file.as_deref().filter(|file| !file.as_os_str().is_empty());
        let (keys, text) = match (secret, file) {
            (Some(secret), None) => (vec![shared_key(secret)?], Vec::new()),
            (None, Some(file)) => {
                let text = key_file(file)?;
                (public_keys(file, &text)?, text)
            }
            (None, None) => return Err(BadSettings(NO_KEY.into())),
            (Some(_), Some(_)) => return Err(BadSettings(TWO_KEYS.into())),
        };
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(Self {
            trusted: RwLock::new(Trusted::new(keys)),
            file: file.map(Path::to_owned),
            seen: Mutex::new(text),
            issuer: set(&settings.jwt_issuer),
            audience: set(&settings.jwt_audience),
            leeway: settings.jwt_leeway,
        })
    }

    /// Whether there is a file whose keys may change.
    #[must_use]
    pub const fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Looks at the key file again. Its text is compared rather than its date: a file may be replaced twice within what
    /// a date can tell, or by one that is older.
    pub fn reload(&self) -> Reload {
        let Some(file) = &self.file else { return Reload::Same };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, keys) = match key_file(file) {
            Ok(text) if text == *seen => return Reload::Same,
            Ok(text) => {
                let keys = public_keys(file, &text);
                (text, keys)
            }
            // Told once: the reason stands for the text from now on.
            Err(BadSettings(why)) if why.as_bytes() == *seen => return Reload::Same,
            Err(BadSettings(why)) => (why.clone().into_bytes(), Err(BadSettings(why))),
        };
        *seen = text;
        match keys {
            Ok(keys) => {
                let count = keys.len();
                *self.trusted.write().unwrap_or_else(PoisonError::into_inner) = Trusted::new(keys);
                Reload::Changed(count)
            }
            Err(BadSettings(why)) => Reload::Refused(why),
        }
    }

    /// Whom the value of an `Authorization` header speaks for.
    ///
    /// # Errors
    /// When it speaks for nobody; the variant says why.
    pub fn grant(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<Grant, Refusal> {
        let token = bearer(authorization.ok_or(Refusal::Missing)?)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::Invalid);
        }
        let trusted = Arc::clone(&self.trusted.read().unwrap_or_else(PoisonError::into_inner));
        let verified = match trusted.known(token) {
            Some(verified) => verified,
            None => {
                let verified = Verified::from(self.verified(&trusted.keys, token)?);
                trusted.remember(token, &verified);
                verified
            }
        };
        let ends_at = self.check_times(&verified, now)?;
        let organization = verified.organization.ok_or(Refusal::NoOrganization)?;
        Ok(Grant { organization, ends_at })
    }

    fn verified(&self, keys: &[Key], token: &str) -> Result<Claims, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid)?;
        // RFC 7515, section 4.1.11: extensions marked critical must be understood, and none are.
        if header.crit.is_some() {
            return Err(Refusal::Invalid);
        }
        let verified = |key: &Key| {
            let rules = self.rules(key.algorithm);
            jsonwebtoken::decode::<Claims>(token, &key.key, &rules).ok().map(|token| token.claims)
        };
        keys.iter().filter(|key| key.may_verify(&header)).find_map(verified).ok_or(Refusal::Invalid)
    }

    fn rules(&self, algorithm: Algorithm) -> Validation {
        let mut rules = Validation::new(algorithm);
        // The library would read the clock; `check_times` is given it.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = self.audience.is_some();
        if let Some(issuer) = &self.issuer {
            rules.set_issuer(&[issuer]);
            rules.required_spec_claims.insert("iss".into());
        }
        if let Some(audience) = &self.audience {
            rules.set_audience(&[audience]);
            rules.required_spec_claims.insert("aud".into());
        }
        rules
    }

    /// When the token ends, if it may be used now.
    fn check_times(&self, token: &Verified, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        let leeway = self.leeway.as_secs_f64();
        let now = now.timestamp_millis() as f64 / 1_000.0;
        if token.exp + leeway <= now {
            return Err(Refusal::Expired);
        }
        if token.nbf.is_some_and(|nbf| nbf - leeway > now) {
            return Err(Refusal::Invalid);
        }
        // A conversion from a float ends at the type's limits, and so does the calendar: that token never ends.
        let ends_at = DateTime::from_timestamp_millis(((token.exp + leeway) * 1_000.0) as i64);
        Ok(ends_at.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

impl Key {
    fn may_verify(&self, header: &Header) -> bool {
        let meant = match (&header.kid, &self.id) {
            (Some(wanted), Some(id)) => wanted == id,
            (Some(_), None) | (None, _) => true,
        };
        meant && header.alg == self.algorithm
    }
}

const NO_KEY: &str = "no key to verify tokens with: set JWT_HS256_SECRET to the secret that signs them (at least 32 \
                      bytes), or JWT_JWKS_FILE to a file with the issuer's public keys";

const TWO_KEYS: &str =
    "JWT_HS256_SECRET and JWT_JWKS_FILE are both set: keep the one that tokens are signed with";

fn shared_key(secret: &str) -> Result<Key, BadSettings> {
    if secret.len() < SECRET_BYTES_MIN {
        let sentence = format!(
            "JWT_HS256_SECRET has {} bytes: it needs at least {SECRET_BYTES_MIN}, such as `openssl rand -hex 32` prints",
            secret.len()
        );
        return Err(BadSettings(sentence));
    }
    Ok(Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) })
}

fn bad_file(file: &Path, why: &str) -> BadSettings {
    BadSettings(format!("JWT_JWKS_FILE ({}) {why}", file.display()))
}

fn key_file(file: &Path) -> Result<Vec<u8>, BadSettings> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let read = std::fs::File::open(file)
        .and_then(|opened| opened.take(KEY_SET_BYTES_MAX + 1).read_to_end(&mut text))
        .map_err(|error| bad_file(file, &format!("can't be read: {error}")))?;
    if read as u64 > KEY_SET_BYTES_MAX {
        return Err(bad_file(
            file,
            &format!("has more than {KEY_SET_BYTES_MAX} bytes, too many for a key set"),
        ));
    }
    Ok(text)
}

fn public_keys(file: &Path, text: &[u8]) -> Result<Vec<Key>, BadSettings> {
    key_set(text).map_err(|why| bad_file(file, &why))
}

fn key_set(text: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet =
        serde_json::from_slice(text).map_err(|error| format!("is no JSON Web Key Set: {error}"))?;
    let keys: Vec<_> = set.keys.iter().filter_map(public_key).take(KEYS_MAX).collect();
    if keys.is_empty() {
        return Err("has no key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)".into());
    }
    Ok(keys)
}

/// The key, if it is public and meant for signatures of a kind that is supported. Others may well be in a key set.
fn public_key(jwk: &Jwk) -> Option<Key> {
    let algorithm = algorithm(&jwk.algorithm)?;
    let fits = jwk.common.key_algorithm.as_ref().is_none_or(|named| *named == KeyAlgorithm::from(algorithm));
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let key = DecodingKey::from_jwk(jwk).ok()?;
    let strong = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= RSA_BYTES_MIN,
        DecodingKeyKind::SecretOrDer(_) => true,
    };
    (fits && signs && strong).then(|| Key { id: jwk.common.key_id.clone(), algorithm, key })
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

fn bearer(authorization: &str) -> Result<&str, Refusal> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(Refusal::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Invalid) }
}

/// Whether records of an organization of that id could ever have been counted.
fn is_organization(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= ORGANIZATION_BYTES_MAX && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
