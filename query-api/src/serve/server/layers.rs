//! The layers that every request passes: its id, its version, compression, other origins.

use crate::request::api_version;
use crate::serve::server::settings::BadSettings;
use hyper::header::HeaderName;
use hyper::http::uri::{PathAndQuery, Uri};
use hyper::{Method, Request, http};
use std::time::Duration;
use tower::Layer as _;
use tower_http::CompressionLevel;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Smaller answers don't get smaller by compressing.
const COMPRESS_BYTES_MIN: u64 = 860;

/// The id by which a request is found in logs, here and at the client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over; a UUID has 36 bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The headers that scripts of other origins may send.
const ALLOWED: [&str; 8] = [
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "last-event-id",
    "organization-id",
    "traceparent",
    "x-request-id",
];

/// The headers that scripts of other origins may read.
const EXPOSED: [&str; 10] = [
    "age",
    "complete-through",
    "content-disposition",
    "etag",
    "generated-at",
    "link",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
];

/// The methods that there are.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];

/// How long a browser may remember which requests are allowed across origins.
const CORS_MAX_AGE: Duration = Duration::from_secs(3_600);

/// Takes the id off a request if it isn't safe to repeat in logs and answers. A later layer gives it another.
pub fn without_unsafe_id<B>(mut request: Request<B>) -> Request<B> {
    let mut ids = request.headers().get_all(REQUEST_ID).iter();
    let unsafe_id = match (ids.next(), ids.next()) {
        (None, _) => false,
        (Some(id), None) => !is_safe_id(id.as_bytes()),
        (Some(_), Some(_)) => true,
    };
    if unsafe_id {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

/// Takes the version off a request's path. All layers below see the same request with and without it: they share labels of
/// metrics, answers and finished responses.
pub fn without_version<B>(mut request: Request<B>) -> Request<B> {
    if let Some(Ok(uri)) = unversioned(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn unversioned(uri: &Uri) -> Option<Result<Uri, http::Error>> {
    let rest = api_version::without(uri.path_and_query()?.as_str())?;
    let mut parts = uri.clone().into_parts();
    Some(PathAndQuery::try_from(rest).map_err(Into::into).and_then(|rest| {
        parts.path_and_query = Some(rest);
        Uri::from_parts(parts).map_err(Into::into)
    }))
}

fn is_safe_id(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(plain)
}

/// `service`, whose answers are compressed as its clients take them.
pub fn compressed<S>(service: S) -> Compression<S, impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(worth_compressing())
        .layer(service)
}

/// Which answers are compressed: those that shrink, but no streams, whose events would wait in the compressor.
fn worth_compressing() -> impl Predicate {
    SizeAbove::new(COMPRESS_BYTES_MIN)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
}

/// Which other origins may read the API; none by default.
///
/// # Errors
/// When one of them is no origin.
pub fn cors(origins: &[String]) -> Result<Option<CorsLayer>, BadSettings> {
    let origins: Vec<_> =
        origins.iter().map(|origin| origin.trim()).filter(|origin| !origin.is_empty()).collect();
    if origins.is_empty() {
        return Ok(None);
    }
    let bad = |origin: &str| {
        BadSettings(format!(
            "CORS_ORIGINS has {origin:?}, which is no origin such as https://app.example.com"
        ))
    };
    let is_origin = |origin: &str| {
        origin.split_once("://").is_some_and(|(scheme, host)| {
            ["http", "https"].contains(&scheme) && !host.is_empty() && !host.contains(['/', '*', ' '])
        })
    };
    let parse = |origin: &&str| match origin.parse() {
        Ok(value) if is_origin(origin) => Ok(value),
        Ok(_) | Err(_) => Err(bad(origin)),
    };
    let allowed = origins.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_methods(METHODS)
        .allow_headers(ALLOWED.map(HeaderName::from_static))
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(CORS_MAX_AGE);
    Ok(Some(layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        let check = |origins: &[&str], good: bool| {
            let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
            assert_eq!(cors(&origins).is_ok(), good, "{origins:?}");
        };
        check(&[], true);
        check(&[""], true);
        check(&["https://app.example.com", "http://localhost:5173"], true);
        check(&["*"], false);
        check(&["app.example.com"], false);
        check(&["https://app.example.com/"], false);
        check(&["https://*.example.com"], false);
    }

    #[test]
    fn the_version_is_taken_off_the_path_and_nothing_else_is_changed() {
        let check = |target: &str, seen: &str| {
            let request = Request::builder().uri(target).header("a", "b").body(7).unwrap();
            let request = without_version(request);
            assert_eq!((request.uri().to_string(), request.headers().len()), (seen.to_owned(), 1));
            assert_eq!(request.into_body(), 7);
        };
        check("/v1/metrics/summary?from=a%20b", "/metrics/summary?from=a%20b");
        check("http://metrics.example:80/v1/docs", "http://metrics.example:80/docs");
        check("/metrics/summary", "/metrics/summary");
        check("/v1/v1/docs", "/v1/docs");
        check("/v2/docs", "/v2/docs");
        check("*", "*");
    }

    #[test]
    fn an_unsafe_id_is_taken_off() {
        let check = |ids: &[&[u8]], stays: bool| {
            let mut request = Request::new(());
            for id in ids {
                let id = hyper::header::HeaderValue::from_bytes(id).unwrap();
                request.headers_mut().append(REQUEST_ID, id);
            }
            assert_eq!(without_unsafe_id(request).headers().contains_key(REQUEST_ID), stays, "{ids:?}");
        };
        check(&[b"0b1f6d1e-7d2c-4a51-9a0e-0f6d1d8c2f11"], true);
        check(&[b"Root=1-67891233-abcdef012345678912345678"], false);
        check(&[b"edge_1.42"], true);
        check(&[b"x", b"x"], false);
        check(&[b""], false);
        check(&[b"a b"], false);
        check(&[b"<script>"], false);
        check(&["é".as_bytes()], false);
        check(&[&[b'x'; REQUEST_ID_BYTES_MAX]], true);
        check(&[&[b'x'; REQUEST_ID_BYTES_MAX + 1]], false);
    }
}
