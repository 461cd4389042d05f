//! Tokens as the dashboard's identity provider signs them, and tokens as it never would.

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

/// The secret with which the stories' query APIs check signatures.
pub(crate) const SECRET: &str = "a secret of the stories, and of them alone";

/// How long a token is valid.
const GOOD_FOR_SECONDS: i64 = 3_600;

/// A token before it is signed.
#[derive(Clone, Debug)]
pub struct Token {
    claims: Map<String, Value>,
    algorithm: Algorithm,
    secret: String,
}

impl Token {
    /// A valid token for this organization.
    #[must_use]
    pub fn of(organization: &str) -> Self {
        Self { claims: Map::new(), algorithm: Algorithm::HS256, secret: SECRET.into() }
            .claim("organization_id", organization)
            .claim("exp", Utc::now().timestamp() + GOOD_FOR_SECONDS)
    }

    /// With this claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Expired so many seconds ago.
    #[must_use]
    pub fn expired(self, seconds: i64) -> Self {
        self.claim("exp", Utc::now().timestamp() - seconds)
    }

    /// Signed with another secret.
    #[must_use]
    pub fn signed_with(mut self, secret: &str) -> Self {
        self.secret = secret.into();
        self
    }

    /// Signed by another algorithm of the same family.
    #[must_use]
    pub fn by(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The token, signed.
    #[must_use]
    pub fn sign(&self) -> String {
        jwt::install();
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(self.algorithm), &self.claims, &key)
            .expect("text and numbers can be signed")
    }

    /// The token with the algorithm "none" and no signature.
    #[must_use]
    pub fn unsigned(&self) -> String {
        let signed = self.sign();
        let claims = signed.split('.').nth(1).expect("a token has three parts");
        // {"alg":"none","typ":"JWT"} in URL-safe base64.
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
    }

    /// The claims.
    #[must_use]
    pub fn claims(&self) -> Value {
        json!(self.claims)
    }
}
