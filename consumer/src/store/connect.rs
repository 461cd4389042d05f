//! Connecting to PostgreSQL: keepalive, and the limits of every statement.

use super::Error;
use crate::limits::{
    CONNECT_TIMEOUT, IDLE_IN_TRANSACTION_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES,
    LOCK_TIMEOUT, STATEMENT_TIMEOUT, UNACKNOWLEDGED_MAX,
};
use crate::settings::BadSetting;
use crate::store::settings::Database;
use database::{Address, Connector};
use tokio_postgres::Client;
use tokio_postgres::config::TargetSessionAttrs;

/// PostgreSQL as a process reaches it: clones share what is known about its hosts.
#[derive(Clone)]
pub struct Server(Connector);

impl Server {
    /// Connects as the settings say, also by what their files have later.
    ///
    /// # Errors
    /// When they can't be used: a sentence that names the setting.
    pub fn new(settings: &Database) -> Result<Self, BadSetting> {
        Self::of(settings, |address| {
            adjust(address);
            // Of several hosts, or of one that was demoted, only a primary will do.
            address.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        })
    }

    /// The same for a server that may be a standby.
    ///
    /// # Errors
    /// The same.
    pub fn replica(settings: &Database) -> Result<Self, BadSetting> {
        Self::of(settings, adjust)
    }

    fn of(
        settings: &Database,
        adjust: impl Fn(&mut Address) + Send + Sync + 'static,
    ) -> Result<Self, BadSetting> {
        // No plan is compiled: the estimate for a plan over arrays is so high that PostgreSQL would compile it, and compiling
        // takes longer than running it.
        let limits = format!(
            "set timezone = 'UTC'; set jit = off; set statement_timeout = '{}s'; set lock_timeout = '{}s'; \
             set idle_in_transaction_session_timeout = '{}s'",
            STATEMENT_TIMEOUT.as_secs(),
            LOCK_TIMEOUT.as_secs(),
            IDLE_IN_TRANSACTION_TIMEOUT.as_secs()
        );
        let connector = Connector::new(settings, adjust, CONNECT_TIMEOUT, limits);
        connector.map(Self).map_err(|bad| BadSetting(bad.0))
    }

    /// Connects to the first host that will do. A task of its own drives the connection.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or doesn't answer in time; or when it is behind a pooler that won't do.
    pub async fn connect(&self) -> Result<Client, Error> {
        Ok(self.0.connect().await?.client)
    }
}

/// Sets what doesn't depend on the settings.
fn adjust(address: &mut Address) {
    let config = &mut address.config;
    config.tcp_user_timeout(UNACKNOWLEDGED_MAX);
    config.keepalives(true).keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
    config.keepalives_retries(KEEPALIVE_RETRIES);
    if config.get_application_name().is_none() {
        config.application_name("business-metrics-consumer");
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
