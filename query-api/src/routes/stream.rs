//! `/metrics/stream`: server-sent events that say "fetch again".

use crate::answer::problem::Problem;
use crate::cache::slots::Full;
use crate::request::parameter;
use crate::routes::api::Api;
use crate::routes::http::Traced;
use crate::streams::{Event, Stream, follow};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use warp::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};
use warp::reply::Response;
use warp::{Reply, sse};

/// How often a comment is sent in the absence of events, so that no proxy takes the connection for dead.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Opens a stream for the request's principal, until its token expires.
pub async fn open(
    api: Arc<Api>,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
) -> Result<Response, Problem> {
    let now = (api.clock)();
    let principal = api.admit(&headers, now)?;
    parameter::only(&pairs, &[]).map_err(|bad| Problem::from(bad).of(&principal.organization))?;
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let lifetime = (principal.expires_at - now).to_std().unwrap_or_default();
    let stream = api.streams.open(&principal.organization, known, lifetime).map_err(|full| match full {
        Full::Organization => Problem::too_many_streams().of(&principal.organization),
        Full::All => Problem::unavailable().of(&principal.organization),
    })?;
    let traced = Traced::answered(Arc::clone(&principal.organization));
    // In a task of its own: the first bytes must not wait for a slow database.
    tokio::spawn(async move {
        follow::begin(&api.streams, &principal.organization, &api.cache, &api.store).await;
    });
    let mut response = response(stream);
    response.extensions_mut().insert(traced);
    Ok(response)
}

fn response(stream: Stream) -> Response {
    let opened = futures_util::stream::iter([Ok::<_, Infallible>(sse::Event::default().comment(" open"))]);
    let events = futures_util::stream::unfold(stream, |mut stream| async {
        let event = stream.next().await?;
        Some((Ok(on_the_wire(event)), stream))
    });
    let events = futures_util::StreamExt::chain(opened, events);
    let alive = sse::keep_alive().interval(KEEP_ALIVE_EVERY).text(" alive").stream(events);
    let mut response = sse::reply(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(VARY, HeaderValue::from_static("authorization, organization-id"));
    // nginx would buffer events.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

fn on_the_wire(event: Event) -> sse::Event {
    match event {
        Event::Version(version) => sse::Event::default()
            .event("version")
            .id(version.to_string())
            .data(format!("{{\"version\": {version}}}")),
        Event::End(reason) => sse::Event::default().comment(format!(" {reason}")),
    }
}
