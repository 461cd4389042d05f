//! Tokens for the query API: one secret per run, a token per organization.

use anyhow::Context as _;
use chrono::{Days, Utc};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Read as _;

/// For how many days a token is valid.
const GOOD_FOR: Days = Days::new(1);

/// The claims that the query API needs.
#[derive(Serialize)]
struct Claims<'a> {
    organization_id: &'a str,
    exp: i64,
}

/// The secret of one run, which signs tokens and which the query API gets.
pub struct Secret(String);

impl Secret {
    /// 256 random bits from the system.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0u8; 32];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut bytes))
            .context("the system gives no random bytes")?;
        let mut text = String::new();
        for byte in bytes {
            write!(text, "{byte:02x}")?;
        }
        Ok(Self(text))
    }

    /// The value of `JWT_HS256_SECRET`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A token for one organization's numbers.
    ///
    /// # Errors
    /// When it can't be signed.
    pub fn token(&self, organization_id: &str) -> anyhow::Result<String> {
        let exp = (Utc::now() + GOOD_FOR).timestamp();
        jwt::install();
        let key = EncodingKey::from_secret(self.0.as_bytes());
        Ok(encode(&Header::default(), &Claims { organization_id, exp }, &key)?)
    }
}
