//! Connecting to PostgreSQL: keepalive, and the limits of every statement.

use super::Error;
use crate::limits::{
    IDLE_IN_TRANSACTION_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, LOCK_TIMEOUT,
    STATEMENT_TIMEOUT, UNACKNOWLEDGED_MAX,
};
use database::Connector;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};

/// How long connecting may take; several hosts share it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// PostgreSQL as a process reaches it: clones share what is known about its hosts.
#[derive(Clone)]
pub struct Server(Connector);

impl Server {
    /// Connects as this says.
    ///
    /// # Errors
    /// When TLS is asked for and can't be set up.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let mut config = config.clone();
        config.tcp_user_timeout(UNACKNOWLEDGED_MAX);
        config.keepalives(true).keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
        config.keepalives_retries(KEEPALIVE_RETRIES);
        if config.get_application_name().is_none() {
            config.application_name("business-metrics-consumer");
        }
        // No plan is compiled: the estimate for a plan over arrays is so high that PostgreSQL would compile it, and compiling
        // takes longer than running it.
        let limits = format!(
            "set timezone = 'UTC'; set jit = off; set statement_timeout = '{}s'; set lock_timeout = '{}s'; \
             set idle_in_transaction_session_timeout = '{}s'",
            STATEMENT_TIMEOUT.as_secs(),
            LOCK_TIMEOUT.as_secs(),
            IDLE_IN_TRANSACTION_TIMEOUT.as_secs()
        );
        let tls = (config.get_ssl_mode() == SslMode::Require).then(|| database::tls(None)).transpose();
        let tls = tls.map_err(|error| Error::Tls(error.to_string()))?;
        Ok(Self(Connector::new(&config, tls, CONNECT_TIMEOUT, limits)))
    }

    /// Connects to the first host that will do. A task of its own drives the connection.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or doesn't answer in time; or when it is behind a pooler that won't do.
    pub async fn connect(&self) -> Result<Client, Error> {
        Ok(self.0.connect().await?.client)
    }
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Failed(error) => Self::Database(error),
            database::Error::Silent(limit) => Self::Timeout(limit),
            error @ database::Error::NoSession => Self::Unusable(error.to_string()),
        }
    }
}
