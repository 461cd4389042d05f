//! Who is asking: the organization, from a verified token and from nowhere else.
//!
//! ```text
//! token      verifies; the only source of a principal
//!   settings   which key, whose tokens
//!   keys       which keys may verify what                       pure
//!   key_file   the file of public keys, read again on request   the only I/O of this room
//!   claims     what a token says, once its signature is right    pure
//!   key_ring   keys, and the tokens they have verified
//! ```
//!
//! The key decides the algorithm: a secret verifies HS256 only, a public key the one algorithm of its kind only. A token's
//! header can at most choose among the keys, so no token can have its signature checked by other rules.
//!
//! A valid signature stays valid as long as the keys are the same, so it is checked once. A token's times are checked for
//! every request.

mod claims;
mod key_file;
mod key_ring;
mod keys;
mod settings;

pub use key_file::Reload;
pub use settings::{BadSettings, Settings};

use chrono::{DateTime, Utc};
use claims::{Claims, Verified};
use jsonwebtoken::{Algorithm, Validation};
use key_file::KeyFile;
use key_ring::KeyRing;
use keys::Key;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A longer token is refused unread.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a request has no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no token.
    Missing,
    /// The token has expired.
    Expired,
    /// It is no token, or not signed by a trusted key, or issued for another service, or not valid yet.
    Invalid,
    /// It is valid, but names no organization.
    NoOrganization,
}

/// On whose behalf a request is made, and until when its token is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organization.
    pub organization: Arc<str>,
    /// When the token expires, the leeway included.
    pub expires_at: DateTime<Utc>,
}

/// Verifies tokens.
pub struct Verifier {
    key_ring: RwLock<Arc<KeyRing>>,
    /// How often the keys were replaced.
    replaced: AtomicU64,
    file: Option<KeyFile>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway: Duration,
}

impl Verifier {
    /// A verifier with the key that the settings name.
    ///
    /// # Errors
    /// Without a key, with two, or with one that can't be used: a sentence that names the variable.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        jwt::install();
        let secret = settings.jwt_hs256_secret.as_deref().filter(|secret| !secret.is_empty());
        let file = settings.jwt_jwks_file.as_deref().filter(|file| !file.as_os_str().is_empty());
        let (keys, file) = match (secret, file) {
            (Some(secret), None) => (vec![keys::from_secret(secret)?], None),
            (None, Some(file)) => {
                let (file, keys) = KeyFile::open(file)?;
                (keys, Some(file))
            }
            (None, None) => return Err(BadSettings(NO_KEY.into())),
            (Some(_), Some(_)) => return Err(BadSettings(TWO_KEYS.into())),
        };
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(Self {
            key_ring: RwLock::new(KeyRing::new(keys)),
            replaced: AtomicU64::new(0),
            file,
            issuer: set(&settings.jwt_issuer),
            audience: set(&settings.jwt_audience),
            leeway: settings.jwt_leeway,
        })
    }

    /// Whether the keys come from a file, and so may change.
    #[must_use]
    pub const fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the key file again and takes its keys over if they have changed.
    pub fn reload(&self) -> Reload {
        let Some(file) = &self.file else { return Reload::Same };
        file.reload(|keys| {
            *self.key_ring.write().unwrap_or_else(PoisonError::into_inner) = KeyRing::new(keys);
            // Only now: who reads the number before a verification must not take an old key's for a new one's.
            self.replaced.fetch_add(1, Ordering::Release);
        })
    }

    /// How often the keys were replaced. What was verified after this number was read stands as long as it is the same.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Acquire)
    }

    /// Verifies the value of an `Authorization` header.
    ///
    /// # Errors
    /// When it has no valid token; the variant says why.
    pub fn verify(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<Principal, Refusal> {
        let token = bearer(authorization.ok_or(Refusal::Missing)?)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::Invalid);
        }
        let key_ring = Arc::clone(&self.key_ring.read().unwrap_or_else(PoisonError::into_inner));
        let verified = match key_ring.verified(token) {
            Some(verified) => verified,
            None => {
                let verified = Verified::from(self.check_signature(key_ring.keys(), token)?);
                key_ring.remember(token, &verified);
                verified
            }
        };
        let expires_at = self.check_times(&verified, now)?;
        let organization = verified.organization.ok_or(Refusal::NoOrganization)?;
        Ok(Principal { organization, expires_at })
    }

    fn check_signature(&self, keys: &[Key], token: &str) -> Result<Claims, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid)?;
        // RFC 7515, section 4.1.11: extensions marked critical must be understood, and none are.
        if header.crit.is_some() {
            return Err(Refusal::Invalid);
        }
        let claims = |key: &Key| {
            let rules = self.rules(key.algorithm);
            jsonwebtoken::decode::<Claims>(token, &key.key, &rules).ok().map(|token| token.claims)
        };
        keys.iter().filter(|key| key.may_verify(&header)).find_map(claims).ok_or(Refusal::Invalid)
    }

    fn rules(&self, algorithm: Algorithm) -> Validation {
        let mut rules = Validation::new(algorithm);
        // The library would read the clock; `check_times` gets the time as an argument.
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

    /// When the token expires, if it is valid now.
    fn check_times(&self, token: &Verified, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        let leeway = self.leeway.as_secs_f64();
        let now = now.timestamp_millis() as f64 / 1_000.0;
        if token.exp + leeway <= now {
            return Err(Refusal::Expired);
        }
        if token.nbf.is_some_and(|nbf| nbf - leeway > now) {
            return Err(Refusal::Invalid);
        }
        // The conversion from a float saturates, and a time beyond the calendar is its end: such a token never expires.
        let expires_at = DateTime::from_timestamp_millis(((token.exp + leeway) * 1_000.0) as i64);
        Ok(expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

const NO_KEY: &str = "there is no key to verify tokens with: set JWT_HS256_SECRET to the secret that signs them (at \
                      least 32 bytes), or JWT_JWKS_FILE to a file with the issuer's public keys";

const TWO_KEYS: &str =
    "JWT_HS256_SECRET and JWT_JWKS_FILE are both set: keep the one that tokens are signed with";

fn bearer(authorization: &str) -> Result<&str, Refusal> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(Refusal::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Invalid) }
}

#[cfg(test)]
mod tests;
