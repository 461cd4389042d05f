//! A proxy for PostgreSQL connections that can fail them on command, especially during COMMIT.
//!
//! ```text
//! client -> Proxy -> PostgreSQL        proxy/wire.rs      messages, one at a time, never stored
//!           ^ cut, refuse, pause       proxy/commits.rs   which COMMIT ends a batch
//!           ^ at_next_commit
//! ```
//! It runs on its own thread, so a story that blocks its runtime doesn't block the traffic. It doesn't support TLS.

mod commits;
mod wire;

use anyhow::Context as _;
use commits::Commits;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use wire::{Incoming, Message, Outgoing};

/// Further connections are refused: no member has this many.
const CONNECTIONS_MAX: usize = 200;

/// At which point of a COMMIT its connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before PostgreSQL receives it: the transaction isn't committed.
    Before,
    /// After PostgreSQL has answered, before the client receives that: the transaction is committed.
    AfterAnswer,
    /// As soon as it is sent: the transaction may be committed or not, and PostgreSQL may still be working on it.
    Racing,
}

/// The server that proxies connect to, as `host:port`. All clones are one target, which may be led to another server while
/// the proxies run: connections that exist stay where they are.
#[derive(Clone, Debug)]
pub struct Target(Arc<Mutex<String>>);

impl Target {
    /// Leads new connections to another server.
    pub fn lead_to(&self, server: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = server.into();
    }

    fn server(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<String> for Target {
    fn from(server: String) -> Self {
        Self(Arc::new(Mutex::new(server)))
    }
}

/// A proxy. Dropping it cuts its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    switches: Arc<Switches>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The state that the connections obey.
#[derive(Debug)]
struct Switches {
    target: Target,
    refusing: AtomicBool,
    paused: watch::Sender<bool>,
    /// Counted up to cut all connections.
    all_cut: watch::Sender<u64>,
    /// Counted up to silence all connections.
    all_silenced: watch::Sender<u64>,
    armed: Mutex<Option<Armed>>,
    /// Whether held commits must still wait.
    holding: watch::Sender<bool>,
    held: AtomicU64,
    cuts: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    cut: Cut,
    hold: bool,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1, and connects to the server at `target`.
    ///
    /// # Errors
    /// When it can't listen on any port.
    pub fn to(target: impl Into<Target>) -> anyhow::Result<Self> {
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port to listen on")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let switches = Arc::new(Switches {
            target: target.into(),
            refusing: AtomicBool::new(false),
            paused: watch::Sender::new(false),
            all_cut: watch::Sender::new(0),
            all_silenced: watch::Sender::new(0),
            armed: Mutex::new(None),
            holding: watch::Sender::new(false),
            held: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&switches);
        let thread = std::thread::Builder::new().name("proxy".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, &shared) => {}
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { address, switches, end: Some(end), thread: Some(thread) })
    }

    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all current connections. New ones are accepted.
    pub fn cut_all(&self) {
        self.switches.all_cut.send_modify(|times| *times += 1);
    }

    /// Silences all current connections for ever, like a proxy that has lost its server and doesn't say so: they stay open, and
    /// what is sent on them goes nowhere. New ones are carried.
    pub fn silence_all(&self) {
        self.switches.all_silenced.send_modify(|times| *times += 1);
    }

    /// Ends every new connection immediately, until [`Proxy::accept`].
    pub fn refuse(&self) {
        self.switches.refusing.store(true, Ordering::SeqCst);
    }

    /// Accepts new connections again.
    pub fn accept(&self) {
        self.switches.refusing.store(false, Ordering::SeqCst);
    }

    /// Holds all traffic in both directions with connections open, like a network that loses everything.
    pub fn pause(&self) {
        self.switches.paused.send_replace(true);
    }

    /// Lets the traffic continue; nothing is lost.
    pub fn resume(&self) {
        self.switches.paused.send_replace(false);
    }

    /// Cuts the connection of the next COMMIT that ends a batch: of a transaction that has moved the progress and written other
    /// rows. Does so once; [`Proxy::cuts`] counts it.
    pub fn at_next_commit(&self, cut: Cut) {
        self.arm(Armed { cut, hold: false });
    }

    /// The same, but at that point the connection stays open and silent until [`Proxy::let_go`]; [`Proxy::held`] counts it.
    /// Other connections continue.
    pub fn hold_next_commit(&self, cut: Cut) {
        self.switches.holding.send_replace(true);
        self.arm(Armed { cut, hold: true });
    }

    /// Cuts the held connections.
    pub fn let_go(&self) {
        self.switches.holding.send_replace(false);
    }

    /// How many commits have been cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.switches.cuts.load(Ordering::SeqCst)
    }

    /// How many commits have been held, including those let go.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.switches.held.load(Ordering::SeqCst)
    }

    fn arm(&self, armed: Armed) {
        *self.switches.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some(armed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // The thread can only have panicked, and has reported that.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, switches: &Arc<Switches>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if !switches.refusing.load(Ordering::SeqCst) && connections.len() < CONNECTIONS_MAX {
            let switches = Arc::clone(switches);
            connections.spawn(async move {
                // However a connection ends, both sides see it end.
                let _ = switches.carry(client).await;
            });
        }
    }
}

impl Switches {
    /// Serves a connection.
    async fn carry(&self, client: TcpStream) -> io::Result<()> {
        let (mut all_cut, mut all_silenced) = (self.all_cut.subscribe(), self.all_silenced.subscribe());
        let carrying = pin!(async {
            let server = TcpStream::connect(self.target.server()).await?;
            let (mut from_client, mut to_client) = wire::halves(client, self.paused.subscribe())?;
            let (mut from_server, mut to_server) = wire::halves(server, self.paused.subscribe())?;
            if !wire::greet(&mut from_client, &mut to_client, &mut from_server, &mut to_server).await? {
                return Ok(());
            }
            let lost = Mutex::new(None);
            tokio::select! {
                ended = self.requests(&mut from_client, &mut to_server, &lost) => ended,
                ended = self.answers(&mut from_server, &mut to_client, &lost) => ended,
            }
        });
        tokio::select! {
            ended = carrying => return ended,
            _ = all_cut.changed() => return Ok(()),
            _ = all_silenced.changed() => {}
        }
        // The sockets stay open as long as `carrying` is there, and nobody reads from them.
        drop(all_cut.changed().await);
        Ok(())
    }

    /// Forwards the client's messages until the client or the switches end the connection.
    async fn requests(
        &self,
        from: &mut Incoming,
        to: &mut Outgoing,
        lost: &Mutex<Option<Armed>>,
    ) -> io::Result<()> {
        let mut commits = Commits::default();
        while let Some(message) = from.next().await? {
            let armed = if commits.ends_batch(&message)? { self.disarm() } else { None };
            match armed {
                None => to.pass(message, from).await?,
                Some(armed) => match armed.cut {
                    Cut::Before => {
                        // The writes before it have reached PostgreSQL and hold their locks.
                        to.flush().await?;
                        return self.cut(armed).await;
                    }
                    Cut::AfterAnswer => {
                        *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(armed);
                        to.pass(message, from).await?;
                    }
                    Cut::Racing => {
                        to.pass(message, from).await?;
                        to.flush().await?;
                        return self.cut(armed).await;
                    }
                },
            }
            if from.is_drained() {
                to.flush().await?;
            }
        }
        Ok(())
    }

    /// Forwards the server's messages. If the answer to a COMMIT must be lost, nothing is forwarded after it.
    async fn answers(
        &self,
        from: &mut Incoming,
        to: &mut Outgoing,
        lost: &Mutex<Option<Armed>>,
    ) -> io::Result<()> {
        while let Some(message) = from.next().await? {
            let armed = *lost.lock().unwrap_or_else(PoisonError::into_inner);
            match armed {
                None => to.pass(message, from).await?,
                Some(armed) if message.is_ready_outside_transaction() => return self.cut(armed).await,
                Some(_) => from.skip(message).await?,
            }
            if from.is_drained() {
                to.flush().await?;
            }
        }
        Ok(())
    }

    fn disarm(&self) -> Option<Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits if the COMMIT must be held; the caller then ends the connection.
    async fn cut(&self, armed: Armed) -> io::Result<()> {
        if armed.hold {
            self.held.fetch_add(1, Ordering::SeqCst);
            // The sender belongs to `self`, so it exists.
            let _ = self.holding.subscribe().wait_for(|holding| !holding).await;
        }
        self.cuts.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Message {
    /// Whether the server reports that it is ready and in no transaction.
    fn is_ready_outside_transaction(&self) -> bool {
        self.kind() == b'Z' && self.body() == b"I"
    }
}
