//! Running binaries.

use crate::answer::Answer;
use crate::listening::Listening;
use crate::must::must;
use stack::run::process::Process;
use stack::wait::{self, Seen};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::time::Duration;

/// How long a binary may take to be ready, from its start or from the recovery of a service.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(40);

/// A running binary. If the story fails while it runs, its log is shown.
#[derive(Debug)]
pub struct Member {
    process: Process,
    admin: SocketAddr,
    log: PathBuf,
}

impl Member {
    pub(crate) fn new(process: Process, admin: SocketAddr, log: PathBuf) -> Self {
        Self { process, admin, log }
    }

    pub(crate) async fn until_alive(mut self) -> Self {
        self.until_admin_says("/healthz", "to be alive").await;
        self
    }

    /// Waits until it is ready.
    pub async fn until_ready(&mut self) {
        self.until_admin_says("/readyz", "to be ready").await;
    }

    /// Waits until it isn't ready.
    pub async fn until_not_ready(&mut self) {
        let admin = self.admin;
        let waiting = wait::until("a member to say it isn't ready", READY_LIMIT, async || {
            Ok(match Answer::get(admin, "/readyz", &[]).await {
                Ok(answer) => Seen::when(answer.status == 503, answer.body),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        });
        must(waiting.await);
    }

    async fn until_admin_says(&mut self, path: &str, what: &str) {
        let admin = self.admin;
        let what = format!("a binary {what}");
        let waiting = wait::until(&what, READY_LIMIT, async || {
            if let Some(status) = self.process.ended() {
                anyhow::bail!("it ended at its start ({status}); its log:\n{}", self.process.log_tail());
            }
            Ok(match Answer::get(admin, path, &[]).await {
                Ok(answer) => Seen::when(answer.status == 200, answer.body),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        });
        must(waiting.await);
    }

    /// Its admin address.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The answer of its admin address.
    pub async fn admin(&self, path: &str) -> Answer {
        must(Answer::get(self.admin, path, &[]).await)
    }

    /// The sum of a metric over all series whose labels contain `labels` (such as `outcome="duplicate"`); 0 if there is none.
    pub async fn metric(&self, name: &str, labels: &str) -> f64 {
        let text = self.admin("/metrics").await.body;
        let samples = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(labels)
        });
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }

    /// How many lines its log has.
    #[must_use]
    pub fn log_lines(&self) -> usize {
        must(std::fs::read_to_string(&self.log).map_err(Into::into)).lines().count()
    }

    /// Its peak memory, in bytes.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        stack::run::usage::peak_memory(self.process.id()).expect("a running process has a peak")
    }

    /// SIGTERM: asks it to end, without waiting for that.
    pub fn terminate(&mut self) {
        self.process.signal(rustix::process::Signal::TERM);
    }

    /// SIGTERM: asks it to end, and returns its exit code.
    pub async fn stop(mut self) -> Option<i32> {
        self.process.signal(rustix::process::Signal::TERM);
        must(self.process.wait(END_LIMIT).await).code()
    }

    /// SIGINT, as from Ctrl-C: asks it to end, and returns its exit code.
    pub async fn interrupt(mut self) -> Option<i32> {
        self.process.signal(rustix::process::Signal::INT);
        must(self.process.wait(END_LIMIT).await).code()
    }

    /// SIGKILL: ends it immediately.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Waits for it to end by itself, and returns its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        must(self.process.wait(END_LIMIT).await).code()
    }

    /// SIGSTOP: pauses it, with connections open.
    pub fn pause(&mut self) {
        self.process.pause();
    }

    /// SIGCONT: resumes it.
    pub fn resume(&mut self) {
        self.process.resume();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A paused process can't end.
        self.process.resume();
        if std::thread::panicking() {
            machine::say::line(format_args!("--- the end of a log:\n{}\n---", self.process.log_tail()));
        }
    }
}

/// A running query API.
#[derive(Debug)]
pub struct Api {
    member: Member,
    address: SocketAddr,
}

impl Api {
    pub(crate) fn new(member: Member, address: SocketAddr) -> Self {
        Self { member, address }
    }

    /// The answer to a request with this token (or any other text in its place).
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.get_with(path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// The answer to a request with these headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        must(Answer::get(self.address, path, headers).await)
    }

    /// The answer to a request of this method (or any other text in its place), path and JSON, with these headers.
    pub async fn send(&self, asked: (&str, &str, &str), headers: &[(&str, &str)]) -> Answer {
        must(Answer::to(self.address, asked, headers).await)
    }

    /// Opens the stream of changes with this token and these headers.
    pub async fn listen(&self, token: &str, headers: &[(&str, &str)]) -> Listening {
        let authorization = format!("Bearer {token}");
        let headers: Vec<_> =
            [("authorization", &*authorization)].into_iter().chain(headers.iter().copied()).collect();
        must(Listening::to(self.address, "/metrics/stream", &headers).await)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGTERM: asks it to end, and returns its exit code.
    pub async fn stop(self) -> Option<i32> {
        self.member.stop().await
    }

    /// SIGINT, as from Ctrl-C: asks it to end, and returns its exit code.
    pub async fn interrupt(self) -> Option<i32> {
        self.member.interrupt().await
    }

    /// SIGKILL: ends it immediately.
    pub fn kill(self) {
        self.member.kill();
    }
}

impl Deref for Api {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

impl DerefMut for Api {
    fn deref_mut(&mut self) -> &mut Member {
        &mut self.member
    }
}
