//! HTTP to addresses that are allowed. A name is resolved here, its addresses are checked, and one of those is connected to: what a name means
//! may change between two questions.

use crate::webhooks::networks::Networks;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// A client that follows no redirection, knows no proxy, and keeps no connection.
pub type Http = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Why a name isn't connected to. Its text is for who owns the endpoint.
#[derive(Debug, thiserror::Error)]
#[error("its name leads to no public address; messages are sent to public ones only")]
struct NotPublic;

/// A client that connects to the addresses of these networks, within this time. An address in a URL is not resolved, and so not checked.
pub fn client(networks: &Networks, connect_within: Duration, tls: ClientConfig) -> Http {
    let mut http = HttpConnector::new_with_resolver(Resolver(Arc::new(networks.clone())));
    http.enforce_http(false);
    http.set_connect_timeout(Some(connect_within));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https.wrap_connector(http))
}

/// Resolves names to addresses that are allowed.
#[derive(Clone)]
pub struct Resolver(Arc<Networks>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = all.filter(|address| networks.allow(address.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NotPublic));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_this_host_is_connected_to_only_if_that_is_allowed() {
        let resolve = async |networks: Networks| {
            let mut resolver = Resolver(Arc::new(networks));
            resolver.call("localhost".parse().unwrap()).await
        };
        let refused = resolve(Networks::default()).await.unwrap_err();
        assert!(refused.to_string().contains("no public address"), "{refused}");
        let allowed = Networks::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let mut addresses = resolve(allowed).await.unwrap();
        assert!(addresses.all(|address| address.ip().is_loopback() && address.is_ipv4()));
    }
}
