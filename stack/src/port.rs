//! Free ports on 127.0.0.1.

use anyhow::Context as _;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The range of ports. It lies below the system's range for outgoing connections, so that no connection occupies a service's
/// port while that service is being restarted.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// How many ports are tried.
const LOOKS_MAX: usize = 1_000;

/// How often a service is started again because another program took its port between our check and its start.
const STARTS_MAX: usize = 4;

/// Ports that this process has given out.
static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port on which nobody listens and which this process hasn't given out before.
///
/// # Errors
/// When none is free.
pub fn free() -> anyhow::Result<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let width = u64::from(RANGE.end - RANGE.start);
    (0..LOOKS_MAX)
        .map(|_| {
            RANGE.start + u16::try_from(RandomState::new().hash_one(()) % width).expect("a rest below a u16")
        })
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok() && taken.insert(*port))
        .context("no free port found on 127.0.0.1")
}

/// Calls `start` until it succeeds, or fails for another reason than a port in use, or has lost the race for its ports too
/// often.
pub async fn with_fresh<T>(start: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut starts = 1;
    loop {
        match start().await {
            Err(error) if starts < STARTS_MAX && lost_race(&error) => starts += 1,
            outcome => return outcome,
        }
    }
}

/// Kafka, PostgreSQL, Redis and our own binaries all pass on the system's message, to their logs.
fn lost_race(error: &anyhow::Error) -> bool {
    format!("{error:#}").to_lowercase().contains("already in use")
}
