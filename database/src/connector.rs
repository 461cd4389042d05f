//! Connecting: the first host that will do, with sessions that are kept, set to what the caller says.

use crate::sessions::Finding;
use crate::settings::{Address, Settings};
use crate::tls::Noted;
use crate::{hosts, sessions};
use credentials::BadSetting;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
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
    settings: Settings,
    /// What the caller sets beside the settings.
    adjust: Box<dyn Fn(&mut Address) + Send + Sync>,
    limit: Duration,
    session: String,
    route: Mutex<Arc<Route>>,
}

/// The hosts and how they are reached, as the settings and their files had it when they were last read.
struct Route {
    address: Address,
    hosts: Vec<Host>,
    tls: Option<MakeRustlsConnect>,
}

/// One of the hosts, and what is known about it.
struct Host {
    config: Config,
    silent_since: Mutex<Option<Instant>>,
    keeps_sessions: AtomicBool,
}

impl Connector {
    /// Connects as the settings say and `adjust` sets beside them, within `limit`, which the hosts share, and then executes
    /// `session`, statements that set the session up: poolers refuse most of what could be set in the start-up's `options`. The
    /// files that the settings name are read again for each connection.
    ///
    /// # Errors
    /// When the settings can't be used: a sentence that names the setting.
    pub fn new(
        settings: &Settings,
        adjust: impl Fn(&mut Address) + Send + Sync + 'static,
        limit: Duration,
        session: String,
    ) -> Result<Self, BadSetting> {
        let mut address = settings.read()?;
        adjust(&mut address);
        let route = Mutex::new(Arc::new(Route::new(address)?));
        let (settings, adjust) = (settings.clone(), Box::new(adjust));
        Ok(Self(Arc::new(Shared { settings, adjust, limit, session, route })))
    }

    /// Connects to the first host that will do.
    ///
    /// # Errors
    /// What the last host said that said anything; or that none keeps sessions.
    pub async fn connect(&self) -> Result<Session, Error> {
        let (route, limit) = (self.0.read_again(), &self.0.limit);
        let hosts = &route.hosts;
        let deadline = Instant::now() + *limit;
        let silent_since: Vec<_> = hosts.iter().map(|host| *host.silent_since()).collect();
        let mut failed = Error::Silent(*limit);
        for (tried, index) in hosts::order(&silent_since, Instant::now()).into_iter().enumerate() {
            let host = &hosts[index];
            let share = hosts::share(deadline.saturating_duration_since(Instant::now()), hosts.len() - tried);
            let opened = tokio::time::timeout(share, self.open(&route, host, share)).await;
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
        match &self.0.route().tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }

    /// A session of this host. Before the first one is set up, this finds out whether it is kept.
    async fn open(&self, route: &Route, host: &Host, limit: Duration) -> Result<Session, Error> {
        // Half of the time for an address, so that a name's next one has its turn.
        let mut config = host.config.clone();
        config.connect_timeout(limit / 2);
        let session = route.dial(&config).await?;
        if !host.keeps_sessions.load(Ordering::Relaxed) {
            let other = tokio::time::timeout(OTHER_LIMIT, route.dial(&config)).await;
            let other = other.ok().and_then(Result::ok);
            match sessions::look(&session.client, other.as_ref().map(|other| &other.client)).await? {
                Finding::Kept => host.keeps_sessions.store(true, Ordering::Relaxed),
                Finding::Unsure => {}
                Finding::Shared => return Err(Error::NoSession),
            }
        }
        session.client.batch_execute(&self.0.session).await?;
        Ok(session)
    }
}

impl Shared {
    /// The route as the settings' files have it now. Files that can't be used change nothing: whoever replaces a certificate and
    /// its key may have replaced one of them.
    fn read_again(&self) -> Arc<Route> {
        let mut route = self.locked();
        let read = self.settings.read().and_then(|mut address| {
            (self.adjust)(&mut address);
            (address != route.address).then(|| Route::new(address)).transpose()
        });
        match read {
            Ok(None) => {}
            Ok(Some(changed)) => {
                tracing::info!(
                    "PostgreSQL's settings have changed in their files; connections are made by them now"
                );
                *route = Arc::new(changed);
            }
            Err(bad) => {
                tracing::warn!(
                    target: "postgresql", error = %bad,
                    "PostgreSQL's settings can't be used; connections are made by those of before"
                );
            }
        }
        Arc::clone(&route)
    }

    /// The route as it was last read.
    fn route(&self) -> Arc<Route> {
        Arc::clone(&self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, Arc<Route>> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    fn new(address: Address) -> Result<Self, BadSetting> {
        let host =
            |config| Host { config, silent_since: Mutex::default(), keeps_sessions: AtomicBool::new(false) };
        let tls = address.tls()?;
        Ok(Self { hosts: hosts::each(&address.config).into_iter().map(host).collect(), tls, address })
    }

    async fn dial(&self, config: &Config) -> Result<Session, Error> {
        let Some(tls) = &self.tls else {
            let (client, connection) = config.connect(NoTls).await?;
            return Ok(Session { client, task: drive(connection) });
        };
        let tls = Noted::new(tls);
        let (client, connection) = config.connect(tls.clone()).await?;
        if !tls.is_begun() {
            say_unencrypted();
        }
        Ok(Session { client, task: drive(connection) })
    }
}

/// Says once that a server that was preferred to offer TLS doesn't.
fn say_unencrypted() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            "connections to PostgreSQL are not encrypted: the server offers no TLS, and sslmode=prefer in DATABASE_URL allows \
             that; with sslmode=verify-full they would be refused"
        );
    });
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
