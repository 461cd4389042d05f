//! A connection: accepted under a limit, and ended in order.

use crate::serve::server::places::{Place, Places};
use crate::serve::server::socket::Socket;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
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

/// The next connection, once there is a place for it.
pub async fn accept(listener: &TcpListener, places: &Arc<Places>) -> (TcpStream, Place) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Answers are written whole, so Nagle's algorithm would only delay them.
                let _best_effort = stream.set_nodelay(true);
                return (stream, places.take(from.ip()).await);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }
}

/// Serves a connection until the client closes it or is out of time, its place is taken, it is old, or the process stops.
pub async fn serve<S, B>(
    connection: http1::Connection<TokioIo<Socket>, S>,
    stopping: CancellationToken,
    place: Place,
) where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = place.displaced() => return tracing::debug!("a connection was closed: another one takes its place"),
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
}

/// HTTP/1.1 with a limit on a request's head. How long a client is waited for is the socket's concern.
pub fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    builder
}
