//! Waiting for a condition, under a limit. The only place that sleeps.

use std::time::{Duration, Instant};

/// How often a condition is looked at. Short against what is waited for, long against the cost of looking.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a look at a condition showed.
#[derive(Debug)]
pub enum Seen<T> {
    /// It holds; here is what it gives.
    Ready(T),
    /// Not yet, and why: the last such sentence stands in the error when the limit is reached.
    NotYet(String),
}

impl Seen<()> {
    /// Ready if `holds`, else not yet because of `why`.
    pub fn when(holds: bool, why: impl Into<String>) -> Self {
        if holds { Self::Ready(()) } else { Self::NotYet(why.into()) }
    }
}

/// Looks again and again until `what` is seen to be ready.
///
/// # Errors
/// When `limit` is reached first, or as soon as a look fails.
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

/// The same for places that can't be asynchronous, such as `drop`: true if the condition held within `limit`.
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

/// Waits for an instant, in place: for what keeps a beat. One that has passed is not waited for.
pub fn until_instant(at: Instant) {
    let left = at.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// Lets time pass: for what is about time itself, such as how long a fault lasts. A test waits for a condition instead.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
