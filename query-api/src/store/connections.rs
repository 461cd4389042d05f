//! Connections that are lent to loads. One whose work isn't known to be over serves nobody else, and dead ones are found.
//!
//! A load that succeeds has read the reply to everything it sent. A load that fails, or is given up, has not: its statements go on in
//! PostgreSQL, and more of them wait in the connection. Then these are cancelled, one after the other, and the connection is closed.
//! Until that is done it keeps its place in the pool and its organization's turn, so that PostgreSQL never has more to do than these
//! limits say.
//!
//! A connection can be dead without a sign: its host has vanished, or a proxy in between has lost it. A connection that was silent for
//! [`SILENT_FOR`] must reply before it is lent. If one doesn't reply, all that are as old are closed without being asked.
//!
//! Nobody asks one that is in use all the time, so whoever uses it must give up at some time. A load has a limit of its own. All else can
//! reach a connection only by [`Lent::within`], which has one.

use crate::store::connect::{self, Settings};
use crate::store::error::Error;
use crate::store::shares::{Shares, Turn};
use database::Connector;
use deadpool_postgres::{ClientWrapper, Hook, HookError, Metrics, Object, Pool};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A connection that was lent longer ago must reply before it is lent again.
pub const SILENT_FOR: Duration = Duration::from_secs(1);

/// How long that reply may take.
const REPLIES_WITHIN: Duration = Duration::from_secs(1);

/// How long PostgreSQL may take to end a statement that was cancelled, before it is asked again.
const CANCEL_EVERY: Duration = Duration::from_millis(100);

/// How long it may take to end all statements of a connection. Then it is closed all the same.
const END_WITHIN: Duration = Duration::from_secs(2);

/// A pool of connections.
pub struct Connections {
    pool: Pool,
    shares: Arc<Shares>,
    wait: Duration,
    work_within: Duration,
    connector: Connector,
    trust: Arc<Trust>,
}

/// Since when connections are made that may be alive. Older ones are not trusted.
pub struct Trust(Mutex<Instant>);

/// The places of a pool, and who wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Connections that are lent.
    pub busy: usize,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Who waits for a connection, or has one made.
    pub waiting: usize,
    /// The most connections there may be.
    pub size_max: usize,
}

/// A connection that is lent. Dropping it ends its statements and closes it, unless [`Lent::give_back`] was told that
/// they have succeeded.
pub struct Lent {
    /// `None` once it is given back.
    held: Option<Held>,
    asked_at: Instant,
    work_within: Duration,
}

struct Held {
    client: Object,
    turn: Option<Arc<Turn>>,
    connector: Connector,
    trust: Arc<Trust>,
}

impl Connections {
    /// `size` connections, made when they are first needed.
    pub fn new(settings: &Settings, connector: &Connector, size: u16, trust: &Arc<Trust>) -> Self {
        Self {
            pool: connect::pool(settings, connector.clone(), size, check(Arc::clone(trust))),
            shares: Shares::new(settings.database_pool_share),
            wait: settings.database_wait_timeout,
            work_within: settings.work_within(),
            connector: connector.clone(),
            trust: Arc::clone(trust),
        }
    }

    /// The organization's turn, once it loads less than its share.
    ///
    /// # Errors
    /// When it doesn't come in time.
    pub async fn turn(&self, organization: &str) -> Result<Arc<Turn>, Error> {
        let turn = timeout(self.wait, self.shares.turn(organization)).await;
        turn.map(Arc::new).map_err(|_| Error::ShareInUse)
    }

    /// A connection, for whose turn it is, or for statements of no organization.
    ///
    /// # Errors
    /// When none is free in time, or none can be made.
    pub async fn lend(&self, turn: Option<Arc<Turn>>) -> Result<Lent, Error> {
        let asked_at = Instant::now();
        let client = self.pool.get().await?;
        let (connector, trust) = (self.connector.clone(), Arc::clone(&self.trust));
        let held = Some(Held { client, turn, connector, trust });
        Ok(Lent { held, asked_at, work_within: self.work_within })
    }

    /// How its places are taken now.
    pub fn occupancy(&self) -> Occupancy {
        let status = self.pool.status();
        Occupancy {
            busy: status.size.saturating_sub(status.available),
            idle: status.available,
            waiting: status.waiting,
            size_max: status.max_size,
        }
    }
}

impl Trust {
    /// Connections that are made from now on.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Instant::now())))
    }

    /// A connection didn't reply: those that exist now are not trusted any more.
    fn lose(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn since(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection must pass before it is lent again.
fn check(trust: Arc<Trust>) -> Hook {
    Hook::async_fn(move |client: &mut ClientWrapper, metrics: &Metrics| {
        let trust = Arc::clone(&trust);
        Box::pin(async move {
            if metrics.created < trust.since() {
                return Err(HookError::message("a connection of its age didn't reply"));
            }
            if metrics.last_used() < SILENT_FOR {
                return Ok(());
            }
            match timeout(REPLIES_WITHIN, client.simple_query("")).await {
                Ok(replied) => replied.map(drop).map_err(HookError::Backend),
                Err(_) => {
                    tracing::warn!("a connection to postgresql is dead: all of its age are closed");
                    trust.lose();
                    Err(HookError::message("it didn't reply"))
                }
            }
        })
    })
}

impl Lent {
    /// What `work` comes to, while there is time: all work with a connection ends so long after it was asked for.
    ///
    /// # Errors
    /// The work's, or when it takes too long. Then drop this: what has become of the statements isn't known.
    pub async fn within<'a, T, W>(&'a self, work: impl FnOnce(&'a Object) -> W) -> Result<T, Error>
    where
        W: Future<Output = Result<T, Error>>,
    {
        let left = self.work_within.saturating_sub(self.asked_at.elapsed());
        let done = timeout(left, work(self.unlimited())).await;
        done.unwrap_or(Err(Error::TooLong(self.work_within)))
    }

    /// The connection, for a load alone: whoever loads gives up by themselves.
    pub fn unlimited(&self) -> &Object {
        &self.held.as_ref().expect("it is given back by value only").client
    }

    /// The outcome of the statements. If they have succeeded, nothing is left of them, and the connection is given back.
    pub fn give_back<T>(mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_ok() {
            self.held = None;
        }
        outcome
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        metrics::counter!("query_api_connections_given_up_total").increment(1);
        // While the runtime ends nobody is lent a connection any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(held.end());
        }
    }
}

impl Held {
    /// Ends the connection's statements, and closes it. It is never lent again: a late request to cancel would hit the next load.
    async fn end(self) {
        let Self { client, turn, connector, trust } = self;
        let token = client.cancel_token();
        let replied = {
            // It is the last of the statements, so its reply comes when all others are over.
            let mut last = pin!(client.simple_query(""));
            let over = async {
                loop {
                    // What doesn't get through is sent again, as what came between two statements is.
                    drop(timeout(CANCEL_EVERY, connector.cancel(&token)).await);
                    if timeout(CANCEL_EVERY, last.as_mut()).await.is_ok() {
                        break;
                    }
                }
            };
            timeout(END_WITHIN, over).await.is_ok()
        };
        if !replied {
            tracing::warn!(
                "a connection to postgresql didn't reply to cancelling: all of its age are closed"
            );
            trust.lose();
        }
        drop(Object::take(client));
        drop(turn);
    }
}
