//! Who is asking: the organization, from a verified token and from nowhere else.
//!
//! ```text
//! token       verifies; the only source of a principal
//!   settings    which key, whose tokens
//!   keys        which keys may verify what                       pure
//!   key_source  a file of keys or secrets, or an address of keys  reads the file: the only I/O of this room
//!   claims      what a token says, once its signature is right    pure
//!     organizations  whom it names, and the choice among them     pure
//!     permissions    what it allows                               pure
//!   key_ring    keys, and the tokens they have verified or refused
//!   refusal     why a request has no principal
//! ```
//!
//! The key decides the algorithm: a secret verifies HS256 only, a public key the one algorithm of its kind only. A token's
//! header can at most choose among the keys, so no token can have its signature checked by other rules.
//!
//! A valid signature stays valid as long as the keys are the same, so it is checked once. A token's times are checked for
//! every request. A token that no key has verified is refused unread for a moment, and is tried with a few keys at most: who has
//! no token must not cost more than who has one.

mod claims;
mod key_ring;
mod key_source;
mod keys;
mod organizations;
mod permissions;
mod refusal;
mod settings;

pub use key_source::{KEY_SET_BYTES_MAX, Reload};
pub use permissions::{Permission, Permissions};
pub use refusal::Refusal;
pub use settings::{BadSettings, Settings};

use chrono::{DateTime, Utc};
use claims::{Claims, Verified};
use hyper::Uri;
use jsonwebtoken::{Algorithm, Validation};
use key_ring::KeyRing;
use key_source::KeySource;
use keys::{Key, KeySet, TRIED_MAX};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// A longer token is refused unread.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// On whose behalf a request is made, what its token allows, and until when it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organization.
    pub organization: Arc<str>,
    /// Who makes the request, as the issuer names them (`sub`); `None` if it doesn't.
    pub subject: Option<Arc<str>>,
    /// What the token allows.
    pub permissions: Permissions,
    /// When the token expires, the leeway included.
    pub expires_at: DateTime<Utc>,
}

/// Verifies tokens.
pub struct Verifier {
    key_ring: RwLock<Arc<KeyRing>>,
    /// How often the keys were replaced.
    replaced: AtomicU64,
    /// Where the keys come from; `None` for a secret that is a setting's value.
    source: Option<KeySource>,
    /// Told when a token names a key that isn't there.
    missing: Notify,
    /// What is to be said of the settings, in sentences for the log.
    remarks: Vec<String>,
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
        let KeySet { keys, mut remarks } = KeySet::default();
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let named = |file: &Option<PathBuf>| file.clone().filter(|file| !file.as_os_str().is_empty());
        let (secret, secrets) = (set(&settings.jwt_hs256_secret), named(&settings.jwt_hs256_secret_file));
        let is_shared = secret.is_some() || secrets.is_some();
        let places = (secret, secrets, named(&settings.jwt_jwks_file), set(&settings.jwt_jwks_url));
        let (keys, source) = match places {
            (Some(secret), None, None, None) => {
                let bad = |why| BadSettings(format!("JWT_HS256_SECRET {why}"));
                (vec![keys::from_secret(&secret).map_err(bad)?], None)
            }
            (None, Some(file), None, None) => {
                let (file, set) = KeySource::secrets(&file)?;
                (set.keys, Some(file))
            }
            (None, None, Some(file), None) => {
                let (file, set) = KeySource::file(&file)?;
                remarks = set.remarks;
                (set.keys, Some(file))
            }
            (None, None, None, Some(url)) => (keys, Some(KeySource::url(&url)?)),
            (None, None, None, None) => return Err(BadSettings(NO_KEY.into())),
            _ => return Err(BadSettings(SEVERAL_KEYS.into())),
        };
        if !is_shared {
            remarks.extend(unchecked(settings));
        }
        Ok(Self {
            key_ring: RwLock::new(KeyRing::new(keys)),
            replaced: AtomicU64::new(0),
            source,
            missing: Notify::new(),
            remarks,
            issuer: set(&settings.jwt_issuer),
            audience: set(&settings.jwt_audience),
            leeway: settings.jwt_leeway,
        })
    }

    /// What is to be said of the settings, in sentences for the log: keys that are passed over, and what isn't checked.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Whether the keys come from a file, which may change.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.address().is_none())
    }

    /// The address from which the keys are to be fetched, if they are.
    #[must_use]
    pub fn url(&self) -> Option<&Uri> {
        self.source.as_ref()?.address()
    }

    /// Whether there are keys.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.key_ring().keys().is_empty()
    }

    /// Resolves when a token has named a key that isn't there.
    pub async fn misses_key(&self) {
        self.missing.notified().await;
    }

    /// Reads the key file again and takes its keys over if they have changed.
    pub fn reload(&self) -> Reload {
        let source = self.source.as_ref();
        source.map_or(Reload::Same, |source| source.reload(|set| self.replace(set)))
    }

    /// Takes what was fetched, and its keys over if they have changed; or why nothing was fetched.
    pub fn take(&self, fetched: Result<Vec<u8>, String>) -> Reload {
        let source = self.source.as_ref();
        source.map_or(Reload::Same, |source| source.take(fetched, |set| self.replace(set)))
    }

    fn replace(&self, set: KeySet) {
        *self.key_ring.write().unwrap_or_else(PoisonError::into_inner) = KeyRing::new(set.keys);
        // Only now: who reads the number before a verification must not take an old key's for a new one's.
        self.replaced.fetch_add(1, Ordering::Release);
    }

    fn key_ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.key_ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often the keys were replaced. What was verified after this number was read stands as long as it is the same.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Acquire)
    }

    /// Verifies the value of an `Authorization` header, and chooses the organization of that id among the token's.
    ///
    /// # Errors
    /// When it has no valid token, or the token doesn't name that organization; the variant says why.
    pub fn verify(
        &self,
        authorization: Option<&str>,
        chosen: Option<&[u8]>,
        now: DateTime<Utc>,
    ) -> Result<Principal, Refusal> {
        let token = bearer(authorization.ok_or(Refusal::Missing)?)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::Invalid);
        }
        let key_ring = self.key_ring();
        let verified = match key_ring.verified(token) {
            Some(verified) => verified,
            None if key_ring.keys().is_empty() => return Err(Refusal::NoKeys),
            None if key_ring.refused(token, now) => return Err(Refusal::Invalid),
            None => {
                let claims = self.check_signature(key_ring.keys(), token);
                let verified = Verified::from(claims.inspect_err(|_| key_ring.refuse(token, now))?);
                key_ring.remember(token, &verified);
                verified
            }
        };
        let expires_at = self.check_times(&verified, now)?;
        let organization = verified.organizations.choose(chosen)?;
        let Verified { subject, permissions, .. } = verified;
        Ok(Principal { organization, subject, permissions, expires_at })
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
        let is_named = |key: &Key| key.id.is_some() && key.id == header.kid;
        if header.kid.is_some() && !keys.iter().any(is_named) {
            self.missing.notify_one();
        }
        let mut fitting = keys.iter().filter(|key| key.may_verify(&header)).take(TRIED_MAX);
        fitting.find_map(claims).ok_or(Refusal::Invalid)
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

/// What isn't checked of tokens whose issuer has keys of its own, and probably signs for others, too.
fn unchecked(settings: &Settings) -> Vec<String> {
    let is_unset = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
    let issuer = is_unset(&settings.jwt_issuer)
        .then_some("JWT_ISSUER is not set: a token is valid whatever its `iss` says");
    let audience = is_unset(&settings.jwt_audience)
        .then_some("JWT_AUDIENCE is not set: a token that the issuer made for another service is valid here");
    let is_plain = |url: &String| url.trim().to_lowercase().starts_with("http:");
    let plain =
        settings.jwt_jwks_url.as_ref().is_some_and(is_plain).then_some(
            "JWT_JWKS_URL is fetched without TLS: whoever is on the way can put keys of their own in",
        );
    issuer.into_iter().chain(audience).chain(plain).map(str::to_owned).collect()
}

const NO_KEY: &str = "there is no key to verify tokens with: set JWT_HS256_SECRET to the secret that signs them (at \
                      least 32 bytes), or JWT_HS256_SECRET_FILE to the file that has it, or JWT_JWKS_FILE or JWT_JWKS_URL to where the issuer's public keys are";

const SEVERAL_KEYS: &str = "of JWT_HS256_SECRET, JWT_HS256_SECRET_FILE, JWT_JWKS_FILE and JWT_JWKS_URL more than one is \
                            set: keep the one that tokens are signed with";

fn bearer(authorization: &str) -> Result<&str, Refusal> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(Refusal::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Invalid) }
}

#[cfg(test)]
mod tests;
