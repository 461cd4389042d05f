//! Tokens: whatever bytes `Authorization` has, only a signed token is accepted.

use crate::verdict::Verdict;
use chrono::DateTime;
use jsonwebtoken::{Algorithm, EncodingKey};
use query_api::request::token::{Principal, Refusal, Settings, Verifier};
use std::sync::LazyLock;
use std::time::Duration;

/// The secret that signs the seeds.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// 2026-02-25T10:00:00Z, the time of all requests here.
pub const NOW: i64 = 1_772_013_600;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let settings = Settings {
        jwt_hs256_secret: Some(SECRET.into()),
        jwt_hs256_secret_file: None,
        jwt_jwks_file: None,
        jwt_jwks_url: None,
        jwt_jwks_ca_file: None,
        jwt_issuer: None,
        jwt_audience: None,
        jwt_leeway: Duration::ZERO,
    };
    Verifier::new(&settings).expect("the secret is long enough")
});

/// Verifies `bytes` as the header's value.
///
/// # Panics
/// When a token is accepted whose signature isn't the secret's, or whose organization can't be one.
pub fn check(bytes: &[u8]) -> Verdict {
    let Ok(authorization) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let now = DateTime::from_timestamp(NOW, 0).expect("a time");
    match VERIFIER.verify(Some(authorization), None, now) {
        Ok(Principal { organization, .. }) => {
            assert!(is_signed(authorization), "accepted, and not signed: {authorization}");
            assert!(!organization.trim().is_empty() && organization.len() <= 128);
            assert!(!organization.chars().any(char::is_control));
            Verdict::Accepted
        }
        // Claims are read only after the signature is checked.
        Err(
            Refusal::Expired
            | Refusal::NoOrganization
            | Refusal::OtherOrganization
            | Refusal::SeveralOrganizations,
        ) => {
            assert!(is_signed(authorization), "read, and not signed: {authorization}");
            Verdict::Refused
        }
        Err(Refusal::Missing | Refusal::Invalid | Refusal::NoKeys) => Verdict::Refused,
    }
}

/// Whether the last of the token's three parts is the secret's signature of the other two, as HS256 makes it.
fn is_signed(authorization: &str) -> bool {
    let token = authorization.trim().rsplit(' ').next().unwrap_or_default();
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    jwt::install();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256)
        .is_ok_and(|right| right == signature)
}
