//! A connection: accepted under a limit, and ended in order.

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The longest request line and headers; tokens and query strings take a fraction of it.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// A connection of this age ends after the answer under way, and its client opens another, so that new instances get
/// their share.
pub const AGE_MAX: Duration = Duration::from_secs(3_600);

/// How long an ending connection may take for its last answer.
pub const LAST_ANSWER_MAX: Duration = Duration::from_secs(30);

/// How long to wait after the system refused a connection, for lack of file descriptors for instance.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// The next connection, once fewer than the limit are served.
pub async fn accept(listener: &TcpListener, limit: Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = limit.acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are written whole, so Nagle's algorithm would only delay them.
                let _best_effort = stream.set_nodelay(true);
                return (stream, permit);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }
}

/// Serves a connection until the client closes it, it is old, or the process stops.
pub async fn serve<S, B>(
    connection: http1::Connection<TokioIo<TcpStream>, S>,
    stopping: CancellationToken,
    permit: OwnedSemaphorePermit,
) where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let open = metrics::gauge!("query_api_connections");
    open.increment(1);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopping.cancelled() => None,
        () = tokio::time::sleep(AGE_MAX) => None,
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_ANSWER_MAX, connection).await.ok()
        }
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a connection broke"),
        None => tracing::debug!("a connection was closed before its last answer was sent: out of time"),
    }
    open.decrement(1);
    drop(permit);
}

/// HTTP/1.1 with limits on a request's head.
pub fn http1(header_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(HEAD_BYTES_MAX);
    builder
}
