//! Finished documents: the same for all clients, held in memory; and the headers that pages are sent with.

use crate::answer::etag;
use crate::routes::http::{conditional, put};
use bytes::Bytes;
use warp::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};

/// What a page may do: load from this server and send requests to it. It runs no inline scripts, sends nothing elsewhere,
/// and can't be framed by other pages.
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

    /// The document, or 304 if the client has it. A browser keeps it and revalidates it each time: the next release may
    /// have another.
    pub(super) fn reply(&self, request: &HeaderMap) -> warp::reply::Response {
        let mut response = conditional(self.body.clone(), &self.etag, self.content_type, request);
        put(&mut response, CACHE_CONTROL, "no-cache");
        let mut response = response.map(Into::into);
        guard(response.headers_mut());
        response
    }
}

/// Sets the headers that confine a page and what it loads.
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
