//! The admin address, and the metrics that it serves.

use crate::answer::problem;
use crate::cache::Refused;
use crate::serve::server::places::{ADDRESS_SHARE, DISPLACED};
use crate::serve::server::settings::{BadSettings, Settings};
use crate::serve::server::socket::{HEAD_LATE, TAKES_NOTHING};
use crate::store::Occupancy;
use admin::{Family, Readiness};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// The upper bounds of the buckets of request durations, in seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Serves the admin address: what `readiness` says, and the process' metrics, which are recorded from now on. Beside
/// them are these `gauges`, which are asked for at each scrape.
///
/// # Errors
/// When the address can't be bound: a sentence that names the variable.
///
/// # Panics
/// When the process has a metrics recorder already.
pub async fn serve_admin(
    settings: &Settings,
    readiness: &Readiness,
    gauges: impl Fn() -> Vec<Family> + Send + Sync + 'static,
) -> Result<(), BadSettings> {
    let metrics = admin::record_metrics(builder(), "query_api", env!("CARGO_PKG_VERSION"));
    let metrics = metrics.expect("this is the only recorder of the process").with(gauges);
    describe();
    begin_counters();
    let address = settings.admin_addr;
    admin::serve(address, readiness.clone(), metrics).await.map(|_| ()).map_err(|error| {
        BadSettings(format!("ADMIN_ADDR ({address}) can't be listened on: {error}; set it to a free address"))
    })
}

/// Why connections are closed on their clients.
const CLOSINGS: [&str; 4] = [ADDRESS_SHARE, DISPLACED, HEAD_LATE, TAKES_NOTHING];

fn builder() -> PrometheusBuilder {
    let durations = Matcher::Full("query_api_request_duration_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, DURATION_BUCKETS);
    builder.expect("there are buckets")
}

/// How the pool of connections is used now.
#[must_use]
pub fn pool(Occupancy { busy, idle, waiting, size_max }: Occupancy) -> Vec<Family> {
    let mut connections = Family::new(
        "query_api_pool_connections",
        "Connections of loads to PostgreSQL by state: busy or idle.",
    );
    connections.add(&[("state", "busy")], busy as f64);
    connections.add(&[("state", "idle")], idle as f64);
    let waiting = Family::of(
        "query_api_pool_waiting",
        "Loads that wait for a connection to PostgreSQL, or have one made.",
        waiting as f64,
    );
    let size_max = Family::of(
        "query_api_pool_size_max",
        "The most connections to PostgreSQL that loads may use at once.",
        size_max as f64,
    );
    vec![connections, waiting, size_max]
}

fn describe() {
    use metrics::{describe_counter as counter, describe_gauge as gauge, describe_histogram as histogram};
    counter!("query_api_requests_total", "Requests by route and status");
    histogram!("query_api_request_duration_seconds", "Time to a response, by route");
    counter!(
        "query_api_answers_total",
        "Answers by where they came from: response (the same request as before), process, redis, postgresql (a miss), or stale (an older one)"
    );
    counter!(
        "query_api_kept_refused_total",
        "What Redis had in an answer's place and is none, by why it is none"
    );
    counter!(
        "query_api_kept_over_share_total",
        "Answers that were not written to Redis: too long, or the organization's share was used up"
    );
    counter!("query_api_compressions_total", "Answers that were compressed, by encoding");
    counter!("query_api_loads_shed_total", "Loads that were not started because too many were running");
    counter!(
        "query_api_rate_exchanges_total",
        "Exchanges of what organizations took of their rates: shared with other instances, or alone"
    );
    gauge!("query_api_streams", "Open streams");
    gauge!("query_api_redis_tells", "Whether Redis sends invalidations of versions");
    gauge!("query_api_connections", "Open connections of clients");
    counter!("query_api_connections_accepted_total", "Connections that clients have opened");
    counter!(
        "query_api_refusals_total",
        "Requests that were refused, and connections that were closed on their clients (connection-...), by reason"
    );
    counter!(
        "query_api_connections_given_up_total",
        "Connections to PostgreSQL that were closed because their work failed or was given up"
    );
    gauge!("query_api_postgresql_up", "Whether PostgreSQL is reachable and has the schema");
    gauge!("query_api_redis_up", "Whether Redis is reachable");
    counter!("query_api_redis_errors_total", "Requests to Redis that failed");
    counter!("query_api_webhook_attempts_total", "Attempts to deliver webhooks' messages, by outcome");
    counter!(
        "query_api_webhook_evaluations_total",
        "Evaluations of organizations' alerts for webhooks, by outcome"
    );
    gauge!("query_api_webhook_deliveries", "Webhooks' messages of all instances by state: pending or dead");
    gauge!(
        "query_api_webhook_oldest_due_seconds",
        "For how long the oldest message has been due that nobody sends"
    );
}

/// Counts from 0 on: a counter that first appears with its first event can't be asked for an increase.
fn begin_counters() {
    for from in ["response", "process", "redis", "postgresql", "stale"] {
        metrics::counter!("query_api_answers_total", "from" => from).increment(0);
    }
    for outcome in ["shared", "alone"] {
        metrics::counter!("query_api_rate_exchanges_total", "outcome" => outcome).increment(0);
    }
    for refused in Refused::ALL {
        metrics::counter!("query_api_kept_refused_total", "why" => refused.name()).increment(0);
    }
    for reason in problem::reasons().chain(CLOSINGS) {
        metrics::counter!("query_api_refusals_total", "reason" => reason).increment(0);
    }
    for name in [
        "query_api_kept_over_share_total",
        "query_api_loads_shed_total",
        "query_api_redis_errors_total",
        "query_api_connections_accepted_total",
        "query_api_connections_given_up_total",
    ] {
        metrics::counter!(name).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_shown_with_who_waits_and_how_large_it_may_be() {
        let families = pool(Occupancy { busy: 3, idle: 1, waiting: 2, size_max: 4 });
        let text: String = families.iter().map(ToString::to_string).collect();
        for line in [
            "query_api_pool_connections{state=\"busy\"} 3",
            "query_api_pool_connections{state=\"idle\"} 1",
            "query_api_pool_waiting 2",
            "query_api_pool_size_max 4",
        ] {
            assert!(text.lines().any(|of| of == line), "{line} is missing: {text}");
        }
    }
}
