//! `/metrics/<scope>`: the life of a request, from its token and query to a fresh or a stale answer.

use crate::answer::Answer;
use crate::answer::problem::Problem;
use crate::cache::{Key, Served, loads};
use crate::load::{load, rows};
use crate::request::query::Query;
use crate::request::raw_range;
use crate::request::scope::Scope;
use crate::request::token::Principal;
use crate::routes::api::{Api, Repeatable, put_left};
use crate::routes::http::{Traced, conditional, put};
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use warp::http::Response;
use warp::http::header::{
    AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};

/// For how long a query must ask the same for its response to be repeated.
const SAME_FOR: TimeDelta = TimeDelta::seconds(60);

/// The answer's `completeThrough` and `generatedAt`: a client that has its numbers gets no body, and these may have changed.
const COMPLETE_THROUGH: HeaderName = HeaderName::from_static("complete-through");
const GENERATED_AT: HeaderName = HeaderName::from_static("generated-at");

/// What an answer depends on.
const VARIES: &str = "authorization, organization-id, accept-encoding";

/// How a stale answer begins.
const STALE: &[u8] = br#"{"stale":true,"#;

/// Answers, or gives up after `REQUEST_TIMEOUT`.
pub async fn answer_in_time(
    api: Arc<Api>,
    scope: Scope,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
) -> Result<Response<Bytes>, Problem> {
    let (now, keys_replaced) = ((api.clock)(), api.verifier.replaced());
    let principal = api.admit(&headers, now)?;
    let organization = Arc::clone(&principal.organization);
    let limit = api.settings.request_timeout;
    let asking = Asking { principal, keys_replaced, now };
    let answered = tokio::time::timeout(limit, answer(&api, scope, &headers, &pairs, asking)).await;
    let answered = answered.unwrap_or_else(|_| {
        tracing::warn!(scope = scope.name(), ?limit, "a request timed out");
        Err(Problem::unavailable())
    });
    let left = api.left(&organization);
    match answered {
        Ok(mut response) => {
            left.iter().for_each(|left| put_left(response.headers_mut(), left));
            response.extensions_mut().insert(Traced::answered(organization));
            Ok(response)
        }
        Err(problem) => Err(problem.with_left(left).of(&organization)),
    }
}

/// Who asks, and when.
struct Asking {
    principal: Principal,
    keys_replaced: u64,
    now: DateTime<Utc>,
}

async fn answer(
    api: &Arc<Api>,
    scope: Scope,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    Asking { principal, keys_replaced, now }: Asking,
) -> Result<Response<Bytes>, Problem> {
    let organization = Arc::clone(&principal.organization);
    let query = Query::from_pairs(scope, pairs, now, &api.ranges)?;
    let key = Key { organization: Arc::clone(&organization), scope, query: query.key() };
    let asked = same_for(scope, pairs, now, &key.query, &api.ranges);
    let (loader, rows) = (Arc::clone(api), rows(&query));
    let load = || async move { load(&loader.store, &organization, &query, now).await };
    let served = api.cache.answer(key, rows, load).await.map_err(|error| {
        if let loads::Error::OverRate(wait) = *error {
            return Problem::too_many_requests(wait);
        }
        tracing::warn!(scope = scope.name(), %error, "the rows can't be read");
        Problem::unavailable()
    })?;
    Ok(match served {
        Served::Fresh(answer, forms, standing) => {
            let mut response = fresh(answer, headers);
            response.extensions_mut().insert(forms);
            let repeatable = asked.map(|asked| Repeatable { principal, keys_replaced, standing, asked });
            if let Some(repeatable) = repeatable {
                response.extensions_mut().insert(repeatable);
            }
            response
        }
        Served::Stale(answer, forms, age) => {
            let mut response = stale(&answer, age);
            response.extensions_mut().insert(forms);
            response
        }
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
/// nobody sees yesterday's numbers and revalidation costs little. How fresh they are is also in headers, which a browser takes
/// over from a 304 (RFC 9111, section 3.2).
pub(super) fn fresh(answer: Answer, request: &HeaderMap) -> Response<Bytes> {
    let mut response = conditional(answer.body, &answer.etag, "application/json", request);
    put(&mut response, CACHE_CONTROL, "private, no-cache");
    put(&mut response, VARY, VARIES);
    for (name, value) in [(COMPLETE_THROUGH, answer.complete_through), (GENERATED_AT, answer.generated_at)] {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An older answer, marked as such. No client may keep it: the next one may be fresh.
pub(super) fn stale(answer: &Answer, age: Duration) -> Response<Bytes> {
    let mut body = BytesMut::with_capacity(answer.body.len() + STALE.len());
    // Every answer is a JSON object with members.
    if let Some(members) = answer.body.strip_prefix(b"{") {
        body.put_slice(STALE);
        body.put_slice(members);
    }
    let mut response = Response::new(body.freeze());
    put(&mut response, CONTENT_TYPE, "application/json");
    put(&mut response, CACHE_CONTROL, "private, no-store");
    put(&mut response, VARY, VARIES);
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
    response
}
