//! The parts that answer a request, and the check whether it may be answered.

use crate::answer::problem::Problem;
use crate::cache::slots::Slots;
use crate::cache::{Cache, Standing};
use crate::request::rate_limit::{Left, RateLimit};
use crate::request::rates::Admission;
use crate::request::raw_range;
use crate::request::token::{Permission, Principal, Refusal, Verifier};
use crate::routes::http::Traced;
use crate::routes::page::Page;
use crate::sending::Sender;
use crate::store::Store;
use crate::streams::Streams;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};
use warp::http::Response;
use warp::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// The header by which a client chooses among the organizations that its token names.
pub const ORGANIZATION_ID: HeaderName = HeaderName::from_static("organization-id");

/// How long a request may take.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How long an answer may take; then the client gets 503. Keep it above LOAD_TIMEOUT
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub request_timeout: Duration,
}

/// The parts that answer a request.
pub struct Api {
    /// Verifies tokens.
    pub verifier: Arc<Verifier>,
    /// How far ranges may reach.
    pub ranges: raw_range::Settings,
    /// How many requests organizations may make.
    pub rate_limit: Arc<RateLimit>,
    /// The cache of answers.
    pub cache: Arc<Cache>,
    /// The open streams.
    pub streams: Streams,
    /// The exports under way.
    pub exports: Arc<Slots>,
    /// The dashboard's page, if it is served here.
    pub page: Option<Page>,
    /// Where rows are read.
    pub store: Arc<Store>,
    /// Who sends webhooks' messages.
    pub sender: Arc<Sender>,
    /// How long a request may take.
    pub settings: Settings,
    /// The clock.
    pub clock: fn() -> DateTime<Utc>,
}

/// By what a finished response may be given again to the same request.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// Whose numbers it has, and until when its token is valid.
    pub principal: Principal,
    /// How often keys had been replaced when its token was verified.
    pub keys_replaced: u64,
    /// What its answer is current by.
    pub standing: Standing,
    /// From when on, and until when, the same query asks the same.
    pub asked: [DateTime<Utc>; 2],
}

impl Api {
    /// Whether the response is right now, and the organization's rate allows another one. If so it is counted as given.
    pub fn may_repeat(&self, repeatable: &Repeatable) -> bool {
        let Repeatable { principal, keys_replaced, standing, asked } = repeatable;
        let Principal { organization, expires_at, .. } = principal;
        let now = (self.clock)();
        let [from, until] = asked;
        let may = now < *expires_at
            && (from..until).contains(&&now)
            && self.verifier.replaced() == *keys_replaced
            && self.cache.stands(organization, standing)
            && matches!(self.rate_limit.admit(organization, Instant::now()), Admission::Granted);
        if may {
            self.cache.given_again();
        }
        may
    }

    /// The principal of a request for numbers, if the organization's rate allows the request.
    pub(super) fn admit(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Principal, Problem> {
        self.admit_for(headers, Permission::MetricsRead, now)
    }

    /// The request's principal, if its token allows this, and the organization's rate the request.
    pub(super) fn admit_for(
        &self,
        headers: &HeaderMap,
        permission: Permission,
        now: DateTime<Utc>,
    ) -> Result<Principal, Problem> {
        let principal = self.verifier.verify(authorization(headers)?, chosen(headers), now)?;
        if !principal.permissions.include(permission) {
            return Err(Problem::insufficient_scope(permission).of(&principal.organization));
        }
        match self.rate_limit.admit(&principal.organization, Instant::now()) {
            Admission::Granted => Ok(principal),
            Admission::Wait(wait) => {
                let left = self.left(&principal.organization);
                Err(Problem::too_many_requests(wait).with_left(left).of(&principal.organization))
            }
        }
    }

    /// What is left of the organization's rate; `None` without a limit.
    pub fn left(&self, organization: &str) -> Option<Left> {
        self.rate_limit.left(organization, Instant::now())
    }

    /// The outcome with what is left of the organization's rate, for a client and for who observes.
    pub(super) fn finished<T>(
        &self,
        organization: &Arc<str>,
        outcome: Result<Response<T>, Problem>,
    ) -> Result<Response<T>, Problem> {
        let left = self.left(organization);
        match outcome {
            Ok(mut response) => {
                left.iter().for_each(|left| put_left(response.headers_mut(), left));
                response.extensions_mut().insert(Traced::answered(Arc::clone(organization)));
                Ok(response)
            }
            Err(problem) => Err(problem.with_left(left).of(organization)),
        }
    }
}

/// The `Authorization` header. Two of them, or one that is no text, are invalid.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| Refusal::Invalid),
        (Some(_), Some(_)) => Err(Refusal::Invalid),
    }
}

/// The organization that the request chooses. Two choices are none that any token names: no id is empty.
pub(super) fn chosen(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(ORGANIZATION_ID).iter();
    let first = all.next()?;
    Some(if all.next().is_none() { first.as_bytes() } else { b"" })
}

/// Says in a response's headers what the organization's rate is, and what is left of it.
fn put_left(headers: &mut HeaderMap, left: &Left) {
    if let Ok(policy) = HeaderValue::try_from(left.policy()) {
        headers.insert("ratelimit-policy", policy);
    }
    put_limit(headers, left);
}

/// Says what is left in headers that say what the rate is.
pub fn put_limit(headers: &mut HeaderMap, left: &Left) {
    if let Ok(limit) = HeaderValue::try_from(left.limit()) {
        headers.insert("ratelimit", limit);
    }
}
