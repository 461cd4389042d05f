//! What a token says. Pure.

use crate::request::token::organizations::Organizations;
use crate::request::token::permissions::Permissions;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// The longest subject that is kept: OpenID Connect Core 1.0, section 2, allows no longer one.
const SUBJECT_BYTES_MAX: usize = 255;

/// The claims as they are in the token. Each but `exp` may be absent, or of any type.
#[derive(Deserialize)]
pub struct Claims {
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    organization_id: Value,
    #[serde(default)]
    organizations: Value,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    scopes: Value,
    #[serde(default)]
    scp: Value,
    #[serde(default)]
    sub: Value,
}

/// The claims of a token with a valid signature.
#[derive(Clone)]
pub struct Verified {
    /// When the token expires, in seconds since the epoch.
    pub exp: f64,
    /// When it begins to be valid.
    pub nbf: Option<f64>,
    /// The organizations that it names.
    pub organizations: Organizations,
    /// What it allows.
    pub permissions: Permissions,
    /// Whose token it is; `None` if the claim is missing, or is no text that can be kept.
    pub subject: Option<Arc<str>>,
}

impl From<Claims> for Verified {
    fn from(claims: Claims) -> Self {
        let Claims { exp, nbf, organization_id, organizations, scope, scopes, scp, sub } = claims;
        let is_kept =
            |sub: &&str| (1..=SUBJECT_BYTES_MAX).contains(&sub.len()) && !sub.chars().any(char::is_control);
        Self {
            exp,
            nbf,
            organizations: Organizations::new(organization_id.as_str(), &texts(&organizations)),
            permissions: Permissions::of_words([&scope, &scopes, &scp].into_iter().flat_map(words)),
            subject: sub.as_str().filter(is_kept).map(Into::into),
        }
    }
}

/// The texts of an array; of anything else none.
fn texts(claim: &Value) -> Vec<&str> {
    claim.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The words of a text, or of an array's texts: RFC 8693, section 4.2, has a text; identity providers write arrays, too.
fn words(claim: &Value) -> Vec<&str> {
    claim.as_str().into_iter().chain(texts(claim)).flat_map(|text| text.split(' ')).collect()
}
