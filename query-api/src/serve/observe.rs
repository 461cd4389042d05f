//! What is observed of every request: a line in the log, a count, a duration.

use hyper::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tower::Service;

/// A service whose requests are observed.
#[derive(Clone)]
pub struct Observed<S> {
    service: S,
}

impl<S> Observed<S> {
    /// `service`, observed.
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S, A, B> Service<Request<A>> for Observed<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let started_at = Instant::now();
        let observation = Observation::of(&request);
        let response = self.service.call(request);
        Box::pin(async move {
            let response = response.await?;
            observation.record(response.status().as_u16(), started_at);
            Ok(response)
        })
    }
}

/// What is recorded of a request. Neither its query nor its headers are, but for its id: clients may put secrets there.
struct Observation {
    route: &'static str,
    line: String,
    request_id: String,
}

impl Observation {
    fn of<A>(request: &Request<A>) -> Self {
        let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        // Debug logging is usually off: then the line would be allocated for nothing.
        let logged = tracing::enabled!(tracing::Level::DEBUG);
        Self {
            route: route(request.uri().path()),
            line: if logged {
                format!("{} {}", request.method(), request.uri().path())
            } else {
                String::new()
            },
            request_id: id.filter(|_| logged).unwrap_or_default().to_owned(),
        }
    }

    fn record(self, status: u16, started_at: Instant) {
        let took = started_at.elapsed();
        let Self { route, line, request_id } = self;
        metrics::counter!("query_api_requests_total", "route" => route, "status" => status_label(status))
            .increment(1);
        metrics::histogram!("query_api_request_duration_seconds", "route" => route).record(took);
        tracing::debug!(status, took_us = took.as_micros() as u64, request_id, "{line}");
    }
}

/// The path as a label: a known one or `other`, so that requests for random paths can't fill the metrics.
fn route(path: &str) -> &'static str {
    const KNOWN: [&str; 7] = [
        "/metrics/summary",
        "/metrics/trends",
        "/metrics/workflow-health",
        "/metrics/delivery-health",
        "/metrics/insights",
        "/metrics/stream",
        "/overview",
    ];
    KNOWN.into_iter().find(|known| *known == path).unwrap_or("other")
}

fn status_label(status: u16) -> std::borrow::Cow<'static, str> {
    match status {
        200 => "200".into(),
        304 => "304".into(),
        other => other.to_string().into(),
    }
}
