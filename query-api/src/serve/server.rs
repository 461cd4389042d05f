//! The HTTP server: an accept loop with a limit on everything, and an orderly end.
//!
//! ```text
//! settings    addresses and limits
//! layers      what every request passes
//! connection  from accept to close
//!   places    how many there are, and who goes first
//!   socket    a limit on every wait for a client
//!   counted   requests under way
//! admin       the admin address
//! ```

mod admin;
pub(crate) mod connection;
mod counted;
pub mod layers;
mod places;
mod settings;
mod socket;

pub use admin::{pool, serve_admin};
pub use settings::{BadSettings, Settings};

use crate::serve::access_log::{self, AccessLog};
use crate::serve::caught::Caught;
use crate::serve::observe::Observed;
use counted::Counted;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use places::Places;
use socket::Socket;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceBuilder};
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

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
    /// When it is in use, or another setting can't be used: a sentence that names the variable.
    pub fn bind(settings: &Settings) -> Result<Self, BadSettings> {
        let cors = layers::cors(&settings.cors_origins)?;
        let address = settings.listen_addr;
        let listener = listen(address).map_err(|error| {
            BadSettings(format!(
                "LISTEN_ADDR ({address}) can't be listened on: {error}; set it to a free address"
            ))
        })?;
        Ok(Self { listener, cors, settings: settings.clone() })
    }

    /// The bound address; its port is a real one even if the setting says 0.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `service` behind the layers that every request passes, with a log of requests. When `stop` resolves it cancels
    /// `stopping`, and returns once the requests under way are answered or their time is over.
    pub async fn serve<S, B>(
        self,
        service: S,
        log: &access_log::Settings,
        stopping: CancellationToken,
        stop: impl Future<Output = ()>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let log = Arc::new(AccessLog::new(log));
        let stack = ServiceBuilder::new()
            .map_request(layers::without_unsafe_id)
            .map_request(layers::without_version)
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer_fn(|service| Observed::new(service, Arc::clone(&log)))
            .option_layer(self.cors)
            .layer_fn(Caught::new)
            .service(service);
        let (max, per_address) = (self.settings.connections_max, self.settings.connections_per_address_max);
        let places = Places::new(max as usize, per_address as usize);
        let under_way = TaskTracker::new();
        let mut stop = pin!(stop);
        loop {
            let next = connection::accept(&self.listener, &places);
            let (stream, place) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let socket = Socket::new(stream, Arc::clone(place.standing()), self.settings.patience());
            let service = Counted::new(stack.clone(), Arc::clone(place.standing()));
            let serving =
                connection::http1().serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
            under_way.spawn(connection::serve(serving, stopping.clone(), place));
        }
        drop(self.listener);
        stopping.cancel();
        under_way.close();
        tracing::info!(connections = under_way.len(), "stopping: no new connections are accepted");
        if tokio::time::timeout(self.settings.shutdown_timeout, under_way.wait()).await.is_err() {
            tracing::warn!(limit = ?self.settings.shutdown_timeout, "stopped before all requests were answered: out of time");
        }
    }
}

/// How many connections may wait to be accepted; the system has a limit of its own.
const BACKLOG: u32 = 1_024;

/// How much the system holds of what a client hasn't taken yet. By default it would be megabytes for each that takes nothing.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise the address stays in use for a while after a restart.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(UNSENT_BYTES_MAX)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
