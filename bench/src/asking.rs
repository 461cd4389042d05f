//! Requests at a constant rate, however long the answers take.
//!
//! Each request has a due time, and its latency counts from that. If an answer is slow, or a connection is still busy with
//! the one before, the following requests are late, and their latencies include that. (A client that sends the next request
//! only after an answer would miss it: coordinated omission.) A late wake-up of the client by this machine counts too.

use super::connection::Connection;
use super::latencies::Latencies;
use anyhow::Context as _;
use stack::wait;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Persistent connections, each with a thread that sleeps between its requests.
const CONNECTIONS: usize = 16;
/// The time from creating the threads to the first request.
const BEFORE: Duration = Duration::from_millis(100);

/// What to request, and how often.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The server's address.
    pub address: SocketAddr,
    /// Requests per second, more than 0.
    pub rate: f64,
    /// The total number of requests.
    pub requests: u64,
    /// The requests' bytes, used in turn.
    pub questions: &'a [Vec<u8>],
}

impl Asking<'_> {
    /// Sends the requests, gives each answer's body and its number to `right`, and returns the latencies.
    ///
    /// # Errors
    /// When an answer is missing or wrong.
    pub fn latencies(
        &self,
        right: impl Fn(usize, &[u8]) -> anyhow::Result<()> + Sync,
    ) -> anyhow::Result<Latencies> {
        let (next, start) = (AtomicU64::new(0), Instant::now() + BEFORE);
        let all = std::thread::scope(|scope| {
            let asking = || scope.spawn(|| self.ask(&next, start, &right));
            let threads: Vec<_> = (0..CONNECTIONS).map(|_| asking()).collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            anyhow::Ok(all)
        })?;
        Latencies::of(all).context("nothing was asked")
    }

    /// Serves one connection: repeatedly takes the next request and sends it at its time.
    fn ask(
        &self,
        next: &AtomicU64,
        start: Instant,
        right: impl Fn(usize, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut connection = Connection::open(self.address)?;
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.requests {
                return Ok(latencies);
            }
            let due = start + self.after(number);
            wait::until_instant(due);
            let question = usize::try_from(number)? % self.questions.len();
            let answer = connection.ask(&self.questions[question])?;
            latencies.push(due.elapsed());
            right(question, answer)?;
        }
    }

    /// When a request is due, after the first.
    #[allow(clippy::cast_precision_loss)] // exact up to 2^53 requests
    fn after(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }
}
