//! The HTTP server: an accept loop with a limit on everything, and an orderly end.

use crate::serve::observe;
use admin::Readiness;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::HeaderName;
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceBuilder};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

/// A request's line and headers may be this long; tokens and query strings fit many times.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Smaller answers don't get smaller by compressing.
const COMPRESS_BYTES_MIN: u64 = 860;

/// By which a request is found in logs, here and of those who sent it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id is no id: a UUID has 36.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// How long a browser may remember which requests are allowed across origins.
const CORS_MAX_AGE: Duration = Duration::from_secs(3_600);

/// After this a connection ends with the answer under way (its client makes another), so that none lives for ever and
/// new instances get their share.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(3_600);

/// How long a connection that is asked to end may take for its last answer.
const LAST_ANSWER_MAX: Duration = Duration::from_secs(30);

/// How long to wait after the system refused a connection, for lack of file descriptors for one.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// How the API is served.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Server")]
pub struct Settings {
    /// Where the API is served. Set it to 0.0.0.0:8080 in a container
    #[arg(long, env, default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen_addr: SocketAddr,

    /// Where /healthz, /readyz and Prometheus' /metrics are, without a token. Set it to an address that only the
    /// operators' network reaches
    #[arg(long, env, default_value = "127.0.0.1:9091", value_parser = address)]
    pub admin_addr: SocketAddr,

    /// Origins whose pages may read the API, separated by commas, such as `https://app.example.com`; none by default.
    /// Set it where the dashboard is served from another origin than the API
    #[arg(long, env, value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// How many connections are served at once; further ones wait to be accepted. Raise it, with the limit of open
    /// files, where many dashboards stay connected
    #[arg(long, env, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,

    /// How long a client may take to send a request's head, or stay connected without asking. Raise it above the idle
    /// time of a proxy in front
    #[arg(long, env, default_value = "75s", value_parser = humantime::parse_duration)]
    pub header_timeout: Duration,

    /// How long answers under way may take to finish after SIGTERM. Keep it below the orchestrator's grace period
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub shutdown_timeout: Duration,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "it must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
}

/// Why the API can't be served: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(String);

/// A bound address, and how its requests are served.
pub struct Server {
    listener: TcpListener,
    cors: Option<CorsLayer>,
    settings: Settings,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// When it is taken, or another setting can't be used: a sentence that names the variable.
    pub async fn bind(settings: &Settings) -> Result<Self, BadSettings> {
        let cors = cors(&settings.cors_origins)?;
        let address = settings.listen_addr;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            BadSettings(format!(
                "LISTEN_ADDR ({address}) can't be listened on: {error}; set it to a free address"
            ))
        })?;
        Ok(Self { listener, cors, settings: settings.clone() })
    }

    /// The address it listens on; the port is a real one even if the setting said 0.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `service`, behind the layers that every request passes, until `stop`, and then until what is under way is
    /// done or the time for that is over. `stopping` is cancelled when the time for that begins.
    pub async fn serve<S, B>(self, service: S, stopping: CancellationToken, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Default + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let stack = ServiceBuilder::new()
            .map_request(without_odd_id)
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer_fn(observe::Observed::new)
            .option_layer(self.cors)
            .layer(
                CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_compressing()),
            )
            .service(service);
        let connections = Arc::new(Semaphore::new(self.settings.connections_max as usize));
        let under_way = TaskTracker::new();
        let mut stop = pin!(stop);
        loop {
            let next = accept(&self.listener, Arc::clone(&connections));
            let (stream, permit) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let connection = http1(self.settings.header_timeout)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(stack.clone()));
            under_way.spawn(live(connection, stopping.clone(), permit));
        }
        drop(self.listener);
        stopping.cancel();
        under_way.close();
        tracing::info!(connections = under_way.len(), "stopping: no new connections");
        if tokio::time::timeout(self.settings.shutdown_timeout, under_way.wait()).await.is_err() {
            tracing::warn!(limit = ?self.settings.shutdown_timeout, "stopping with answers under way: out of time");
        }
    }
}

/// Serves the admin address: what `readiness` says, and the process' metrics, which are recorded from now on.
///
/// # Errors
/// When the address can't be listened on: a sentence that names the variable.
///
/// # Panics
/// When the process has a recorder of metrics already.
pub async fn serve_admin(settings: &Settings, readiness: &Readiness) -> Result<(), BadSettings> {
    let metrics =
        admin::record_metrics(observe::builder()).expect("this is the only recorder of the process");
    observe::describe();
    let address = settings.admin_addr;
    admin::serve(address, readiness.clone(), metrics).await.map(|_| ()).map_err(|error| {
        BadSettings(format!("ADMIN_ADDR ({address}) can't be listened on: {error}; set it to a free address"))
    })
}

/// A request without its id, if that is one that nobody should repeat in logs and answers; it gets another.
fn without_odd_id<B>(mut request: Request<B>) -> Request<B> {
    let mut ids = request.headers().get_all(REQUEST_ID).iter();
    let odd = match (ids.next(), ids.next()) {
        (None, _) => false,
        (Some(id), None) => !is_sane_id(id.as_bytes()),
        (Some(_), Some(_)) => true,
    };
    if odd {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

fn is_sane_id(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(plain)
}

/// What gets smaller by compressing, and may wait for the rest of it.
fn worth_compressing() -> impl Predicate {
    SizeAbove::new(COMPRESS_BYTES_MIN)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = room.acquire_owned().await.expect("nobody closes it");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are written whole: waiting for more to send would only delay them.
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

/// A connection's life: answers until the client leaves, the connection is old, or the process stops.
async fn live<S, B>(
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
        () = tokio::time::sleep(CONNECTION_AGE_MAX) => None,
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
        None => tracing::debug!("a connection took too long for its last answer"),
    }
    open.decrement(1);
    drop(permit);
}

fn http1(header_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(HEAD_BYTES_MAX);
    builder
}

fn cors(origins: &[String]) -> Result<Option<CorsLayer>, BadSettings> {
    use hyper::header::{AGE, AUTHORIZATION, ETAG, IF_NONE_MATCH, RETRY_AFTER};
    let origins: Vec<_> =
        origins.iter().map(|origin| origin.trim()).filter(|origin| !origin.is_empty()).collect();
    if origins.is_empty() {
        return Ok(None);
    }
    let bad = |origin: &str| {
        BadSettings(format!(
            "CORS_ORIGINS has {origin:?}, which is no origin such as https://app.example.com"
        ))
    };
    let is_origin = |origin: &str| {
        origin.split_once("://").is_some_and(|(scheme, host)| {
            ["http", "https"].contains(&scheme) && !host.is_empty() && !host.contains(['/', '*', ' '])
        })
    };
    let parse = |origin: &&str| match origin.parse() {
        Ok(value) if is_origin(origin) => Ok(value),
        Ok(_) | Err(_) => Err(bad(origin)),
    };
    let allowed = origins.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_methods([hyper::Method::GET, hyper::Method::HEAD])
        .allow_headers([AUTHORIZATION, IF_NONE_MATCH, HeaderName::from_static("last-event-id"), REQUEST_ID])
        .expose_headers([AGE, ETAG, RETRY_AFTER, REQUEST_ID])
        .max_age(CORS_MAX_AGE);
    Ok(Some(layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        let check = |origins: &[&str], good: bool| {
            let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
            assert_eq!(cors(&origins).is_ok(), good, "{origins:?}");
        };
        check(&[], true);
        check(&[""], true);
        check(&["https://app.example.com", "http://localhost:5173"], true);
        check(&["*"], false);
        check(&["app.example.com"], false);
        check(&["https://app.example.com/"], false);
        check(&["https://*.example.com"], false);
    }

    #[test]
    fn an_id_that_nobody_should_repeat_is_taken_away() {
        let check = |ids: &[&[u8]], stays: bool| {
            let mut request = Request::new(());
            for id in ids {
                let id = hyper::header::HeaderValue::from_bytes(id).unwrap();
                request.headers_mut().append(REQUEST_ID, id);
            }
            assert_eq!(without_odd_id(request).headers().contains_key(REQUEST_ID), stays, "{ids:?}");
        };
        check(&[b"0b1f6d1e-7d2c-4a51-9a0e-0f6d1d8c2f11"], true);
        check(&[b"Root=1-67891233-abcdef012345678912345678"], false);
        check(&[b"edge_1.42"], true);
        check(&[b"x", b"x"], false);
        check(&[b""], false);
        check(&[b"a b"], false);
        check(&[b"<script>"], false);
        check(&["é".as_bytes()], false);
        check(&[&[b'x'; REQUEST_ID_BYTES_MAX]], true);
        check(&[&[b'x'; REQUEST_ID_BYTES_MAX + 1]], false);
    }
}
