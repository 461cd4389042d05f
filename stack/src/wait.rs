//! Waiting for a condition, with a limit. The only place that sleeps.

use std::time::{Duration, Instant};

/// How often a condition is checked. Short compared with the wait, long compared with the cost of a check.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The result of checking a condition.
#[derive(Debug)]
pub enum Seen<T> {
    /// It holds; this is its value.
    Ready(T),
    /// Not yet, and why. If the limit is reached, the error has the last of these sentences.
    NotYet(String),
}

impl Seen<()> {
    /// Ready if `holds`, otherwise not yet because of `why`.
    pub fn when(holds: bool, why: impl Into<String>) -> Self {
        if holds { Self::Ready(()) } else { Self::NotYet(why.into()) }
    }
}

/// Checks repeatedly until `what` is ready.
///
/// # Errors
/// When `limit` is reached, or as soon as a check fails.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Seen<T>>,
) -> anyhow::Result<T> {
    let since = Instant::now();
    loop {
        match look().await? {
            Seen::Ready(found) => return Ok(found),
            Seen::NotYet(why) if since.elapsed() >= limit => {
                anyhow::bail!("waited {} s for {what}; last seen: {why}", limit.as_secs_f32());
            }
            Seen::NotYet(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The same for code that can't be asynchronous, such as `drop`: true if the condition held within `limit`.
pub fn until_blocking(limit: Duration, mut look: impl FnMut() -> bool) -> bool {
    let since = Instant::now();
    loop {
        if look() {
            return true;
        }
        if since.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Sleeps until an instant, blocking the thread, for code that keeps a constant rate. Returns at once if it has passed.
pub fn until_instant(at: Instant) {
    let left = at.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// Lets time pass, where time itself is the subject, such as how long a fault lasts. A test waits for a condition instead.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
