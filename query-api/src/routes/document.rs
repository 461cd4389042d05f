//! Finished documents: what is the same for everybody, kept whole in memory, and the headers that pages are sent with.

use crate::answer::etag;
use crate::routes::{has, put};
use bytes::Bytes;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use warp::http::{Response, StatusCode};

/// What a page of ours may do: load what this server has, and ask this server. It runs nothing that is written into it,
/// sends nothing elsewhere, and nobody may show it within a page of theirs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// About as many headers as an answer gets, here and from the layers: room that is made once.
const HEADERS: usize = 12;

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
        put(&mut response, CACHE_CONTROL, "no-cache");
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
    response.headers_mut().reserve(HEADERS);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        put(&mut response, CONTENT_TYPE, content_type);
    }
    let etag = HeaderValue::from_maybe_shared(etag.clone()).expect("a tag is quoted hexadecimal");
    response.headers_mut().insert(ETAG, etag);
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
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
