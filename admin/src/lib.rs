//! The admin address of both binaries, on a port of its own: `/healthz`, `/readyz` and Prometheus' `/metrics`.
//!
//! A binary reports the conditions it needs ([`Readiness`]) and records metrics by the `metrics` crate; this crate serves
//! both. Its [`log`] limits what a lasting fault writes.

pub mod log;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use warp::Filter as _;
use warp::http::StatusCode;

/// How often histograms are drained, so that they stay small when nothing scrapes them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Connections served at a time; others wait to be accepted.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection may take to send its request, and to take the answer. It carries one request: a probe and a
/// scrape now and then need no more, and nobody can hold a place for long.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(10);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The conditions that this process needs to do its work, by name, each with what is wrong with it, if anything.
///
/// A condition can be wrong for several causes at a time. Each cause has a key, and is cleared under that key only: a success
/// of something else says nothing about it. A process is ready while nothing is wrong with any condition. It is alive as
/// long as it replies at all.
#[derive(Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<String, Causes>>>,
    /// What people should look at though the process does its work.
    warnings: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What is wrong with a condition: sentences for people, by cause.
type Causes = BTreeMap<String, String>;

/// The cause of a condition that can be wrong in one way only.
const ONLY_CAUSE: &str = "";

#[derive(Serialize)]
struct Report {
    ready: bool,
    conditions: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    warnings: BTreeMap<String, String>,
}

impl Readiness {
    /// No conditions: the process is ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is wrong with `name`, which has one cause.
    pub fn good(&self, name: &str) {
        self.clear(name, ONLY_CAUSE);
    }

    /// Something is wrong with `name`, which has one cause; `why` is for people.
    pub fn bad(&self, name: &str, why: impl Into<String>) {
        self.blame(name, ONLY_CAUSE, why);
    }

    /// `name` is wrong for this cause; `why` is for people.
    pub fn blame(&self, name: &str, cause: &str, why: impl Into<String>) {
        self.locked().entry(name.to_owned()).or_default().insert(cause.to_owned(), why.into());
    }

    /// `name` is no longer wrong for this cause. Other causes of it stay.
    pub fn clear(&self, name: &str, cause: &str) {
        self.locked().entry(name.to_owned()).or_default().remove(cause);
    }

    /// The same, and `name` is no longer needed unless it is wrong for another cause.
    pub fn lift(&self, name: &str, cause: &str) {
        let mut conditions = self.locked();
        if let Some(causes) = conditions.get_mut(name) {
            causes.remove(cause);
            if causes.is_empty() {
                conditions.remove(name);
            }
        }
    }

    /// `name` is no longer needed.
    pub fn forget(&self, name: &str) {
        self.locked().remove(name);
    }

    /// Something is wrong with `name` that people should look at. The process is ready all the same.
    pub fn warn(&self, name: &str, why: impl Into<String>) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), why.into());
    }

    /// Nothing is wrong with `name` that people were warned of.
    pub fn unwarn(&self, name: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Causes>> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> Report {
        let conditions = self.locked();
        let said = |causes: &Causes| {
            let sentences: Vec<&str> = causes.values().map(String::as_str).collect();
            if sentences.is_empty() { "ok".to_owned() } else { sentences.join("; ") }
        };
        Report {
            ready: conditions.values().all(BTreeMap::is_empty),
            conditions: conditions.iter().map(|(name, causes)| (name.clone(), said(causes))).collect(),
            warnings: self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Installs the process' metrics recorder. Call it once, before the first metric is recorded.
///
/// # Errors
/// When a recorder was installed before.
pub fn record_metrics(
    builder: PrometheusBuilder,
) -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    builder.install_recorder()
}

/// Serves on `address` until the process ends, and returns the bound address.
///
/// # Errors
/// When the address can't be bound.
pub async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(UPKEEP_EVERY);
        loop {
            every.tick().await;
            upkeep.run_upkeep();
        }
    });
    tokio::spawn(accept(listener, routes(readiness, metrics)));
    tracing::info!(address = %bound, "serving /healthz, /readyz and /metrics");
    Ok(bound)
}

/// Serves connections by HTTP/1.1, a bounded number at a time.
async fn accept(
    listener: TcpListener,
    routes: impl warp::Filter<Extract = (impl warp::Reply + 'static,), Error = warp::Rejection>
    + Clone
    + Send
    + Sync
    + 'static,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = TowerToHyperService::new(warp::service(routes.clone()));
                let mut connection = http1::Builder::new();
                connection.timer(TokioTimer::new()).keep_alive(false);
                let serving = connection.serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move {
                    match tokio::time::timeout(CONNECTION_AGE_MAX, serving).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            tracing::debug!(%error, "a connection to the admin address ended early")
                        }
                        Err(_) => tracing::debug!("a connection to the admin address was too slow"),
                    }
                    drop(place);
                });
            }
            // Most often there are too many open files; that passes.
            Err(error) => {
                tracing::warn!(%error, "the admin address can't accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_cleared_by_its_own_success_and_by_no_other() {
        let readiness = Readiness::new();
        let check = |ready, said: &str| {
            let report = readiness.report();
            assert_eq!((report.ready, &*report.conditions["postgresql"]), (ready, said));
        };
        readiness.blame("postgresql", "start", "not connected yet");
        readiness.blame("postgresql", "write", "a right is missing");
        check(false, "not connected yet; a right is missing");
        readiness.clear("postgresql", "start");
        readiness.clear("postgresql", "read");
        check(false, "a right is missing");
        readiness.clear("postgresql", "write");
        check(true, "ok");
    }
}
