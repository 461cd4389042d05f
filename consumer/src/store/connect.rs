//! Connecting to PostgreSQL: TLS, keepalive, and the limits of every statement.

use super::Error;
use crate::limits::{
    IDLE_IN_TRANSACTION_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, LOCK_TIMEOUT,
    STATEMENT_TIMEOUT, UNACKNOWLEDGED_MAX,
};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

/// How long one address may take to connect; with TLS twice as long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects and sets the limits of every statement. A task of its own drives the connection.
///
/// # Errors
/// When PostgreSQL is away, refuses, or doesn't answer in time.
pub async fn connect(config: &Config) -> Result<Client, Error> {
    let mut config = config.clone();
    config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(UNACKNOWLEDGED_MAX);
    config.keepalives(true).keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
    config.keepalives_retries(KEEPALIVE_RETRIES);
    if config.get_application_name().is_none() {
        config.application_name("business-metrics-consumer");
    }
    let connecting = async {
        if config.get_ssl_mode() == SslMode::Require {
            let (client, connection) = config.connect(tls()?).await?;
            drive(connection);
            Ok::<_, Error>(client)
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            drive(connection);
            Ok(client)
        }
    };
    let timeout = CONNECT_TIMEOUT * 2;
    let client = tokio::time::timeout(timeout, connecting).await.map_err(|_| Error::Timeout(timeout))??;
    // No plan is compiled: the estimate for a plan over arrays is so high that PostgreSQL would compile it, and compiling
    // takes longer than running it.
    let limits = format!(
        "set timezone = 'UTC'; set jit = off; set statement_timeout = '{}s'; set lock_timeout = '{}s'; \
         set idle_in_transaction_session_timeout = '{}s'",
        STATEMENT_TIMEOUT.as_secs(),
        LOCK_TIMEOUT.as_secs(),
        IDLE_IN_TRANSACTION_TIMEOUT.as_secs()
    );
    client.batch_execute(&limits).await?;
    Ok(client)
}

/// Starts the task that moves a connection's bytes. It only logs the error that ends the connection, because a caller that
/// waits for an answer receives that error, too.
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
}

/// TLS with the system's certificates (or `SSL_CERT_FILE`'s), for `sslmode=require`. Certificate and name are verified.
fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, Error> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}
