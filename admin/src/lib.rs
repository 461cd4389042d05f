//! The admin address of both binaries, on its own port: `/healthz`, `/readyz` and Prometheus' `/metrics`.
//!
//! A binary reports its conditions ([`Readiness`]) and measures with the `metrics` crate; this crate serves both.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use warp::Filter as _;
use warp::http::StatusCode;

/// How often histograms are drained, so that they stay small if nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The conditions that this process needs for its work, each by name, with a sentence about the problem, if any.
///
/// A process is ready while no condition has a problem. It is alive as long as it answers.
#[derive(Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    conditions: BTreeMap<String, String>,
}

impl Readiness {
    /// A process without conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `name` is fulfilled.
    pub fn good(&self, name: &str) {
        self.set(name, None);
    }

    /// `name` is not fulfilled, or not yet: `why` is for people.
    pub fn bad(&self, name: &str, why: impl Into<String>) {
        self.set(name, Some(why.into()));
    }

    /// `name` is no longer a condition.
    pub fn forget(&self, name: &str) {
        self.locked().remove(name);
    }

    fn set(&self, name: &str, wrong: Option<String>) {
        self.locked().insert(name.to_owned(), wrong);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> Report {
        let conditions = self.locked();
        Report {
            ready: conditions.values().all(Option::is_none),
            conditions: conditions
                .iter()
                .map(|(name, wrong)| (name.clone(), wrong.clone().unwrap_or_else(|| "ok".into())))
                .collect(),
        }
    }
}

/// Installs the process' recorder of metrics. Call it once, before the first metric is used.
///
/// # Errors
/// When a recorder was installed before.
pub fn record_metrics(
    builder: PrometheusBuilder,
) -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    builder.install_recorder()
}

/// Answers on `address` until the process ends.
///
/// # Errors
/// When it can't listen on the address.
pub async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(UPKEEP_EVERY);
        loop {
            every.tick().await;
            upkeep.run_upkeep();
        }
    });
    tokio::spawn(warp::serve(routes(readiness, metrics)).incoming(listener).run());
    tracing::info!(address = %bound, "admin address: /healthz /readyz /metrics");
    Ok(bound)
}

fn routes(
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> impl warp::Filter<Extract = (impl warp::Reply,), Error = warp::Rejection> + Clone {
    let health = warp::path!("healthz").map(|| "ok\n");
    let ready = warp::path!("readyz").map(move || {
        let report = readiness.report();
        let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        warp::reply::with_status(warp::reply::json(&report), status)
    });
    let metrics = warp::path!("metrics").map(move || {
        warp::reply::with_header(metrics.render(), "content-type", "text/plain; version=0.0.4; charset=utf-8")
    });
    warp::get().and(health.or(ready).or(metrics))
}
