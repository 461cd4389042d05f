//! `/settings/thresholds`: what alerts are judged by, and what an organization sets itself.

use crate::answer::problem::Problem;
use crate::answer::strong_etag;
use crate::answer::thresholds::Kept;
use crate::answer::thresholds::document::{BYTES_MAX, Document};
use crate::answer::thresholds::shown::Shown;
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

/// Reading them, changing them, and the refusal of all else.
pub(super) fn routes(api: &Arc<Api>) -> BoxedFilter<(warp::reply::Response,)> {
    let path = || warp::path!("settings" / "thresholds");
    let (reader, writer) = (Arc::clone(api), Arc::clone(api));
    let pairs = || warp::query::<Vec<(String, String)>>();
    let read = path().and(get()).and(pairs());
    let read = read.then(move |headers, pairs| Box::pin(show(Arc::clone(&reader), headers, pairs)));
    let body = warp::body::stream();
    let write = path().and(warp::put()).and(warp::header::headers_cloned()).and(pairs()).and(body);
    let write =
        write.then(move |headers, pairs, body| Box::pin(change(Arc::clone(&writer), headers, pairs, body)));
    let other = path().map(|| Problem::method_not_allowed(ALLOW).into_response());
    let read = read.map(Reply::into_response);
    read.or(write.map(Reply::into_response)).unify().or(other).unify().boxed()
}

/// The thresholds of the request's organization, or 304 if the client has them.
async fn show(
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
        let turn = api.store.turn(organization).await.map_err(|error| unread(&error))?;
        let kept = api.store.thresholds(&turn).await.map_err(|error| unread(&error))?;
        Ok(shown(organization, &kept, &headers))
    };
    let read = tokio::time::timeout(api.settings.request_timeout, read).await;
    api.finished(organization, read.unwrap_or_else(|_| Err(Problem::unavailable())))
}

/// Replaces the thresholds of the request's organization by those of the body.
async fn change(
    api: Arc<Api>,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
) -> Result<Response<Bytes>, Problem> {
    let principal = api.admit_for(&headers, Permission::SettingsWrite, (api.clock)())?;
    let organization = Arc::clone(&principal.organization);
    let change = async {
        only(&pairs, &[])?;
        let document = Document::read(&json(&headers, body, BYTES_MAX).await?)?;
        if let Admission::Wait(wait) = api.rate_limit.admit_load(&organization, 1, Instant::now()) {
            return Err(Problem::too_many_requests(wait));
        }
        // A task of its own: whoever asks may go away, and a change that is committed must be announced all the same.
        let changing = tokio::spawn(replace(Arc::clone(&api), principal, headers.clone(), document));
        let kept = changing.await.unwrap_or_else(|_| Err(Problem::internal()))?;
        // What is changed now isn't what the request's `If-None-Match` could name.
        Ok(shown(&organization, &kept, &HeaderMap::new()))
    };
    let changed = tokio::time::timeout(api.settings.request_timeout, change).await;
    api.finished(&organization, changed.unwrap_or_else(|_| Err(Problem::unavailable())))
}

/// Changes the thresholds, unless they are as they shall be, and puts older answers out of use. Returns what they are then.
async fn replace(
    api: Arc<Api>,
    Principal { organization, subject, .. }: Principal,
    headers: HeaderMap,
    document: Document,
) -> Result<Kept, Problem> {
    let mut refused = None;
    let change = |kept: &Kept, now| {
        let (_, etag) = body(&organization, kept);
        if !may_change(&headers, &etag) {
            refused = Some(Problem::changed_meanwhile());
            return None;
        }
        let replaced = kept.thresholds.replaced(document.all(), now, subject.as_deref());
        if replaced == kept.thresholds {
            return None;
        }
        if let Admission::Wait(wait) = api.rate_limit.admit_change(&organization, Instant::now()) {
            refused = Some(Problem::too_many_changes(wait));
            return None;
        }
        Some(replaced)
    };
    let changed = api.store.change_thresholds(&organization, subject.as_deref(), change).await;
    match (changed, refused) {
        (Ok(_), Some(problem)) => Err(problem),
        (Ok([before, after]), None) => {
            if before.revision != after.revision {
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
            api.cache.outdate(&organization).await;
            Err(unread(&error))
        }
    }
}

fn unread(error: &Error) -> Problem {
    tracing::warn!(%error, "thresholds can't be read or changed");
    Problem::unavailable()
}

/// The answer that shows them, and its tag.
fn body(organization: &str, kept: &Kept) -> (Bytes, Bytes) {
    let shown = Shown::new(organization, &kept.thresholds);
    let body = Bytes::from(serde_json::to_vec(&shown).expect("thresholds are numbers and strings"));
    let etag = strong_etag(&body);
    (body, etag)
}

fn shown(organization: &str, kept: &Kept, headers: &HeaderMap) -> Response<Bytes> {
    let (body, etag) = body(organization, kept);
    let mut response = conditional(body, &etag, Media::Json.name(), headers);
    put(&mut response, CACHE_CONTROL, "private, no-cache");
    put(&mut response, VARY, VARIES);
    response
}
