//! What a token says. Pure.

use serde::Deserialize;
use std::sync::Arc;

/// The longest id an organization has: the consumer refuses records with a longer one.
const ORGANIZATION_BYTES_MAX: usize = 128;

/// The claims as they are in the token. Each but `exp` may be absent, or of any type.
#[derive(Deserialize)]
pub struct Claims {
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    organization_id: serde_json::Value,
}

/// The claims of a token with a valid signature.
#[derive(Clone)]
pub struct Verified {
    /// When the token expires, in seconds since the epoch.
    pub exp: f64,
    /// When it begins to be valid.
    pub nbf: Option<f64>,
    /// The organization; `None` if the claim is missing or can't be an organization's id.
    pub organization: Option<Arc<str>>,
}

impl From<Claims> for Verified {
    fn from(Claims { exp, nbf, organization_id }: Claims) -> Self {
        let organization = organization_id.as_str().filter(|id| is_organization(id));
        Self { exp, nbf, organization: organization.map(Into::into) }
    }
}

/// Whether the consumer counts records of an organization with that id.
fn is_organization(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= ORGANIZATION_BYTES_MAX && !id.chars().any(char::is_control)
}
