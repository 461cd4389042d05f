//! `/metrics/stream`: server-sent events that say "fetch again".

use super::{Api, Ask};
use crate::answer::problem::Problem;
use crate::cache::places::Full;
use crate::serve::streams::{Stream, Word};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use warp::Reply;
use warp::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};
use warp::reply::Response;
use warp::sse::Event;

/// Without an event a comment is sent this often, so that whoever is in between doesn't take the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn open(api: Arc<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let ask = Ask { headers, pairs: Vec::new() };
    let now = (api.clock)();
    let grant = api.admitted(&ask, now)?;
    let known = ask.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    // Beyond its token nobody is told anything.
    let ends_in = (grant.ends_at - now).to_std().unwrap_or_default();
    let stream = api.streams.open(&grant.organization, known, ends_in).map_err(|full| match full {
        Full::Organization => Problem::too_many_streams(),
        Full::All => Problem::unavailable(),
    })?;
    let begun = Arc::clone(&api);
    // The first bytes are not to wait for a database that is slow.
    tokio::spawn(async move { begun.streams.begin(&grant.organization, &begun.cache, &begun.store).await });
    Ok(response(stream))
}

fn response(stream: Stream) -> Response {
    let opened = futures_util::stream::iter([Ok::<_, Infallible>(Event::default().comment(" open"))]);
    let words = futures_util::stream::unfold(stream, |mut stream| async {
        let word = stream.next().await?;
        Some((Ok(event(word)), stream))
    });
    let events = futures_util::StreamExt::chain(opened, words);
    let alive = warp::sse::keep_alive().interval(HEARTBEAT).text(" alive").stream(events);
    let mut response = warp::sse::reply(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(VARY, HeaderValue::from_static("authorization"));
    // nginx would collect the events and send them together.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

fn event(word: Word) -> Event {
    match word {
        Word::Version(version) => Event::default()
            .event("version")
            .id(version.to_string())
            .data(format!("{{\"version\": {version}}}")),
        Word::Goodbye(why) => Event::default().comment(format!(" {why}")),
    }
}
