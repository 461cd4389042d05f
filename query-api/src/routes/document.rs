//! Finished documents: what is the same for everybody, kept whole in memory, and the headers that pages are sent with.

use crate::answer::etag;
use crate::routes::{has, put};
use bytes::Bytes;
use warp::http::header::{HeaderMap, HeaderValue};
use warp::http::{Response, StatusCode};

/// What a page of ours may do: load what this server has, and ask this server. It runs nothing that is written into it,
/// sends nothing elsewhere, and nobody may show it within a page of theirs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A document, ready to send.
#[derive(Clone)]
pub(super) struct Document {
    body: Bytes,
    etag: Bytes,
    content_type: &'static str,
}

impl Document {
    pub(super) fn new(body: impl Into<Bytes>, content_type: &'static str) -> Self {
        let body = body.into();
        Self { etag: etag(&body), body, content_type }
    }

    /// The document, or 304 for whoever has it. A browser keeps it and asks each time whether it is still this one:
    /// the next release has another.
    pub(super) fn reply(&self, request: &HeaderMap) -> warp::reply::Response {
        let mut response = conditional(self.body.clone(), &self.etag, self.content_type, request);
        put(&mut response, "cache-control", "no-cache");
        let mut response = response.map(Into::into);
        guard(response.headers_mut());
        response
    }
}

/// The body, or 304 for whoever has it.
pub(super) fn conditional(
    body: Bytes,
    etag: &Bytes,
    content_type: &'static str,
    request: &HeaderMap,
) -> Response<Bytes> {
    let known = has(request, etag);
    let mut response = Response::new(if known { Bytes::new() } else { body });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        put(&mut response, "content-type", content_type);
    }
    let etag = HeaderValue::from_maybe_shared(etag.clone()).expect("a tag is quoted hexadecimal");
    response.headers_mut().insert("etag", etag);
    put(&mut response, "x-content-type-options", "nosniff");
    response
}

/// The headers that keep a page, and what it loads, to itself.
pub(super) fn guard(headers: &mut HeaderMap) {
    let all = [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
