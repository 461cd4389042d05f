//! What a refused request gets: RFC 9457 problem details, `application/problem+json`. Pure.
//!
//! The types are stable and meant for programs, title and detail for people. Nothing internal is in them.

use crate::range::BadParameter;
use crate::token::Refusal;
use serde::Serialize;
use std::time::Duration;

/// How long a client should wait when something this service needs is away.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(2);

/// A refusal, worded for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    #[serde(skip)]
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    const fn new(status: u16, kind: &'static str, title: &'static str) -> Self {
        Self { kind, title, status, detail: None, parameter: None, headers: Vec::new() }
    }

    fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "/problems/not-found", "There is nothing here")
    }

    /// 405; `allow` lists the methods that would do.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(405, "/problems/method-not-allowed", "This can only be read").with("allow", allow)
    }

    /// 400 for a request that is odd in a way only the HTTP library knows.
    #[must_use]
    pub fn bad_request() -> Self {
        Self::new(400, "/problems/bad-request", "The request can't be understood")
    }

    /// 429: `wait` from now the next request would be answered.
    #[must_use]
    pub fn too_many_requests(wait: Duration) -> Self {
        Self::new(429, "/problems/too-many-requests", "Too many requests")
            .because("this organization has used up its rate of requests")
            .with("retry-after", whole_seconds(wait))
    }

    /// 503: what the answer is made from can't be read now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "/problems/unavailable", "The metrics can't be read at the moment")
            .because("try again in a moment")
            .with("retry-after", whole_seconds(RETRY_UNAVAILABLE))
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Headers it is sent with, beside the content type.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a problem is numbers and strings")
    }
}

/// At least 1: `Retry-After: 0` invites a busy loop.
fn whole_seconds(wait: Duration) -> String {
    wait.as_millis().div_ceil(1_000).max(1).to_string()
}

impl From<BadParameter> for Problem {
    fn from(BadParameter { name, detail }: BadParameter) -> Self {
        let problem = Self::new(400, "/problems/bad-parameter", "A query parameter can't be understood");
        Self { parameter: Some(name), ..problem.because(detail) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let unauthorized = |detail: &str| {
            Self::new(401, "/problems/unauthorized", "A valid token is needed").because(detail)
        };
        // RFC 6750, section 3.1: a request without a token is told the scheme only.
        let invalid = |detail: &str| {
            let challenge =
                format!(r#"Bearer realm="metrics", error="invalid_token", error_description="{detail}""#);
            unauthorized(detail).with("www-authenticate", challenge)
        };
        match refusal {
            Refusal::Missing => unauthorized("send `Authorization: Bearer` with a token")
                .with("www-authenticate", r#"Bearer realm="metrics""#),
            Refusal::Expired => invalid("the token has expired"),
            Refusal::Invalid => invalid("the token is not valid here"),
            Refusal::NoOrganization => {
                Self::new(403, "/problems/no-organization", "The token names no organization")
                    .because("the token is valid, but its claim `organization_id` is missing or empty")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_rfc_9457() {
        let problem = Problem::from(BadParameter { name: "from", detail: "no".into() });
        let expected = concat!(
            r#"{"type":"/problems/bad-parameter","title":"A query parameter can't be understood","#,
            r#""status":400,"detail":"no","parameter":"from"}"#
        );
        assert_eq!(String::from_utf8(problem.json()).unwrap(), expected);
    }

    #[test]
    fn retry_after_is_never_zero() {
        let check = |wait, seconds: &str| {
            assert_eq!(Problem::too_many_requests(wait).headers(), [("retry-after", seconds.to_owned())]);
        };
        check(Duration::ZERO, "1");
        check(Duration::from_millis(5), "1");
        check(Duration::from_millis(1_001), "2");
    }
}
