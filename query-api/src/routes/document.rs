//! Finished documents: the same for all clients, held in memory; and the headers that pages are sent with.

use crate::answer::etag;
use crate::routes::http::{conditional, put};
use bytes::Bytes;
use warp::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};

/// What a page may do: load from this server and send requests to it. It runs no inline scripts, sends nothing elsewhere,
/// and can't be framed by other pages.
const STRICT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same, except that requests may also be sent to the origins after this.
const CONNECTED: &str = "connect-src 'self'";

/// A content security policy.
#[derive(Clone, Debug)]
pub(super) struct Policy(HeaderValue);

impl Policy {
    /// Everything stays here.
    pub(super) const fn strict() -> Self {
        Self(HeaderValue::from_static(STRICT))
    }

    /// Requests may also be sent to these origins, which have been checked: nothing in them ends the list.
    pub(super) fn connecting_to(origins: &[String]) -> Self {
        let connected = origins.iter().fold(CONNECTED.to_owned(), |list, origin| list + " " + origin);
        let policy = STRICT.replace(CONNECTED, &connected);
        Self(HeaderValue::try_from(policy).expect("an origin is ASCII"))
    }
}

/// A document, ready to send.
#[derive(Clone)]
pub(super) struct Document {
    body: Bytes,
    etag: Bytes,
    content_type: &'static str,
    policy: Policy,
}

impl Document {
    pub(super) fn new(body: impl Into<Bytes>, content_type: &'static str) -> Self {
        Self::under(Policy::strict(), body, content_type)
    }

    /// A document that may do what the policy says.
    pub(super) fn under(policy: Policy, body: impl Into<Bytes>, content_type: &'static str) -> Self {
        let body = body.into();
        Self { etag: etag(&body), body, content_type, policy }
    }

    /// The document, or 304 if the client has it. A browser keeps it and revalidates it each time: the next release may
    /// have another.
    pub(super) fn reply(&self, request: &HeaderMap) -> warp::reply::Response {
        let mut response = conditional(self.body.clone(), &self.etag, self.content_type, request);
        put(&mut response, CACHE_CONTROL, "no-cache");
        let mut response = response.map(Into::into);
        guard(response.headers_mut(), &self.policy);
        response
    }
}

/// Sets the headers that confine a page and what it loads.
pub(super) fn guard(headers: &mut HeaderMap, policy: &Policy) {
    headers.insert(CONTENT_SECURITY_POLICY, policy.0.clone());
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
