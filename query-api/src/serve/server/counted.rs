//! A connection's requests, counted as under way until their responses are written.

use crate::routes::Traced;
use crate::serve::server::places::{Standing, UnderWay};
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

/// A service of one connection.
#[derive(Clone)]
pub struct Counted<S> {
    service: S,
    standing: Arc<Standing>,
}

/// The body of a response, which is under way until it is dropped.
pub struct Written<B> {
    body: B,
    _under_way: UnderWay,
}

impl<S> Counted<S> {
    /// `service`, for the connection of which `standing` is known.
    pub const fn new(service: S, standing: Arc<Standing>) -> Self {
        Self { service, standing }
    }
}

impl<S, A, B> Service<Request<A>> for Counted<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Written<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let mut under_way = self.standing.begin();
        let standing = Arc::clone(&self.standing);
        let response = self.service.call(request);
        Box::pin(async move {
            let response = response.await?;
            // Only a valid token says whose request it is.
            if response.extensions().get::<Traced>().is_some_and(|traced| traced.organization.is_some()) {
                standing.prove();
            }
            under_way.answered();
            Ok(response.map(|body| Written { body, _under_way: under_way }))
        })
    }
}

impl<B: Body + Unpin> Body for Written<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
