//! Problems as responses: first without a body, which is written when the request's id is known.

use crate::answer::problem::Problem;
use crate::routes::http::{Traced, put};
use bytes::Bytes;
use std::convert::Infallible;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use warp::http::{Response, StatusCode};
use warp::{Rejection, Reply};

/// The methods that all of this API allows.
pub const ALLOW: &str = "GET, HEAD";

impl Reply for Problem {
    /// Without a body: `with_body` writes it.
    fn into_response(self) -> warp::reply::Response {
        let mut response = without_body(&self);
        response.extensions_mut().insert(self);
        response.map(Into::into)
    }
}

fn without_body(problem: &Problem) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(problem.status()).expect("problems have statuses of HTTP");
    put(&mut response, CONTENT_TYPE, "application/problem+json");
    put(&mut response, CACHE_CONTROL, "no-store");
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    for (name, value) in problem.headers() {
        let value = HeaderValue::from_str(value).expect("headers of ours are plain text");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    let traced = Traced { organization: problem.organization().cloned(), refused: Some(problem.reason()) };
    response.extensions_mut().insert(traced);
    response
}

/// The response to a request whose handling panicked.
pub fn panicked(id: Option<&str>) -> Response<Bytes> {
    let problem = Problem::internal();
    without_body(&problem).map(|_| problem.json(id).into())
}

/// The response. If it is a problem, its body is written, with the request's id in it.
pub fn with_body(id: Option<&HeaderValue>, reply: impl Reply) -> warp::reply::Response {
    let mut response = reply.into_response();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let id = id.and_then(|id| id.to_str().ok());
        *response.body_mut() = problem.json(id).into();
    }
    response
}

/// The problem of a request that warp rejects: no path matched, or one did but not the method.
pub async fn of_rejection(rejection: Rejection) -> Result<Problem, Infallible> {
    Ok(if rejection.is_not_found() {
        Problem::not_found()
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        Problem::method_not_allowed(ALLOW)
    } else {
        Problem::bad_request()
    })
}
