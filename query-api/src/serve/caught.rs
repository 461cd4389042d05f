//! Panics, caught: the client gets 500 with the request's id, and the process goes on.

use crate::routes::panicked;
use futures_util::FutureExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

/// A service whose panics are caught.
#[derive(Clone)]
pub struct Caught<S> {
    service: S,
}

impl<S> Caught<S> {
    /// `service`, whose panics are caught.
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S, A, B> Service<Request<A>> for Caught<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: 'static> + Send + 'static,
{
    type Response = Response<UnsyncBoxBody<Bytes, B::Error>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let id = request.headers().get("x-request-id").cloned();
        // What a panic left half done is dropped with the request. What requests share is behind locks, which are taken over
        // from whoever panicked, and holds no promise across a panic.
        let begun = catch_unwind(AssertUnwindSafe(|| self.service.call(request)));
        Box::pin(async move {
            let ended = match begun {
                Ok(response) => AssertUnwindSafe(response).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            match ended {
                Ok(Ok(response)) => Ok(response.map(B::boxed_unsync)),
                Err(_) => {
                    let id = id.as_ref().and_then(|id| id.to_str().ok());
                    tracing::error!(request_id = id, "a request panicked; the line before says where");
                    let whole = |body| Full::new(body).map_err(|never| match never {}).boxed_unsync();
                    Ok(panicked(id).map(whole))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_with_the_requests_id_and_the_next_request_is_answered() {
        let inner = tower::service_fn(|request: Request<()>| {
            assert_ne!(request.uri().path(), "/at-once", "as asked");
            async move {
                assert_ne!(request.uri().path(), "/later", "as asked");
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("fine"))))
            }
        });
        let mut service = Caught::new(inner);
        for path in ["/at-once", "/later", "/", "/later", "/"] {
            let request = Request::get(path).header("x-request-id", "of-the-test").body(()).unwrap();
            let response = service.call(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            if path == "/" {
                assert_eq!((head.status.as_u16(), &body[..]), (200, &b"fine"[..]));
                continue;
            }
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(head.status.as_u16(), 500, "{path}");
            assert_eq!(head.headers["content-type"], "application/problem+json");
            assert_eq!(
                (&body["type"], &body["requestId"]),
                (&"/problems/internal".into(), &"of-the-test".into())
            );
            assert!(!body.to_string().contains("as asked"), "nothing internal: {body}");
        }
    }
}
