//! What is observed of every request: a line in the log, a span, a count, a duration, and why it was refused.

use crate::routes::Traced;
use crate::serve::access_log::{AccessLog, Finished};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tower::Service;
use traces::{Kind, Span, Start, TRACEPARENT, Traceparent};

/// A service whose requests are observed.
#[derive(Clone)]
pub struct Observed<S> {
    service: S,
    log: Arc<AccessLog>,
}

impl<S> Observed<S> {
    /// `service`, observed, with lines in this log.
    pub const fn new(service: S, log: Arc<AccessLog>) -> Self {
        Self { service, log }
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
        let log = Arc::clone(&self.log);
        let span = observation.span(request.headers());
        let entered = span.enter();
        let response = span.around(self.service.call(request));
        drop(entered);
        Box::pin(async move {
            let response = response.await?;
            observation.record(&response, started_at, &log, &span);
            Ok(response)
        })
    }
}

/// What is recorded of a request. Neither its query nor its headers are, but for its id: clients may put secrets there.
struct Observation {
    route: &'static str,
    method: Method,
    request_id: Option<HeaderValue>,
}

impl Observation {
    fn of<A>(request: &Request<A>) -> Self {
        let request_id = request.headers().get("x-request-id").cloned();
        Self { route: route(request.uri().path()), method: request.method().clone(), request_id }
    }

    /// The request's span: below the client's, if the client names one.
    fn span(&self, headers: &HeaderMap) -> Span {
        if !traces::are_on() {
            return Span::default();
        }
        let (method, is_known) = (method_name(&self.method), self.route != OTHER);
        let name = if is_known { format!("{method} {}", self.route) } else { method.into() };
        let span = Start::of_remote(parent(headers), name).kind(Kind::Server).begin();
        span.set("http.request.method", method);
        if is_known {
            span.set("http.route", self.route);
        }
        if let Some(id) = self.request_id.as_ref().and_then(|id| id.to_str().ok()) {
            span.set("business_metrics.request_id", id.to_owned());
        }
        span
    }

    fn record<B>(self, response: &Response<B>, started_at: Instant, log: &AccessLog, span: &Span) {
        let took = started_at.elapsed();
        let _entered = span.enter();
        let Self { route, method, request_id } = self;
        let status = response.status().as_u16();
        metrics::counter!("query_api_requests_total", "route" => route, "status" => status_label(status))
            .increment(1);
        metrics::histogram!("query_api_request_duration_seconds", "route" => route).record(took);
        let traced = response.extensions().get::<Traced>().cloned().unwrap_or_default();
        if let Some(reason) = traced.refused {
            metrics::counter!("query_api_refusals_total", "reason" => reason).increment(1);
        }
        describe(span, status, &traced);
        let request_id = request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
        log.write(&Finished { request_id, method: method.as_str(), route, status, traced, took });
    }
}

/// What a span says of a request once it is answered: of whose numbers it is no more than the organization's id.
fn describe(span: &Span, status: u16, traced: &Traced) {
    span.count("http.response.status_code", status);
    if let Some(organization) = &traced.organization {
        span.set("business_metrics.organization", Arc::clone(organization));
    }
    if let Some(reason) = traced.refused {
        span.set("business_metrics.refusal", reason);
    }
    // What a client does wrong is no failure of the service.
    if status >= 500 {
        span.fail(traced.refused.unwrap_or("5xx"));
    }
}

/// The client's span, if the request names one.
fn parent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let first = all.next().filter(|_| all.next().is_none())?;
    Traceparent::parse(first.as_bytes())
}

/// The method; clients may invent others, which would each be a name of spans.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

/// The label of paths that are not known.
const OTHER: &str = "other";

/// The label of all paths about webhooks: most of them have an id.
const WEBHOOKS: &str = "/settings/webhooks";

/// The path as a label: a known one or `other`, so that requests for random paths can't fill the metrics.
fn route(path: &str) -> &'static str {
    const KNOWN: [&str; 14] = [
        "/metrics/summary",
        "/metrics/trends",
        "/metrics/workflow-health",
        "/metrics/failures",
        "/metrics/failure-groups",
        "/metrics/delivery-health",
        "/metrics/insights",
        "/metrics/refusals",
        "/metrics/overview",
        "/metrics/stream",
        "/settings/thresholds",
        "/settings/links",
        "/overview",
        "/overview/settings.json",
    ];
    if path.starts_with(WEBHOOKS) {
        return WEBHOOKS;
    }
    KNOWN.into_iter().find(|known| *known == path).unwrap_or(OTHER)
}

fn status_label(status: u16) -> std::borrow::Cow<'static, str> {
    match status {
        200 => "200".into(),
        304 => "304".into(),
        other => other.to_string().into(),
    }
}
