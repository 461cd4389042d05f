//! Fresh and stale answers as responses: how they may be kept, and how fresh their numbers are.

use crate::answer::Answer;
use crate::request::representation::Media;
use crate::routes::http::{conditional, put};
use bytes::{BufMut as _, Bytes, BytesMut};
use std::time::Duration;
use warp::http::Response;
use warp::http::header::{
    AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};

/// The answer's `completeThrough` and `generatedAt`: a client that has its numbers gets no body, and these may have changed.
const COMPLETE_THROUGH: HeaderName = HeaderName::from_static("complete-through");
const GENERATED_AT: HeaderName = HeaderName::from_static("generated-at");

/// What an answer depends on.
const VARIES: &str = "accept, authorization, organization-id, accept-encoding";

/// How a stale answer begins.
const STALE: &[u8] = br#"{"stale":true,"#;

/// The answer, or 304 if the client has it. `no-cache` lets a browser keep it but makes it revalidate each time, so that
/// nobody sees yesterday's numbers and revalidation costs little. How fresh they are is also in headers, which a browser takes
/// over from a 304 (RFC 9111, section 3.2).
pub fn fresh(answer: Answer, request: &HeaderMap) -> Response<Bytes> {
    let mut response = conditional(answer.body, &answer.etag, Media::Json.name(), request);
    put_freshness(response.headers_mut(), answer.complete_through, answer.generated_at);
    response
}

/// Says how a fresh answer may be kept, and how fresh its numbers are.
pub fn put_freshness(headers: &mut HeaderMap, complete_through: Bytes, generated_at: Bytes) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static(VARIES));
    for (name, value) in [(COMPLETE_THROUGH, complete_through), (GENERATED_AT, generated_at)] {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            headers.insert(name, value);
        }
    }
}

/// An older answer, marked as such.
pub fn stale(answer: &Answer, age: Duration) -> Response<Bytes> {
    let mut response = Response::new(marked(answer));
    put(&mut response, CONTENT_TYPE, Media::Json.name());
    put_age(response.headers_mut(), age);
    response
}

/// The JSON of an older answer, which says so first.
pub fn marked(answer: &Answer) -> Bytes {
    let mut body = BytesMut::with_capacity(answer.body.len() + STALE.len());
    // Every answer is a JSON object with members.
    if let Some(members) = answer.body.strip_prefix(b"{") {
        body.put_slice(STALE);
        body.put_slice(members);
    }
    body.freeze()
}

/// Says how old an older answer is. No client may keep it: the next one may be fresh.
pub fn put_age(headers: &mut HeaderMap, age: Duration) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(VARY, HeaderValue::from_static(VARIES));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
}
