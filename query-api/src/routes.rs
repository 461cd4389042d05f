//! From a request to its answer: the one module that knows warp.
//!
//! Filters match and extract strings; `Api::answer` is the life of a request.

use crate::answer::{Answer, Scope};
use crate::asked::Asked;
use crate::cache::{Cache, Question};
use crate::compose;
use crate::limit::{Admission, Limit};
use crate::problem::Problem;
use crate::range;
use crate::store::Store;
use crate::token::{Refusal, Verifier};
use chrono::{DateTime, Utc};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use warp::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use warp::http::{Response, StatusCode};
use warp::{Filter, Rejection, Reply};

/// What all of this API allows.
const ALLOW: &str = "GET, HEAD";

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
    pub cache: Cache,
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

fn routes(api: Arc<Api>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let summary = warp::path!("metrics" / "summary").and(answered(&api, Scope::Summary));
    let trends = warp::path!("metrics" / "trends").and(answered(&api, Scope::Trends));
    let workflow_health =
        warp::path!("metrics" / "workflow-health").and(answered(&api, Scope::WorkflowHealth));
    let insights = warp::path!("metrics" / "insights").and(answered(&api, Scope::Insights));
    let first = summary.or(trends).unify();
    first.or(workflow_health).unify().or(insights).unify().recover(refused)
}

/// The end of a path that is answered by `scope`. The path has matched before: what is nowhere is 404, whatever the
/// token.
fn answered(
    api: &Arc<Api>,
    scope: Scope,
) -> impl Filter<Extract = (Result<Response<bytes::Bytes>, Problem>,), Error = Rejection> + Clone + use<> {
    let api = Arc::clone(api);
    warp::get()
        .or(warp::head())
        .unify()
        .and(warp::header::headers_cloned())
        .and(warp::query::<Vec<(String, String)>>())
        .map(|headers, pairs| Ask { headers, pairs })
        .then(move |ask| Arc::clone(&api).answer_in_time(scope, ask))
}

impl Api {
    async fn answer_in_time(
        self: Arc<Self>,
        scope: Scope,
        ask: Ask,
    ) -> Result<Response<bytes::Bytes>, Problem> {
        let limit = self.settings.request_timeout;
        tokio::time::timeout(limit, self.answer(scope, &ask)).await.unwrap_or_else(|_| {
            tracing::warn!(scope = scope.name(), ?limit, "a request took too long");
            Err(Problem::unavailable())
        })
    }

    async fn answer(&self, scope: Scope, ask: &Ask) -> Result<Response<bytes::Bytes>, Problem> {
        let now = (self.clock)();
        let organization = self.verifier.organization(ask.authorization()?, now)?;
        match self.limit.admit(&organization, Instant::now()) {
            Admission::Granted => {}
            Admission::Wait(wait) => return Err(Problem::too_many_requests(wait)),
        }
        let asked = Asked::of(scope, &ask.pairs, now, &self.ranges)?;
        let question = Question { organization: &organization, scope, range: &asked.key() };
        let load = compose::answer(&self.store, &organization, &asked, now);
        let answer = self.cache.get_or_load(question, load).await.map_err(|error| {
            tracing::warn!(scope = scope.name(), %error, "the rows can't be read");
            Problem::unavailable()
        })?;
        Ok(sent(answer, &ask.headers))
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
fn sent(answer: Answer, request: &HeaderMap) -> Response<bytes::Bytes> {
    let known = has(request, &answer.etag);
    let mut response = Response::new(if known { bytes::Bytes::new() } else { answer.body });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        put(&mut response, "content-type", "application/json");
    }
    put(&mut response, "etag", &answer.etag);
    put(&mut response, "cache-control", "private, no-cache");
    put(&mut response, "vary", "authorization");
    put(&mut response, "x-content-type-options", "nosniff");
    response
}

/// Whether `If-None-Match` names the tag (RFC 9110, section 13.1.2: compared weakly).
fn has(request: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let named = |tag: &str| tag.trim() == "*" || opaque(tag) == opaque(etag);
    let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(named)
}

impl Reply for Problem {
    fn into_response(self) -> warp::reply::Response {
        let mut response = Response::new(bytes::Bytes::from(self.json()));
        *response.status_mut() = StatusCode::from_u16(self.status()).expect("problems have statuses of HTTP");
        put(&mut response, "content-type", "application/problem+json");
        put(&mut response, "cache-control", "no-store");
        put(&mut response, "x-content-type-options", "nosniff");
        for (name, value) in self.headers() {
            put(&mut response, name, value);
        }
        response.into_response()
    }
}

fn put(response: &mut Response<bytes::Bytes>, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).expect("headers of ours are plain text");
    response.headers_mut().insert(HeaderName::from_static(name), value);
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
