//! Requests and responses, apart from what they are about.

use crate::answer::problem::Problem;
use crate::request::representation::Media;
use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use std::pin::pin;
use std::sync::Arc;
use warp::http::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Response, StatusCode};
use warp::{Filter, Rejection};

/// What a response says of its request to who observes it, and to no client.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// Whose request it is, if a valid token said so.
    pub organization: Option<Arc<str>>,
    /// Why it is refused, if it is.
    pub refused: Option<&'static str>,
}

impl Traced {
    /// Of an answer to this organization.
    pub const fn answered(organization: Arc<str>) -> Self {
        Self { organization: Some(organization), refused: None }
    }
}

/// Room for about as many headers as an answer gets, here and from the layers, allocated once.
const HEADERS: usize = 16;

/// GET or HEAD, and the request's headers.
pub fn get() -> impl Filter<Extract = (HeaderMap,), Error = Rejection> + Clone {
    warp::get().or(warp::head()).unify().and(warp::header::headers_cloned())
}

/// The body, if it is said to be JSON, and has at most so many bytes.
pub async fn json(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case(Media::Json.name()) {
        return Err(Problem::no_json());
    }
    let (mut body, mut whole) = (pin!(body), BytesMut::new());
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| Problem::bad_request())?;
        if whole.len() + part.remaining() > bytes_max {
            return Err(Problem::too_long());
        }
        whole.put(part);
    }
    Ok(whole.freeze())
}

/// Sets a header.
pub fn put(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The body, or 304 if the client has it.
pub fn conditional(
    body: Bytes,
    etag: &Bytes,
    content_type: &'static str,
    request: &HeaderMap,
) -> Response<Bytes> {
    let known = has_tag(request, etag);
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

/// Whether `If-None-Match` names the tag, by weak comparison (RFC 9110, section 13.1.2).
pub fn has_tag(request: &HeaderMap, etag: &[u8]) -> bool {
    names(request, IF_NONE_MATCH, etag)
}

/// Whether the request's condition holds for what has this tag: `If-Match` names it, or isn't there. Compared by what is in quotes
/// alone, though section 13.1.1 asks for more: a proxy that compresses makes a tag weak, and nobody behind it could ever match.
pub fn may_change(request: &HeaderMap, etag: &[u8]) -> bool {
    !request.contains_key(IF_MATCH) || names(request, IF_MATCH, etag)
}

fn names(request: &HeaderMap, header: HeaderName, etag: &[u8]) -> bool {
    fn opaque(tag: &[u8]) -> &[u8] {
        tag.strip_prefix(b"W/").unwrap_or(tag)
    }
    let named = |tag: &str| tag.trim() == "*" || opaque(tag.trim().as_bytes()) == opaque(etag);
    let lists = request.get_all(header).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(named)
}
