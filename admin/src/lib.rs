//! The admin address of both binaries, on a port of its own: `/healthz`, `/readyz` and Prometheus' `/metrics`.
//!
//! A binary reports the conditions it needs ([`Readiness`]), records metrics by the `metrics` crate, and gives gauges of what is
//! so at the moment of a scrape ([`Family`]); this crate serves all of it. Its [`log`] limits what a lasting fault writes.
//!
//! Beside that it has what both binaries say of themselves: their settings without secrets ([`in_force`]), and whether the process
//! of this machine is ready ([`ready`]).

mod exposition;
mod gauges;
pub mod in_force;
pub mod log;
mod readiness;
pub mod ready;

pub use exposition::{Exposition, record_metrics};
pub use gauges::Family;
pub use readiness::Readiness;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
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

/// Serves on `address` until the process ends, and returns the bound address.
///
/// # Errors
/// When the address can't be bound.
pub async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    metrics: Exposition,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let upkeep = metrics.recorder();
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
    metrics: Exposition,
) -> impl warp::Filter<Extract = (impl warp::Reply,), Error = warp::Rejection> + Clone {
    let health = warp::path!("healthz").map(|| "ok\n");
    let (shown, metrics) = (readiness.clone(), Arc::new(metrics));
    let ready = warp::path!("readyz").map(move || {
        let report = readiness.report();
        let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        warp::reply::with_status(warp::reply::json(&report), status)
    });
    let metrics = warp::path!("metrics").map(move || {
        let text = metrics.render(&shown);
        warp::reply::with_header(text, "content-type", "text/plain; version=0.0.4; charset=utf-8")
    });
    warp::get().and(health.or(ready).or(metrics))
}
