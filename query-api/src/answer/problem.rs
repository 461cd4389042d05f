//! The answer to a refused request: RFC 9457 problem details, `application/problem+json`. Pure.
//!
//! Types are stable and meant for programs; title and detail are for people. Nothing internal is in any of them. Each type
//! is also the address of a page that says what it means and what to do.

use crate::answer::document::{BYTES_MAX, BadDocument};
use crate::request::api_version::VERSION;
use crate::request::parameter::BadParameter;
use crate::request::rate_limit::Left;
use crate::request::representation::{Media, Refused};
use crate::request::token::{Permission, Refusal};
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
const BAD_DOCUMENT: Kind = Kind {
    name: "bad-document",
    status: 400,
    title: "The document can't be used",
    meaning: "The request's body is not as the endpoint needs it. The member `pointer` says where (RFC 6901), `detail` what is allowed \
              there. Nothing is changed; the same request will be refused again.",
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
    meaning: "The token is valid, but neither its claim `organization_id` nor one of `organizations` is an organization's id. The \
              issuer of tokens has to set one of them.",
};
const OTHER_ORGANIZATION: Kind = Kind {
    name: "other-organization",
    status: 403,
    title: "The token doesn't name this organization",
    meaning: "The header `Organization-Id` chooses among the organizations that the token's claims `organization_id` and \
              `organizations` name, and it has none of them. Send one of these, or get a token that names this one.",
};
const SEVERAL_ORGANIZATIONS: Kind = Kind {
    name: "several-organizations",
    status: 400,
    title: "The token names several organizations",
    meaning: "The token's claim `organizations` names several, and its claim `organization_id` doesn't say which one is meant by \
              default. Send the id of one of them in the header `Organization-Id`.",
};
const INSUFFICIENT_SCOPE: Kind = Kind {
    name: "insufficient-scope",
    status: 403,
    title: "The token doesn't allow this",
    meaning: "The token is valid, but its scopes don't allow the request. The header `WWW-Authenticate` names the scope that is \
              needed. A token that names none of this API's scopes may read numbers and settings, not refusals, and change \
              nothing.",
};
const NOT_FOUND: Kind = Kind {
    name: "not-found",
    status: 404,
    title: "There is nothing here",
    meaning: "This service has no such path. All its paths are listed at /docs; each may begin with the version, /v1. The member \
              `detail` says so if it is the version that isn't there.",
};
const METHOD_NOT_ALLOWED: Kind = Kind {
    name: "method-not-allowed",
    status: 405,
    title: "This method isn't allowed here",
    meaning: "The header `Allow` says which methods the path allows. Numbers can only be read, by GET and HEAD.",
};
const CHANGED_MEANWHILE: Kind = Kind {
    name: "changed-meanwhile",
    status: 412,
    title: "The settings were changed meanwhile",
    meaning: "The tag in `If-Match` is not that of the settings as they are now: somebody has changed them since. Nothing is changed. \
              Read them again, and decide once more; without `If-Match` the request would overwrite that change.",
};
const TOO_LONG: Kind = Kind {
    name: "too-long",
    status: 413,
    title: "The document is too long",
    meaning: "The request's body has more bytes than any document that this endpoint could use. Nothing is changed.",
};
const NO_JSON: Kind = Kind {
    name: "no-json",
    status: 415,
    title: "The document must be JSON",
    meaning: "The request's body is said to be of another type, or of none. Send JSON, with `Content-Type: application/json`.",
};
const WEBHOOKS_OFF: Kind = Kind {
    name: "webhooks-off",
    status: 404,
    title: "There are no webhooks here",
    meaning: "The operators of this service have not switched webhooks on (`WEBHOOKS=on`). Everything else is there.",
};
const CONFLICT: Kind = Kind {
    name: "conflict",
    status: 409,
    title: "That can't be done as things are",
    meaning: "The request is right, but what it is about is in a state that doesn't allow it. `detail` says which, and what to do \
              first.",
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

const READ_ONLY: Kind = Kind {
    name: "read-only",
    status: 503,
    title: "Settings can't be changed at the moment",
    meaning: "The database that this service reads takes no writes: it is a standby. Ask the service's operators, whose log names the \
              setting, or try again after as many seconds as `Retry-After` says, if a failover is under way.",
};

const INTERNAL: Kind = Kind {
    name: "internal",
    status: 500,
    title: "The request could not be handled",
    meaning: "A fault of this service. The member `requestId` names the request: say it to the service's operators, whose log has \
              the cause under it.",
};

/// All kinds.
pub const KINDS: [&Kind; 21] = [
    &BAD_REQUEST,
    &BAD_PARAMETER,
    &BAD_DOCUMENT,
    &UNAUTHORIZED,
    &NO_ORGANIZATION,
    &OTHER_ORGANIZATION,
    &SEVERAL_ORGANIZATIONS,
    &INSUFFICIENT_SCOPE,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &NOT_ACCEPTABLE,
    &WEBHOOKS_OFF,
    &CONFLICT,
    &CHANGED_MEANWHILE,
    &TOO_LONG,
    &NO_JSON,
    &TOO_MANY_REQUESTS,
    &TOO_MANY_STREAMS,
    &UNAVAILABLE,
    &READ_ONLY,
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
    place: Option<Place>,
    headers: Vec<(&'static str, String)>,
    /// Why, for the service's operators.
    reason: &'static str,
    /// Whose request it is, where that is known.
    organization: Option<Arc<str>>,
}

/// What of the request can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The query parameter of this name.
    Parameter(Cow<'static, str>),
    /// What this JSON Pointer leads to in the document.
    Pointer(String),
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
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    const fn new(kind: &'static Kind) -> Self {
        let (detail, place, organization) = (None, None, None);
        Self { kind, detail, place, headers: Vec::new(), reason: kind.name, organization }
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

    /// 404: the path begins with a version that there isn't.
    #[must_use]
    pub fn unknown_version(name: &str) -> Self {
        Self::new(&NOT_FOUND).because(format!("this API has no version {name}: its one version is {VERSION}"))
    }

    /// 405; `allow` lists the methods that are allowed.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(&METHOD_NOT_ALLOWED).with("allow", allow)
    }

    /// 403: the token doesn't allow this (RFC 6750, section 3.1).
    #[must_use]
    pub fn insufficient_scope(needed: Permission) -> Self {
        let scope = needed.scope();
        Self::new(&INSUFFICIENT_SCOPE).because(format!("this needs a token with the scope `{scope}`")).with(
            "www-authenticate",
            format!(r#"Bearer realm="metrics", error="insufficient_scope", scope="{scope}""#),
        )
    }

    /// 400, for a request that the HTTP library refuses.
    #[must_use]
    pub fn bad_request() -> Self {
        Self::new(&BAD_REQUEST)
    }

    /// 404: webhooks are switched off.
    #[must_use]
    pub fn webhooks_off() -> Self {
        Self::new(&WEBHOOKS_OFF)
    }

    /// 409.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(&CONFLICT).because(detail)
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

    /// 429: the organization has changed its settings as often as it may; it may again after `wait`.
    #[must_use]
    pub fn too_many_changes(wait: Duration) -> Self {
        Self::new(&TOO_MANY_REQUESTS)
            .because("this organization has changed its settings as often as it may in an hour")
            .with("retry-after", whole_seconds(wait))
    }

    /// 412: the settings aren't those that the client knows.
    #[must_use]
    pub fn changed_meanwhile() -> Self {
        Self::new(&CHANGED_MEANWHILE)
            .because("`If-Match` doesn't name the settings as they are now: read them again")
    }

    /// 413: the document is longer than any that could be used.
    #[must_use]
    pub fn too_long() -> Self {
        Self::new(&TOO_LONG).because(format!("the document must have {BYTES_MAX} bytes at most"))
    }

    /// 415: the document isn't said to be JSON.
    #[must_use]
    pub fn no_json() -> Self {
        Self::new(&NO_JSON).because("send `Content-Type: application/json`")
    }

    /// 503: the database takes no writes.
    #[must_use]
    pub fn read_only() -> Self {
        Self::new(&READ_ONLY)
            .because("this service's database takes no writes now")
            .with("retry-after", whole_seconds(RETRY_UNAVAILABLE))
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
        let (parameter, pointer) = match &self.place {
            Some(Place::Parameter(name)) => (Some(&**name), None),
            Some(Place::Pointer(pointer)) => (None, Some(&**pointer)),
            None => (None, None),
        };
        let body = Body {
            kind: format!("/problems/{}", self.kind.name),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail.as_deref(),
            parameter,
            pointer,
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
        Self { place: Some(Place::Parameter(name)), ..Self::new(&BAD_PARAMETER).because(detail) }
    }
}

impl From<BadDocument> for Problem {
    fn from(BadDocument { pointer, detail }: BadDocument) -> Self {
        Self { place: Some(Place::Pointer(pointer)), ..Self::new(&BAD_DOCUMENT).because(detail) }
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
            Refusal::OtherOrganization => (
                OTHER_ORGANIZATION.name,
                Self::new(&OTHER_ORGANIZATION)
                    .because("`Organization-Id` is none of the organizations that the token names"),
            ),
            Refusal::SeveralOrganizations => (
                SEVERAL_ORGANIZATIONS.name,
                Self::new(&SEVERAL_ORGANIZATIONS).because(
                    "send the id of one of the token's organizations in the header `Organization-Id`",
                ),
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
