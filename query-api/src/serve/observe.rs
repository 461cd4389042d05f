//! What is seen of every request: a line in the log, a count, a time.

use hyper::{Request, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tower::Service;

/// Upper ends of the buckets of request times, in seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How the metrics of this process are recorded.
pub fn builder() -> PrometheusBuilder {
    let times = Matcher::Full("query_api_request_duration_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(times, DURATION_BUCKETS);
    builder.expect("there are buckets")
}

/// Describes the metrics of this process to whoever scrapes them.
pub fn describe() {
    use metrics::{describe_counter as counter, describe_gauge as gauge, describe_histogram as histogram};
    counter!("query_api_requests_total", "Requests by route and status");
    histogram!("query_api_request_duration_seconds", "Time to a response by route");
    counter!(
        "query_api_answers_total",
        "Answers by where they came from: process, redis, postgresql (a miss), or stale (the last known)"
    );
    counter!("query_api_loads_shed_total", "Loads that were not begun because too many were under way");
    gauge!("query_api_streams", "Streams open");
    gauge!("query_api_redis_tells", "Whether Redis tells which versions have changed");
    gauge!("query_api_connections", "Clients connected");
    gauge!("query_api_pool_connections", "Connections to PostgreSQL by state: busy or idle");
    gauge!("query_api_postgresql_up", "Whether PostgreSQL answers and has the schema");
    gauge!("query_api_redis_up", "Whether Redis answers");
    counter!("query_api_redis_errors_total", "Questions to Redis that failed");
}

/// A service whose requests are seen.
#[derive(Clone)]
pub struct Observed<S> {
    service: S,
}

impl<S> Observed<S> {
    /// `service`, seen.
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
        let begun = Instant::now();
        let seen = Seen::of(&request);
        let response = self.service.call(request);
        Box::pin(async move {
            let response = response.await?;
            seen.note(response.status().as_u16(), begun);
            Ok(response)
        })
    }
}

/// What is noted of a request. Its query and its headers are not, but for its id: some people put secrets there.
struct Seen {
    route: &'static str,
    line: String,
    request_id: String,
}

impl Seen {
    fn of<A>(request: &Request<A>) -> Self {
        let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        // The log is off on most systems most of the time; only then is the line worth its allocation.
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

    fn note(self, status: u16, begun: Instant) {
        let took = begun.elapsed();
        let Self { route, line, request_id } = self;
        metrics::counter!("query_api_requests_total", "route" => route, "status" => status_label(status))
            .increment(1);
        metrics::histogram!("query_api_request_duration_seconds", "route" => route).record(took);
        tracing::debug!(status, took_us = took.as_micros() as u64, request_id, "{line}");
    }
}

/// The path as a label: only known ones, so that nobody fills the metrics by asking for odd paths.
fn route(path: &str) -> &'static str {
    const KNOWN: [&str; 6] = [
        "/metrics/summary",
        "/metrics/trends",
        "/metrics/workflow-health",
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
