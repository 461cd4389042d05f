//! Connecting to PostgreSQL: TLS, keepalive, and the limits of every statement.

use super::Error;
use crate::limits::{
    IDLE_IN_TRANSACTION_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, LOCK_TIMEOUT,
    STATEMENT_TIMEOUT, UNACKNOWLEDGED_MAX,
};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

/// How long one address may take to connect; with TLS twice as long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the first host that will do, and sets the limits of every statement. A task of its own drives the connection.
///
/// # Errors
/// When PostgreSQL is away, refuses, or doesn't answer in time: what the last host said.
pub async fn connect(config: &Config) -> Result<Client, Error> {
    let (first, others) = hosts(config);
    let mut connected = connect_to(first).await;
    for host in others {
        if connected.is_err() {
            connected = connect_to(host).await;
        }
    }
    connected
}

/// The first host, and the others: each has its own time, since one that accepts connections and is silent would use up
/// that of all.
fn hosts(config: &Config) -> (Config, Vec<Config>) {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    if count < 2 {
        return (config.clone(), Vec::new());
    }
    let mut hosts = (0..count).map(|index| host(config, index));
    let first = hosts.next().unwrap_or_else(|| config.clone());
    (first, hosts.collect())
}

/// The same with one of its hosts. A configuration can't give hosts up, so this is made anew.
fn host(config: &Config, index: usize) -> Config {
    let mut alone = Config::new();
    config.get_user().map(|user| alone.user(user));
    config.get_password().map(|password| alone.password(password));
    config.get_dbname().map(|name| alone.dbname(name));
    config.get_options().map(|options| alone.options(options));
    config.get_application_name().map(|name| alone.application_name(name));
    alone.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    alone.channel_binding(config.get_channel_binding());
    alone.target_session_attrs(config.get_target_session_attrs());
    match config.get_hosts().get(index) {
        Some(Host::Tcp(name)) => alone.host(name),
        Some(Host::Unix(path)) => alone.host_path(path),
        None => &mut alone,
    };
    config.get_hostaddrs().get(index).map(|address| alone.hostaddr(*address));
    let ports = config.get_ports();
    ports.get(index).or(ports.first()).map(|port| alone.port(*port));
    alone
}

async fn connect_to(mut config: Config) -> Result<Client, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_tried_with_all_that_is_set() {
        let url =
            "postgres://u:p@a:1,b:2/d?application_name=x&sslmode=require&target_session_attrs=read-write";
        let (first, others) = hosts(&url.parse().unwrap());
        let alone = |host: &str| url.replace("a:1,b:2", host).parse::<Config>().unwrap();
        assert_eq!((first, others), (alone("a:1"), vec![alone("b:2")]));
        let one: Config = "postgres://u@a/d".parse().unwrap();
        assert_eq!(hosts(&one), (one, Vec::new()));
    }
}
