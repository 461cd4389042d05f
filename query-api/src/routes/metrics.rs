//! `/metrics/<scope>`: the life of a request, from its token and query to a fresh or a stale answer.

use crate::answer::Answer;
use crate::answer::problem::Problem;
use crate::cache::{Key, Served};
use crate::load::load;
use crate::request::query::Query;
use crate::request::raw_range;
use crate::request::scope::Scope;
use crate::request::token::Principal;
use crate::routes::api::{Api, Repeatable};
use crate::routes::http::{Traced, conditional, put};
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use warp::http::Response;
use warp::http::header::{
    AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};

/// For how long a query must ask the same for its response to be repeated.
const SAME_FOR: TimeDelta = TimeDelta::seconds(60);

/// How a stale answer begins.
const STALE: &[u8] = br#"{"stale":true,"#;

/// Answers, or gives up after `REQUEST_TIMEOUT`.
pub async fn answer_in_time(
    api: Arc<Api>,
    scope: Scope,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
) -> Result<Response<Bytes>, Problem> {
    let limit = api.settings.request_timeout;
    let now = (api.clock)();
    let keys_replaced = api.verifier.replaced();
    let principal = api.admit(&headers, now)?;
    let organization = Arc::clone(&principal.organization);
    let answer = answer(&api, scope, &headers, &pairs, (principal, keys_replaced, now));
    let answer = tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        tracing::warn!(scope = scope.name(), ?limit, "a request timed out");
        Err(Problem::unavailable())
    });
    let mut response = answer.map_err(|problem| problem.of(&organization))?;
    response.extensions_mut().insert(Traced::answered(organization));
    Ok(response)
}

async fn answer(
    api: &Arc<Api>,
    scope: Scope,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    (principal, keys_replaced, now): (Principal, u64, DateTime<Utc>),
) -> Result<Response<Bytes>, Problem> {
    let organization = Arc::clone(&principal.organization);
    let query = Query::from_pairs(scope, pairs, now, &api.ranges)?;
    let key = Key { organization: Arc::clone(&organization), scope, query: query.key() };
    let asked = same_for(scope, pairs, now, &key.query, &api.ranges);
    let loader = Arc::clone(api);
    let load = || async move { load(&loader.store, &organization, &query, now).await };
    let served = api.cache.answer(key, load).await.map_err(|error| {
        tracing::warn!(scope = scope.name(), %error, "the rows can't be read");
        Problem::unavailable()
    })?;
    Ok(match served {
        Served::Fresh(answer, standing) => {
            let mut response = fresh(answer, headers);
            let repeatable = asked.map(|asked| Repeatable { principal, keys_replaced, standing, asked });
            if let Some(repeatable) = repeatable {
                response.extensions_mut().insert(repeatable);
            }
            response
        }
        Served::Stale(answer, age) => stale(&answer, age),
    })
}

/// From when until when the query asks the same, if that is for [`SAME_FOR`] at least. What a query asks follows the clock and
/// never goes back, so what is the same at both ends is the same between them.
fn same_for(
    scope: Scope,
    pairs: &[(String, String)],
    now: DateTime<Utc>,
    key: &str,
    ranges: &raw_range::Settings,
) -> Option<[DateTime<Utc>; 2]> {
    let until = now + SAME_FOR;
    let then = Query::from_pairs(scope, pairs, until, ranges).ok()?;
    (then.key() == key).then_some([now, until])
}

/// The answer, or 304 if the client has it. `no-cache` lets a browser keep it but makes it revalidate each time, so that
/// nobody sees yesterday's numbers and revalidation costs little.
pub(super) fn fresh(answer: Answer, request: &HeaderMap) -> Response<Bytes> {
    let mut response = conditional(answer.body, &answer.etag, "application/json", request);
    put(&mut response, CACHE_CONTROL, "private, no-cache");
    put(&mut response, VARY, "authorization");
    response
}

/// An older answer, marked as such. No client may keep it: the next one may be fresh.
pub(super) fn stale(answer: &Answer, age: Duration) -> Response<Bytes> {
    let members = answer
        .body
        .strip_prefix(b"{")
        .expect("answers are JSON objects with members, those from Redis, too: `Answer::kept`");
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
