//! `/settings/<name>`: a setting of an organization, read and changed.

use crate::answer::document::BYTES_MAX;
use crate::answer::problem::Problem;
use crate::answer::setting::{Kept, Setting};
use crate::answer::strong_etag;
use crate::request::parameter::only;
use crate::request::rates::Admission;
use crate::request::representation::Media;
use crate::request::token::{Permission, Principal};
use crate::routes::api::Api;
use crate::routes::http::{conditional, get, json, may_change, put};
use crate::store::Error;
use bytes::{Buf, Bytes};
use futures_util::Stream;
use std::sync::Arc;
use std::time::Instant;
use warp::filters::BoxedFilter;
use warp::http::Response;
use warp::http::header::{CACHE_CONTROL, HeaderMap, VARY};
use warp::{Filter, Reply};

/// The methods that this path allows.
const ALLOW: &str = "GET, HEAD, PUT";

/// What an answer depends on.
const VARIES: &str = "authorization, organization-id, accept-encoding";

/// Reading it, changing it, and the refusal of all else.
pub(super) fn routes<S: Setting>(api: &Arc<Api>) -> BoxedFilter<(warp::reply::Response,)> {
    let path = || warp::path("settings").and(warp::path(S::NAME)).and(warp::path::end());
    let (reader, writer) = (Arc::clone(api), Arc::clone(api));
    let pairs = || warp::query::<Vec<(String, String)>>();
    let read = path().and(get()).and(pairs());
    let read = read.then(move |headers, pairs| Box::pin(show::<S>(Arc::clone(&reader), headers, pairs)));
    let body = warp::body::stream();
    let write = path().and(warp::put()).and(warp::header::headers_cloned()).and(pairs()).and(body);
    let write = write.then(move |headers, pairs, body| {
        Box::pin(change::<S, _>(Arc::clone(&writer), headers, pairs, body))
    });
    let other = path().map(|| Problem::method_not_allowed(ALLOW).into_response());
    let read = read.map(Reply::into_response);
    read.or(write.map(Reply::into_response)).unify().or(other).unify().boxed()
}

/// The setting of the request's organization, or 304 if the client has it.
async fn show<S: Setting>(
    api: Arc<Api>,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
) -> Result<Response<Bytes>, Problem> {
    let principal = api.admit_for(&headers, Permission::SettingsRead, (api.clock)())?;
    let organization = &principal.organization;
    let read = async {
        only(&pairs, &[])?;
        if let Admission::Wait(wait) = api.rate_limit.admit_load(organization, 1, Instant::now()) {
            return Err(Problem::too_many_requests(wait));
        }
        let turn = api.store.turn(organization).await.map_err(|error| unread::<S>(&error))?;
        let kept = api.store.setting::<S>(&turn).await.map_err(|error| unread::<S>(&error))?;
        Ok(shown(organization, &kept, &headers))
    };
    let read = tokio::time::timeout(api.settings.request_timeout, read).await;
    api.finished(organization, read.unwrap_or_else(|_| Err(Problem::unavailable())))
}

/// Replaces the setting of the request's organization by the body.
async fn change<S: Setting, B: Buf>(
    api: Arc<Api>,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
    body: impl Stream<Item = Result<B, warp::Error>> + Send,
) -> Result<Response<Bytes>, Problem> {
    let principal = api.admit_for(&headers, Permission::SettingsWrite, (api.clock)())?;
    let organization = Arc::clone(&principal.organization);
    let change = async {
        only(&pairs, &[])?;
        let document = S::read(&json(&headers, body, BYTES_MAX).await?)?;
        if let Admission::Wait(wait) = api.rate_limit.admit_load(&organization, 1, Instant::now()) {
            return Err(Problem::too_many_requests(wait));
        }
        // A task of its own: whoever asks may go away, and a change that is committed must be announced all the same.
        let changing = tokio::spawn(replace::<S>(Arc::clone(&api), principal, headers.clone(), document));
        let kept = changing.await.unwrap_or_else(|_| Err(Problem::internal()))?;
        // What is changed now isn't what the request's `If-None-Match` could name.
        Ok(shown(&organization, &kept, &HeaderMap::new()))
    };
    let changed = tokio::time::timeout(api.settings.request_timeout, change).await;
    api.finished(&organization, changed.unwrap_or_else(|_| Err(Problem::unavailable())))
}

/// Changes the setting, unless it is as it shall be, and puts older answers out of use. Returns what it is then.
async fn replace<S: Setting>(
    api: Arc<Api>,
    Principal { organization, subject, .. }: Principal,
    headers: HeaderMap,
    document: S::Document,
) -> Result<Kept<S>, Problem> {
    let mut refused = None;
    let change = |kept: &Kept<S>, now| {
        let (_, etag) = body(&organization, kept);
        if !may_change(&headers, &etag) {
            refused = Some(Problem::changed_meanwhile());
            return None;
        }
        let replaced = kept.setting.set_to(&document, now, subject.as_deref());
        if replaced == kept.setting {
            return None;
        }
        if let Admission::Wait(wait) = api.rate_limit.admit_change(&organization, Instant::now()) {
            refused = Some(Problem::too_many_changes(wait));
            return None;
        }
        Some(replaced)
    };
    let changed = api.store.change_setting(&organization, subject.as_deref(), change).await;
    match (changed, refused) {
        (Ok(_), Some(problem)) => Err(problem),
        (Ok([before, after]), None) => {
            if S::IS_SHOWN && before.revision != after.revision {
                api.cache.outdate(&organization).await;
            }
            Ok(after)
        }
        (Err(error @ Error::ReadOnly(_)), _) => {
            tracing::warn!(%error, "settings can't be changed");
            Err(Problem::read_only())
        }
        (Err(error), _) => {
            // It may have been committed nevertheless.
            if S::IS_SHOWN {
                api.cache.outdate(&organization).await;
            }
            Err(unread::<S>(&error))
        }
    }
}

fn unread<S: Setting>(error: &Error) -> Problem {
    tracing::warn!(setting = S::NAME, %error, "a setting can't be read or changed");
    Problem::unavailable()
}

/// The answer that shows it, and its tag.
fn body<S: Setting>(organization: &str, kept: &Kept<S>) -> (Bytes, Bytes) {
    let shown = serde_json::to_vec(&kept.setting.shown(organization));
    let body = Bytes::from(shown.expect("settings are numbers, texts and times"));
    let etag = strong_etag(&body);
    (body, etag)
}

fn shown<S: Setting>(organization: &str, kept: &Kept<S>, headers: &HeaderMap) -> Response<Bytes> {
    let (body, etag) = body(organization, kept);
    let mut response = conditional(body, &etag, Media::Json.name(), headers);
    put(&mut response, CACHE_CONTROL, "private, no-cache");
    put(&mut response, VARY, VARIES);
    response
}
