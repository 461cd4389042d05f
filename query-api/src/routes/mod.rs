//! From HTTP to an answer, and back: the one module that knows warp.
//!
//! ```text
//! api          the parts that answer a request, and whether it may be answered
//! metrics      /metrics/<scope>: the life of a request
//!   asking     who asks what and when
//!   freshness  fresh and stale answers
//!   csv        a list of an answer
//!   export     all pages of a list
//!   overview   /metrics/overview: several answers
//! stream       /metrics/stream
//! settings     /settings/thresholds, /settings/links
//! webhooks     /settings/webhooks/...
//! page         /overview, /assets/...: the dashboard
//! contract     /openapi.json, /docs, /problems/...
//!   document   finished documents
//! problems     refusals in the words of RFC 9457
//! http         requests and responses, apart from what they are about
//! ```
//!
//! Filters match and extract strings; what they mean is up to `request`.

mod api;
mod asking;
pub mod contract;
mod csv;
mod document;
mod export;
mod freshness;
mod http;
mod metrics;
mod overview;
pub mod page;
mod problems;
mod settings;
mod stream;
mod webhooks;

pub use api::{Api, ORGANIZATION_ID, Repeatable, Settings, put_limit};
pub use export::{EXPORTS_MAX, EXPORTS_PER_ORGANIZATION_MAX};
pub use http::{Traced, has_tag};
pub use problems::panicked;

use crate::answer::links::Links;
use crate::answer::problem::Problem;
use crate::answer::thresholds::Thresholds;
use crate::request::api_version;
use crate::request::scope::Scope;
use std::convert::Infallible;
use std::sync::Arc;
use warp::filters::BoxedFilter;
use warp::http::header::HeaderValue;
use warp::{Filter, Reply};

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

/// Futures of answers are boxed: each layer of filters moves the whole future, and one that may read from PostgreSQL is
/// large.
fn routes(api: Arc<Api>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let page = page::routes(api.page.as_ref());
    let answers = {
        let api = Arc::clone(&api);
        // The path is matched before the token is verified: an unknown path is 404, whatever the token.
        let scope = warp::path!("metrics" / Scope).map(metrics::Asked::Scope);
        let overview = warp::path!("metrics" / "overview").map(|| metrics::Asked::Overview);
        scope
            .or(overview)
            .unify()
            .and(http::get())
            .and(warp::query::<Vec<(String, String)>>())
            .then(move |asked, headers, pairs| {
                Box::pin(metrics::answer_in_time(Arc::clone(&api), asked, headers, pairs))
            })
            .map(Reply::into_response)
            .boxed()
    };
    let settings = settings::routes::<Thresholds>(&api)
        .or(settings::routes::<Links>(&api))
        .unify()
        .or(webhooks_of(Arc::clone(&api)))
        .unify();
    let stream = warp::path!("metrics" / "stream")
        .and(http::get())
        .and(warp::query::<Vec<(String, String)>>())
        .then(move |headers, pairs| Box::pin(stream::open(Arc::clone(&api), headers, pairs)))
        .map(Reply::into_response)
        .boxed();
    // The version that there is was taken off before.
    let versions = warp::path::param::<api_version::Unknown>()
        .map(|version: api_version::Unknown| Problem::unknown_version(&version.0).into_response())
        .boxed();
    let all = answers
        .or(stream)
        .unify()
        .or(settings)
        .unify()
        .or(page)
        .unify()
        .or(contract::routes())
        .unify()
        .or(versions)
        .unify();
    // The bodies of problems are written last, because the request's id is a part of them.
    let request_id = warp::header::value("x-request-id").map(Some).or(warp::any().map(|| None)).unify();
    let recovered = all.recover(problems::of_rejection);
    request_id.and(recovered).map(|id: Option<HeaderValue>, reply| problems::with_body(id.as_ref(), reply))
}

/// `/settings/webhooks` and what is below it. Which methods a path has is up to `webhooks`.
fn webhooks_of(api: Arc<Api>) -> BoxedFilter<(warp::reply::Response,)> {
    let requested = warp::path!("settings" / "webhooks" / ..)
        .and(warp::path::tail())
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::query::<Vec<(String, String)>>())
        .map(|rest: warp::path::Tail, method, headers, pairs| webhooks::Requested {
            method,
            rest: rest.as_str().to_owned(),
            headers,
            pairs,
        });
    requested
        .and(warp::body::stream())
        .then(move |requested, body| Box::pin(webhooks::answer(Arc::clone(&api), requested, body)))
        .map(Reply::into_response)
        .boxed()
}

#[cfg(test)]
pub(crate) mod tests;
