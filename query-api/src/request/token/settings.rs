//! Which key verifies tokens, and whose tokens are valid.

use std::path::PathBuf;
use std::time::Duration;

/// Whose tokens are valid.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "Tokens (one of secret, file and URL is needed)")]
pub struct Settings {
    /// The secret that signs HS256 tokens, at least 32 bytes. Set it where one party issues all tokens and can share
    /// a secret with this service
    #[arg(long, env, hide_env_values = true)]
    pub jwt_hs256_secret: Option<String>,

    /// The file that has that secret; with several, one a line, tokens may be signed with any of them. Set it where secrets
    /// are mounted as files. A changed file is read within seconds: add a new secret, and later remove the old one
    #[arg(long, env)]
    pub jwt_hs256_secret_file: Option<PathBuf>,

    /// A JWKS file with the public keys of RS256, ES256 or EdDSA tokens. Set it where an identity provider issues
    /// tokens. A changed file is read within seconds, so rotate keys by replacing it
    #[arg(long, env)]
    pub jwt_jwks_file: Option<PathBuf>,

    /// The address of such a set of keys, such as `https://id.example.com/.well-known/jwks.json`. Set it where the issuer
    /// publishes its keys: they are fetched at start, every few minutes, and when a token names an unknown one
    #[arg(long, env)]
    pub jwt_jwks_url: Option<String>,

    /// A PEM file of certificate authorities to trust instead of the system's when that address is asked; read again for each fetch.
    /// Set it where the issuer's certificate is signed by an authority of your own
    #[arg(long, env)]
    pub jwt_jwks_ca_file: Option<PathBuf>,

    /// The `iss` a token must have; unset, any. Set it where the key also signs for others
    #[arg(long, env)]
    pub jwt_issuer: Option<String>,

    /// The `aud` a token must have; unset, any. Set it where the issuer makes tokens for several services
    #[arg(long, env)]
    pub jwt_audience: Option<String>,

    /// How long after its `exp` (and before its `nbf`) a token is still valid. Raise it to a few seconds where the
    /// issuer's clock and this one's disagree
    #[arg(long, env, default_value = "0s", value_parser = humantime::parse_duration)]
    pub jwt_leeway: Duration,
}

/// Why these settings can't be used: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub(super) String);
