//! A member of the consumer's group: a process that can be killed, paused, ended and started again.

use anyhow::{Context as _, bail, ensure};
use rustix::process::Signal;
use stack::Proxy;
use stack::http;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait::{self, Seen};
use std::net::SocketAddr;
use std::time::Duration;

/// How long a member may take from its start until its admin address answers as expected.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// How long a member may take to end after SIGTERM: more than its own grace period.
pub const END_LIMIT: Duration = Duration::from_secs(30);

/// A member, which runs unless a fault stops it.
#[derive(Debug)]
pub struct Member {
    name: String,
    program: Program,
    process: Process,
    admin: SocketAddr,
    /// The proxy between it and PostgreSQL.
    proxy: Proxy,
}

impl Member {
    /// Starts it, without waiting for it.
    ///
    /// # Errors
    /// When the system can't start it.
    pub fn start(name: String, program: Program, admin: SocketAddr, proxy: Proxy) -> anyhow::Result<Self> {
        Ok(Self { name, process: Process::start(program.clone())?, program, admin, proxy })
    }

    /// Starts it again after it has ended.
    ///
    /// # Errors
    /// When the system can't start it.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = Process::start(self.program.clone())?;
        Ok(())
    }

    /// Waits until it is alive.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub async fn until_alive(&mut self) -> anyhow::Result<()> {
        self.until("/healthz", "alive").await
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub async fn until_ready(&mut self) -> anyhow::Result<()> {
        self.until("/readyz", "ready").await
    }

    async fn until(&mut self, path: &str, what: &str) -> anyhow::Result<()> {
        let (admin, what) = (self.admin, format!("{} to be {what}", self.name));
        wait::until(&what, READY_LIMIT, async || {
            self.stands()?;
            Ok(match tokio::task::block_in_place(|| http::get(admin, path)) {
                Ok(_) => Seen::Ready(()),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await
    }

    /// The proxy between it and PostgreSQL.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        tokio::task::block_in_place(|| self.process.kill());
    }

    /// SIGSTOP.
    pub fn pause(&mut self) {
        self.process.pause();
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.process.resume();
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// When it takes too long, or its exit code is not 0.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        self.stands()?;
        self.process.signal(Signal::TERM);
        let ended = self.process.wait(END_LIMIT).await;
        let status =
            ended.with_context(|| format!("{} on SIGTERM:\n{}", self.name, self.process.log_tail()))?;
        ensure!(
            status.success(),
            "{} ended with {status} on SIGTERM:\n{}",
            self.name,
            self.process.log_tail()
        );
        Ok(())
    }

    /// Checks that it has not ended by itself.
    ///
    /// # Errors
    /// When it has, with the end of its log.
    pub fn stands(&mut self) -> anyhow::Result<()> {
        match self.process.ended() {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself ({status}):\n{}", self.name, self.process.log_tail())
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A paused process can't end.
        self.process.resume();
    }
}
