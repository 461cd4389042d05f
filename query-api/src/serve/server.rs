//! The HTTP server: an accept loop with a limit on everything, and an orderly end.
//!
//! ```text
//! settings    addresses and limits
//! layers      what every request passes
//! connection  from accept to close
//! admin       the admin address
//! ```

mod admin;
pub(crate) mod connection;
pub mod layers;
mod settings;

pub use admin::serve_admin;
pub use settings::{BadSettings, Settings};

use crate::serve::observe;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
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
    pub async fn bind(settings: &Settings) -> Result<Self, BadSettings> {
        let cors = layers::cors(&settings.cors_origins)?;
        let address = settings.listen_addr;
        let listener = TcpListener::bind(address).await.map_err(|error| {
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

    /// Serves `service` behind the layers that every request passes. When `stop` resolves it cancels `stopping`, and returns
    /// once the requests under way are answered or their time is over.
    pub async fn serve<S, B>(self, service: S, stopping: CancellationToken, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Default + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let stack = ServiceBuilder::new()
            .map_request(layers::without_unsafe_id)
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer_fn(observe::Observed::new)
            .option_layer(self.cors)
            .service(service);
        let connections = Arc::new(Semaphore::new(self.settings.connections_max as usize));
        let under_way = TaskTracker::new();
        let mut stop = pin!(stop);
        loop {
            let next = connection::accept(&self.listener, Arc::clone(&connections));
            let (stream, permit) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let serving = connection::http1(self.settings.header_timeout)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(stack.clone()));
            under_way.spawn(connection::serve(serving, stopping.clone(), permit));
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
