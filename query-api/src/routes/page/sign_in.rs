//! How people sign in at the page, and whom they ask for access: what the page is told at `/overview/settings.json`. No secrets.
//!
//! The page signs in by itself, as a public client: this service only tells it where, and verifies the tokens that come of it.

use crate::request::token;
use std::net::Ipv4Addr;
use warp::http::Uri;

/// Signing in at the page.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Signing in at the page")]
pub struct Settings {
    /// The OpenID provider at which people sign in, by its issuer, such as `https://id.example.com/realms/main`, letter by
    /// letter as its tokens have it. Set it where people have accounts there; unset, they bring a token
    #[arg(long, env)]
    pub oidc_issuer: Option<String>,

    /// The page's id at the provider: a public client, with PKCE, whose redirect address is `/overview` of this service
    #[arg(long, env)]
    pub oidc_client_id: Option<String>,

    /// The scopes that are asked for, `openid` among them. Add what your provider needs for access tokens of this API, and
    /// `offline_access` where it then gives refresh tokens
    #[arg(long, env, default_value = "openid")]
    pub oidc_scope: String,

    /// The `audience` that is asked for. Set it where the provider gives JWTs only then, as Auth0 does
    #[arg(long, env)]
    pub oidc_audience: Option<String>,

    /// The `resource` that is asked for (RFC 8707), an absolute URI. Set it where the provider knows this API by one
    #[arg(long, env)]
    pub oidc_resource: Option<String>,

    /// Origins beside the issuer's that the page may ask, separated by commas. Set it where the provider's token endpoint is
    /// at another one: browsers refuse requests to any that the page's policy doesn't name
    #[arg(long, env, value_delimiter = ',')]
    pub oidc_origins: Vec<String>,

    /// Whom people ask for access: an e-mail address, an `https://` address, or words. It is on the page for who is signed out
    #[arg(long, env)]
    pub access_contact: Option<String>,
}

/// Why these settings can't be used: a sentence that names the variable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSignIn(String);

/// Where people sign in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignIn {
    issuer: String,
    client_id: String,
    scope: String,
    audience: Option<String>,
    resource: Option<String>,
    /// The origins that the page asks.
    pub(super) origins: Vec<String>,
}

impl SignIn {
    /// The provider that the settings name, if they name one.
    ///
    /// # Errors
    /// When people couldn't sign in there, or the API would refuse every token that they get.
    pub(super) fn new(settings: &Settings, token: &token::Settings) -> Result<Option<Self>, BadSignIn> {
        let (issuer, client_id) = match (set(&settings.oidc_issuer), set(&settings.oidc_client_id)) {
            (None, None) => return Ok(None),
            (Some(issuer), Some(client_id)) => (issuer, client_id),
            (Some(_), None) => return Err(bad("OIDC_ISSUER is set, and OIDC_CLIENT_ID is not", ONE_ALONE)),
            (None, Some(_)) => return Err(bad("OIDC_CLIENT_ID is set, and OIDC_ISSUER is not", ONE_ALONE)),
        };
        let mut origins = vec![issuer_origin(&issuer)?];
        for text in settings.oidc_origins.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            origins.push(origin(text).ok_or_else(|| bad(&format!("OIDC_ORIGINS has {text:?}"), ORIGINS))?);
        }
        if !settings.oidc_scope.split_whitespace().any(|word| word == "openid") {
            return Err(bad(
                "OIDC_SCOPE lacks `openid`",
                "add it: without it there is no sign-in, only access",
            ));
        }
        agrees(&issuer, token)?;
        let (audience, resource) = (set(&settings.oidc_audience), set(&settings.oidc_resource));
        let scope = settings.oidc_scope.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Some(Self { issuer, client_id, scope, audience, resource, origins }))
    }
}

/// What the page is told, as JSON. `max_range_days` is the longest range that is answered.
pub(super) fn told(settings: &Settings, sign_in: Option<&SignIn>, max_range_days: u16) -> serde_json::Value {
    serde_json::json!({
        "accessContact": set(&settings.access_contact),
        "maxRangeDays": max_range_days,
        "signIn": sign_in.map(|SignIn { issuer, client_id, scope, audience, resource, .. }| serde_json::json!({
            "issuer": issuer,
            "clientId": client_id,
            "scope": scope,
            "audience": audience,
            "resource": resource,
        })),
    })
}

/// What is to be said of settings that can be used, in sentences for the log.
#[must_use]
pub fn remarks(settings: &Settings, token: &token::Settings) -> Vec<String> {
    let Some(expected) = set(&token.jwt_audience) else { return Vec::new() };
    let asked = set(&settings.oidc_audience).or_else(|| set(&settings.oidc_resource));
    let differs = set(&settings.oidc_issuer).and(asked).filter(|asked| *asked != expected);
    let sentence = |asked: String| {
        format!(
            "the page asks the provider for tokens for {asked:?} (OIDC_AUDIENCE or OIDC_RESOURCE), and JWT_AUDIENCE \
             ({expected:?}) is another: unless the provider writes that to `aud`, nobody who signs in is let in"
        )
    };
    differs.map(sentence).into_iter().collect()
}

/// Whether tokens of this issuer can be verified, and are let in.
fn agrees(issuer: &str, token: &token::Settings) -> Result<(), BadSignIn> {
    let has_keys = set(&token.jwt_jwks_url).is_some()
        || token.jwt_jwks_file.as_deref().is_some_and(|file| !file.as_os_str().is_empty());
    if !has_keys {
        let what = "OIDC_ISSUER is set, but nothing verifies the tokens of an issuer";
        return Err(bad(what, "set JWT_JWKS_URL to the address of its keys, in place of JWT_HS256_SECRET"));
    }
    match set(&token.jwt_issuer) {
        Some(expected) if expected != issuer => {
            let what = format!("OIDC_ISSUER is {issuer:?}, and JWT_ISSUER is {expected:?}");
            Err(bad(
                &what,
                "set both to the `iss` of its tokens, letter by letter: every token would be refused",
            ))
        }
        Some(_) | None => Ok(()),
    }
}

const ONE_ALONE: &str = "set both, or neither";

const ISSUER: &str = "set it to the provider's issuer, such as https://id.example.com/realms/main: https:// (http:// only for \
                      localhost and 127.0.0.1), without a query";

const ORIGINS: &str = "list origins such as https://login.example.com, without a path";

fn issuer_origin(issuer: &str) -> Result<String, BadSignIn> {
    let is_plain = !issuer.contains(['?', '#']);
    let origin = Some(issuer).filter(|_| is_plain).and_then(origin_of);
    origin.ok_or_else(|| bad(&format!("OIDC_ISSUER is {issuer:?}"), ISSUER))
}

/// The text, if it is an origin and nothing more.
fn origin(text: &str) -> Option<String> {
    origin_of(text).filter(|origin| *origin == text.trim_end_matches('/').to_ascii_lowercase())
}

/// The origin of an address as the page's policy has it. `None` for one without TLS, except on the same machine, and for one
/// whose host isn't written as a policy can have it.
fn origin_of(text: &str) -> Option<String> {
    let address: Uri = text.parse().ok()?;
    let (host, port) = (address.host()?.to_ascii_lowercase(), address.port_u16());
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback());
    let scheme =
        address.scheme_str().filter(|scheme| *scheme == "https" || (*scheme == "http" && is_here))?;
    // Neither `user:password@`, nor what would end the policy's list.
    let is_alone = address.authority()?.as_str().len() == host.len() + port_text(port).len();
    let is_host =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (is_alone && is_host).then(|| format!("{scheme}://{host}{}", port_text(port)))
}

fn port_text(port: Option<u16>) -> String {
    port.map(|port| format!(":{port}")).unwrap_or_default()
}

/// What is set, without blanks around it. Empty is unset: Compose passes variables that aren't there as empty ones.
fn set(text: &Option<String>) -> Option<String> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn bad(what: &str, remedy: &str) -> BadSignIn {
    BadSignIn(format!("{what}: {remedy}"))
}

#[cfg(test)]
mod tests;
