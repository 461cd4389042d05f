//! Connecting: the first host that will do, with sessions that are kept, set to what the caller says.

use crate::sessions::Finding;
use crate::{hosts, sessions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a second connection may take, which helps to find out whether sessions are kept. A pool may have no more than one.
const OTHER_LIMIT: Duration = Duration::from_secs(1);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The last host that answered refused, or failed.
    #[error(transparent)]
    Failed(#[from] tokio_postgres::Error),
    /// No host answered in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// A pooler gives sessions for less than a connection's time.
    #[error(
        "DATABASE_URL leads to a pooler that gives each transaction or statement a session of its own, and loses prepared \
         statements, settings and locks with that: set pool_mode = session (PgBouncer's name for it), or let DATABASE_URL lead to \
         PostgreSQL itself"
    )]
    NoSession,
}

/// A connection, set up, and the task that moves its bytes, which ends with it.
#[derive(Debug)]
pub struct Session {
    /// What statements are sent by.
    pub client: Client,
    /// The task.
    pub task: JoinHandle<()>,
}

/// Makes connections. Clones share what is known about the hosts.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

struct Shared {
    hosts: Vec<Host>,
    tls: Option<MakeRustlsConnect>,
    limit: Duration,
    settings: String,
}

/// One of the hosts, and what is known about it.
struct Host {
    config: Config,
    silent_since: Mutex<Option<Instant>>,
    keeps_sessions: AtomicBool,
}

impl Connector {
    /// Connects as `config` says, within `limit`, which its hosts share, and then executes `settings`, statements that set the
    /// session up: poolers refuse most of what could be set in the start-up's `options`. `tls` is used if `config` asks for it.
    #[must_use]
    pub fn new(config: &Config, tls: Option<MakeRustlsConnect>, limit: Duration, settings: String) -> Self {
        let host =
            |config| Host { config, silent_since: Mutex::default(), keeps_sessions: AtomicBool::new(false) };
        let tls = tls.filter(|_| config.get_ssl_mode() == SslMode::Require);
        Self(Arc::new(Shared {
            hosts: hosts::each(config).into_iter().map(host).collect(),
            tls,
            limit,
            settings,
        }))
    }

    /// Connects to the first host that will do.
    ///
    /// # Errors
    /// What the last host said that said anything; or that none keeps sessions.
    pub async fn connect(&self) -> Result<Session, Error> {
        let Shared { hosts, limit, .. } = &*self.0;
        let deadline = Instant::now() + *limit;
        let silent_since: Vec<_> = hosts.iter().map(|host| *host.silent_since()).collect();
        let mut failed = Error::Silent(*limit);
        for (tried, index) in hosts::order(&silent_since, Instant::now()).into_iter().enumerate() {
            let host = &hosts[index];
            let share = hosts::share(deadline.saturating_duration_since(Instant::now()), hosts.len() - tried);
            let opened = tokio::time::timeout(share, self.open(host, share)).await;
            *host.silent_since() = opened.is_err().then(Instant::now);
            match opened {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => failed = error,
                Err(_) => tracing::warn!(host = host.name(), within = ?share, "PostgreSQL doesn't answer"),
            }
        }
        Err(failed)
    }

    /// Asks PostgreSQL to cancel what it does for a session, on a connection of its own.
    ///
    /// # Errors
    /// When that connection can't be made.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.0.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }

    /// A session of this host. Before the first one is set up, this finds out whether it is kept.
    async fn open(&self, host: &Host, limit: Duration) -> Result<Session, Error> {
        // Half of the time for an address, so that a name's next one has its turn.
        let mut config = host.config.clone();
        config.connect_timeout(limit / 2);
        let session = self.dial(&config).await?;
        if !host.keeps_sessions.load(Ordering::Relaxed) {
            let other = tokio::time::timeout(OTHER_LIMIT, self.dial(&config)).await;
            let other = other.ok().and_then(Result::ok);
            match sessions::look(&session.client, other.as_ref().map(|other| &other.client)).await? {
                Finding::Kept => host.keeps_sessions.store(true, Ordering::Relaxed),
                Finding::Unsure => {}
                Finding::Shared => return Err(Error::NoSession),
            }
        }
        session.client.batch_execute(&self.0.settings).await?;
        Ok(session)
    }

    async fn dial(&self, config: &Config) -> Result<Session, Error> {
        Ok(match &self.0.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Session { client, task: drive(connection) }
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Session { client, task: drive(connection) }
            }
        })
    }
}

impl Host {
    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its name and port, for people.
    fn name(&self) -> String {
        format!("{:?} {:?}", self.config.get_hosts(), self.config.get_ports())
    }
}

/// Starts the task that moves a connection's bytes. It only logs the error that ends the connection, because a caller that
/// waits for an answer receives that error, too.
fn drive(
    connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    })
}
