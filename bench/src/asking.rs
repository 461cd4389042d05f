//! Asking at a constant rate, whatever the answers do.
//!
//! Each request has an instant at which it is to be sent, and its latency counts from then: an answer that is slow, or a
//! connection that is busy with the one before, delays what comes after it, and that delay is part of what those behind
//! it waited. (A client that asks again when it has its answer would leave them out: coordinated omission.) How late this
//! machine wakes the client up counts too.

use super::connection::Connection;
use super::latencies::Latencies;
use anyhow::Context as _;
use stack::wait;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections that are kept, each with a thread that sleeps between its requests.
const CONNECTIONS: usize = 16;
/// From the making of the threads to the first request.
const BEFORE: Duration = Duration::from_millis(100);

/// What to ask, and how often.
#[derive(Debug)]
pub struct Asking<'a> {
    /// Whom.
    pub address: SocketAddr,
    /// Requests per second, more than 0.
    pub rate: f64,
    /// Requests in all.
    pub requests: u64,
    /// Finished requests, in turn.
    pub questions: &'a [Vec<u8>],
}

impl Asking<'_> {
    /// Asks, has `right` look at the body of each answer beside the number of its question, and returns how long answers
    /// took.
    ///
    /// # Errors
    /// When an answer is missing, or not right.
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

    /// One connection: the next request that nobody has taken, at its time, again and again.
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

    /// When a request is to be sent, after the first.
    #[allow(clippy::cast_precision_loss)] // exact up to 2^53 requests
    fn after(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }
}
