//! The answer to a refused request: RFC 9457 problem details, `application/problem+json`. Pure.
//!
//! Types are stable and meant for programs; title and detail are for people. Nothing internal is in any of them. Each type
//! is also the address of a page that says what it means and what to do.

use crate::request::parameter::BadParameter;
use crate::request::rate_limit::Left;
use crate::request::representation::{Media, Refused};
use crate::request::token::Refusal;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// How long a client should wait when the rows can't be read.
pub(crate) const RETRY_UNAVAILABLE: Duration = Duration::from_secs(2);

/// How long a client should wait when too many streams are open: they stay open for minutes.
const RETRY_STREAM: Duration = Duration::from_secs(10);

/// A kind of problem: the type, by which programs tell problems apart, and its words for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last part of its `type`, `/problems/<name>`.
    pub name: &'static str,
    /// Its HTTP status.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means and what to do, in sentences.
    pub meaning: &'static str,
}

const BAD_REQUEST: Kind = Kind {
    name: "bad-request",
    status: 400,
    title: "The request can't be understood",
    meaning: "The request is not valid HTTP, or its query string is not UTF-8. Correct it; the same request will be \
              refused again.",
};
const BAD_PARAMETER: Kind = Kind {
    name: "bad-parameter",
    status: 400,
    title: "A query parameter can't be understood",
    meaning: "The member `parameter` names it, `detail` says what is allowed, or which known one is nearest to an unknown one. \
              Correct it; the same request will be refused again.",
};
const UNAUTHORIZED: Kind = Kind {
    name: "unauthorized",
    status: 401,
    title: "A valid token is needed",
    meaning: "The request has no token, or its token has expired, is signed by a key that is not trusted here, or was \
              issued for another service. Get a new token from its issuer and send it as `Authorization: Bearer`.",
};
const NO_ORGANIZATION: Kind = Kind {
    name: "no-organization",
    status: 403,
    title: "The token names no organization",
    meaning: "The token is valid, but its claim `organization_id` is missing, empty, or can't be an organization's id. The \
              issuer of tokens has to set it.",
};
const NOT_FOUND: Kind = Kind {
    name: "not-found",
    status: 404,
    title: "There is nothing here",
    meaning: "This service has no such path. All its paths are listed at /docs.",
};
const METHOD_NOT_ALLOWED: Kind = Kind {
    name: "method-not-allowed",
    status: 405,
    title: "This can only be read",
    meaning: "Every path allows GET and HEAD only, as the header `Allow` says.",
};
const NOT_ACCEPTABLE: Kind = Kind {
    name: "not-acceptable",
    status: 406,
    title: "The answer isn't given in an accepted form",
    meaning: "The header `Accept` allows none of the media types in which this answer is given; `detail` lists them. Accept one of \
              them, or `*/*` for JSON.",
};
const TOO_MANY_REQUESTS: Kind = Kind {
    name: "too-many-requests",
    status: 429,
    title: "Too many requests",
    meaning: "The organization has used up its rate. A request whose answer has to be loaded counts as more than one, by what \
              it reads. Wait as many seconds as `Retry-After` says; other organizations are not affected.",
};
const TOO_MANY_STREAMS: Kind = Kind {
    name: "too-many-streams",
    status: 429,
    title: "Too many streams are open",
    meaning: "The organization has as many streams open as it may have. Close some, or poll instead; try again after as \
              many seconds as `Retry-After` says.",
};
const UNAVAILABLE: Kind = Kind {
    name: "unavailable",
    status: 503,
    title: "The metrics can't be read at the moment",
    meaning: "The database is unreachable or too busy, and there is no recent answer to give instead. Nothing is lost: try \
              again after as many seconds as `Retry-After` says.",
};

const INTERNAL: Kind = Kind {
    name: "internal",
    status: 500,
    title: "The request could not be handled",
    meaning: "A fault of this service. The member `requestId` names the request: say it to the service's operators, whose log has \
              the cause under it.",
};

/// All kinds.
pub const KINDS: [&Kind; 11] = [
    &BAD_REQUEST,
    &BAD_PARAMETER,
    &UNAUTHORIZED,
    &NO_ORGANIZATION,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &NOT_ACCEPTABLE,
    &TOO_MANY_REQUESTS,
    &TOO_MANY_STREAMS,
    &UNAVAILABLE,
    &INTERNAL,
];

/// The reasons of refusals that are no kind's name: for each a client sees the same, but its operator doesn't.
const REASONS: [&str; 4] = ["token-missing", "token-expired", "token-invalid", "no-keys"];

/// Every reason for which a request is refused.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    let kinds = KINDS.iter().map(|kind| kind.name).filter(|name| *name != UNAUTHORIZED.name);
    kinds.chain(REASONS)
}

/// A problem, as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: &'static Kind,
    detail: Option<String>,
    parameter: Option<Cow<'static, str>>,
    headers: Vec<(&'static str, String)>,
    /// Why, for the service's operators.
    reason: &'static str,
    /// Whose request it is, where that is known.
    organization: Option<Arc<str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    const fn new(kind: &'static Kind) -> Self {
        let (detail, parameter, organization) = (None, None, None);
        Self { kind, detail, parameter, headers: Vec::new(), reason: kind.name, organization }
    }

    /// The same, of a request of this organization.
    #[must_use]
    pub fn of(self, organization: &Arc<str>) -> Self {
        Self { organization: Some(Arc::clone(organization)), ..self }
    }

    /// Why, for the service's operators.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Whose request it is, where that is known.
    #[must_use]
    pub const fn organization(&self) -> Option<&Arc<str>> {
        self.organization.as_ref()
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
        Self::new(&NOT_FOUND)
    }

    /// 405; `allow` lists the methods that are allowed.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(&METHOD_NOT_ALLOWED).with("allow", allow)
    }

    /// 400, for a request that the HTTP library refuses.
    #[must_use]
    pub fn bad_request() -> Self {
        Self::new(&BAD_REQUEST)
    }

    /// 406; `offers` lists the media types in which the answer is given.
    #[must_use]
    pub fn not_acceptable(offers: &[Media]) -> Self {
        let offers: Vec<_> = offers.iter().map(|media| media.name()).collect();
        Self::new(&NOT_ACCEPTABLE)
            .because(format!("this answer is given as {}", offers.join(", ")))
            .with("vary", "accept")
    }

    /// 429: the next request will be answered after `wait`.
    #[must_use]
    pub fn too_many_requests(wait: Duration) -> Self {
        Self::new(&TOO_MANY_REQUESTS)
            .because("this organization has used up its rate of requests")
            .with("retry-after", whole_seconds(wait))
    }

    /// The same, with what is left of the organization's rate.
    #[must_use]
    pub fn with_left(self, left: Option<Left>) -> Self {
        let Some(left) = left else { return self };
        self.with("ratelimit-policy", left.policy()).with("ratelimit", left.limit())
    }

    /// 429: the organization has as many streams open as it may.
    #[must_use]
    pub fn too_many_streams() -> Self {
        Self::new(&TOO_MANY_STREAMS)
            .because("this organization has as many streams open as it may have")
            .with("retry-after", whole_seconds(RETRY_STREAM))
    }

    /// 429: the organization has as many exports under way as it may.
    #[must_use]
    pub fn too_many_exports() -> Self {
        Self::new(&TOO_MANY_STREAMS)
            .because("this organization has as many exports under way as it may have")
            .with("retry-after", whole_seconds(RETRY_STREAM))
    }

    /// 503: the rows can't be read now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(&UNAVAILABLE)
            .because("try again in a moment")
            .with("retry-after", whole_seconds(RETRY_UNAVAILABLE))
    }

    /// 500: a fault of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(&INTERNAL)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status
    }

    /// The headers it is sent with, beside the content type.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The body, with the request's id if it has one, by which its log lines are found.
    #[must_use]
    pub fn json(&self, request_id: Option<&str>) -> Vec<u8> {
        let body = Body {
            kind: format!("/problems/{}", self.kind.name),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail.as_deref(),
            parameter: self.parameter.as_deref(),
            request_id,
        };
        serde_json::to_vec(&body).expect("a problem is numbers and strings")
    }
}

/// Rounded up, and at least 1: `Retry-After: 0` invites a busy loop.
fn whole_seconds(wait: Duration) -> String {
    wait.as_millis().div_ceil(1_000).max(1).to_string()
}

impl From<BadParameter> for Problem {
    fn from(BadParameter { name, detail }: BadParameter) -> Self {
        Self { parameter: Some(name), ..Self::new(&BAD_PARAMETER).because(detail) }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotAcceptable(offers) => Self::not_acceptable(offers),
            Refused::Parameter(bad) => bad.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let unauthorized = |detail: &str| Self::new(&UNAUTHORIZED).because(detail);
        // RFC 6750, section 3.1: to a request without a token the challenge names the scheme only.
        let invalid = |detail: &str| {
            let challenge =
                format!(r#"Bearer realm="metrics", error="invalid_token", error_description="{detail}""#);
            unauthorized(detail).with("www-authenticate", challenge)
        };
        let (reason, problem) = match refusal {
            Refusal::Missing => (
                "token-missing",
                unauthorized("send `Authorization: Bearer` with a token")
                    .with("www-authenticate", r#"Bearer realm="metrics""#),
            ),
            Refusal::Expired => ("token-expired", invalid("the token has expired")),
            Refusal::Invalid => ("token-invalid", invalid("the token is not valid here")),
            Refusal::NoOrganization => (
                NO_ORGANIZATION.name,
                Self::new(&NO_ORGANIZATION)
                    .because("the token is valid, but its claim `organization_id` is missing or empty"),
            ),
            Refusal::NoKeys => ("no-keys", Self::unavailable()),
        };
        Self { reason, ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_rfc_9457() {
        let problem = Problem::from(BadParameter { name: "from".into(), detail: "no".into() });
        let expected = concat!(
            r#"{"type":"/problems/bad-parameter","title":"A query parameter can't be understood","#,
            r#""status":400,"detail":"no","parameter":"from"}"#
        );
        assert_eq!(String::from_utf8(problem.json(None)).unwrap(), expected);
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
