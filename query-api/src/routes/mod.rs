//! From a request to its answer: the one module that knows warp.
//!
//! Filters match and extract strings; `Api::answer` is the life of a request.

use crate::answer::Answer;
use crate::answer::problem::Problem;
use crate::cache::{Cache, Given, Question};
use crate::request::asked::Asked;
use crate::request::limit::{Admission, Limit};
use crate::request::range;
use crate::request::scope::Scope;
use crate::request::token::{Grant, Refusal, Verifier};
use crate::serve::streams::Streams;
use crate::store::Store;
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use warp::http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Response, StatusCode};
use warp::{Filter, Rejection, Reply};

mod compose;
pub mod contract;
mod document;
pub mod page;
mod stream;

use document::conditional;

/// What all of this API allows.
const ALLOW: &str = "GET, HEAD";

/// How a stale answer begins.
const STALE: &[u8] = br#"{"stale":true,"#;

/// How long a request may take.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How long an answer may take; then the client gets 503. Keep it above the time PostgreSQL is allowed for a
    /// statement
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub request_timeout: Duration,
}

/// All that answering takes.
pub struct Api {
    /// Verifies tokens.
    pub verifier: Verifier,
    /// How far ranges may reach.
    pub ranges: range::Settings,
    /// What organizations may ask.
    pub limit: Limit,
    /// Answers kept.
    pub cache: Arc<Cache>,
    /// Who is told of changes.
    pub streams: Streams,
    /// The dashboard's page, where it is served here.
    pub page: Option<page::Page>,
    /// Where the rows are.
    pub store: Store,
    /// How long a request may take.
    pub settings: Settings,
    /// What time it is.
    pub clock: fn() -> DateTime<Utc>,
}

/// A request, taken apart.
struct Ask {
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
}

/// All paths of the API, as a service: every request gets a response.
pub fn service<B>(
    api: Arc<Api>,
) -> impl tower::Service<
    warp::http::Request<B>,
    Response = warp::reply::Response,
    Error = Infallible,
    Future = impl Future<Output = Result<warp::reply::Response, Infallible>> + Send,
> + Clone
where
    B: hyper::body::Body + Send + Sync + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    warp::service(routes(api))
}

/// Futures of answers are boxed: each layer moves the whole future that it is given, and one that could read from
/// PostgreSQL is large.
fn routes(api: Arc<Api>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let answers = {
        let api = Arc::clone(&api);
        // The path has matched before: what is nowhere is 404, whatever the token.
        warp::path!("metrics" / Scope)
            .and(get())
            .and(warp::query::<Vec<(String, String)>>())
            .then(move |scope, headers, pairs| {
                Box::pin(Arc::clone(&api).answer_in_time(scope, Ask { headers, pairs }))
            })
            .map(Reply::into_response)
            .boxed()
    };
    let page = page::routes(api.page.as_ref());
    let stream = warp::path!("metrics" / "stream")
        .and(get())
        .then(move |headers| Box::pin(stream::open(Arc::clone(&api), headers)))
        .map(Reply::into_response)
        .boxed();
    let all = answers.or(stream).unify().or(page).unify().or(contract::routes()).unify();
    // Problems are worded last, when all that is to be said in them is known.
    let request_id = warp::header::value("x-request-id").map(Some).or(warp::any().map(|| None)).unify();
    request_id.and(all.recover(refused)).map(|id: Option<HeaderValue>, reply| worded(id.as_ref(), reply))
}

/// GET or HEAD, and the request's headers.
fn get() -> impl Filter<Extract = (HeaderMap,), Error = Rejection> + Clone {
    warp::get().or(warp::head()).unify().and(warp::header::headers_cloned())
}

impl Api {
    async fn answer_in_time(self: Arc<Self>, scope: Scope, ask: Ask) -> Result<Response<Bytes>, Problem> {
        let limit = self.settings.request_timeout;
        tokio::time::timeout(limit, self.answer(scope, &ask)).await.unwrap_or_else(|_| {
            tracing::warn!(scope = scope.name(), ?limit, "a request took too long");
            Err(Problem::unavailable())
        })
    }

    /// Who asks, if they may now.
    fn admitted(&self, ask: &Ask, now: DateTime<Utc>) -> Result<Grant, Problem> {
        let grant = self.verifier.grant(ask.authorization()?, now)?;
        match self.limit.admit(&grant.organization, Instant::now()) {
            Admission::Granted => Ok(grant),
            Admission::Wait(wait) => Err(Problem::too_many_requests(wait)),
        }
    }

    async fn answer(self: &Arc<Self>, scope: Scope, ask: &Ask) -> Result<Response<Bytes>, Problem> {
        let now = (self.clock)();
        let Grant { organization, .. } = self.admitted(ask, now)?;
        let asked = Asked::of(scope, &ask.pairs, now, &self.ranges)?;
        let question = Question { organization: Arc::clone(&organization), scope, range: asked.key() };
        let api = Arc::clone(self);
        let load = || async move { compose::answer(&api.store, &organization, &asked, now).await };
        let given = self.cache.answer(question, load).await.map_err(|error| {
            tracing::warn!(scope = scope.name(), %error, "the rows can't be read");
            Problem::unavailable()
        })?;
        Ok(match given {
            Given::Fresh(answer) => fresh(answer, &ask.headers),
            Given::Stale(answer, age) => stale(&answer, age),
        })
    }
}

impl Ask {
    /// The `Authorization` header. Two of them, or one that is no text, say nothing.
    fn authorization(&self) -> Result<Option<&str>, Refusal> {
        let mut all = self.headers.get_all(AUTHORIZATION).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => one.to_str().map(Some).map_err(|_| Refusal::Invalid),
            (Some(_), Some(_)) => Err(Refusal::Invalid),
        }
    }
}

/// The answer, or 304 if the client has it already. `no-cache` lets a browser keep it but makes it ask each time, so
/// that nobody looks at yesterday's numbers and asking costs little.
fn fresh(answer: Answer, request: &HeaderMap) -> Response<Bytes> {
    let mut response = conditional(answer.body, &answer.etag, "application/json", request);
    put(&mut response, CACHE_CONTROL, "private, no-cache");
    put(&mut response, VARY, "authorization");
    response
}

/// The last known answer, marked as such. Nobody keeps it: the next one may be right again.
fn stale(answer: &Answer, age: Duration) -> Response<Bytes> {
    let members = answer.body.strip_prefix(b"{").expect("answers are JSON objects with members");
    let mut body = BytesMut::with_capacity(answer.body.len() + STALE.len());
    body.put_slice(STALE);
    body.put_slice(members);
    let mut response = Response::new(body.freeze());
    put(&mut response, CONTENT_TYPE, "application/json");
    put(&mut response, CACHE_CONTROL, "private, no-store");
    put(&mut response, VARY, "authorization");
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
    response
}

/// Whether `If-None-Match` names the tag (RFC 9110, section 13.1.2: compared weakly).
fn has(request: &HeaderMap, etag: &[u8]) -> bool {
    fn opaque(tag: &[u8]) -> &[u8] {
        tag.strip_prefix(b"W/").unwrap_or(tag)
    }
    let named = |tag: &str| tag.trim() == "*" || opaque(tag.trim().as_bytes()) == opaque(etag);
    let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(named)
}

impl Reply for Problem {
    /// Without a body: `worded` makes it.
    fn into_response(self) -> warp::reply::Response {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(self.status()).expect("problems have statuses of HTTP");
        put(&mut response, CONTENT_TYPE, "application/problem+json");
        put(&mut response, CACHE_CONTROL, "no-store");
        put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
        for (name, value) in self.headers() {
            let value = HeaderValue::from_str(value).expect("headers of ours are plain text");
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response.extensions_mut().insert(self);
        response.map(Into::into)
    }
}

/// The response; if it is a problem, with its words and the request's id in them.
fn worded(id: Option<&HeaderValue>, reply: impl Reply) -> warp::reply::Response {
    let mut response = reply.into_response();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let id = id.and_then(|id| id.to_str().ok());
        *response.body_mut() = problem.json(id).into();
    }
    response
}

fn put(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Words warp's own refusals: no path matched, or one did but not the method.
async fn refused(rejection: Rejection) -> Result<Problem, Infallible> {
    Ok(if rejection.is_not_found() {
        Problem::not_found()
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        Problem::method_not_allowed(ALLOW)
    } else {
        Problem::bad_request()
    })
}

#[cfg(test)]
mod tests;
