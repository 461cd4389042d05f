//! The organizations' versions that this process knows, and how long it may trust them. Pure but for its lock.
//!
//! A version is read from Redis once. Redis then sends an invalidation message when it changes (client-side caching), and
//! until then the version is known here, without a round trip. Two things must not go wrong:
//!
//! * **An invalidation that overtakes its reply.** Redis sends the reply first and the invalidation after it, but two tasks
//!   may process them in the other order. So a reader takes a [`Ticket`] before it asks Redis, an invalidation voids the
//!   ticket, and a reply whose ticket is void serves that one reader and is not kept.
//! * **Silence.** The absence of invalidations means something only while the connection lives, so it is pinged all the
//!   time. Redis sends in order: once a ping that was sent at `t` is answered, every invalidation of a change that Redis
//!   confirmed before `t` has been processed. No version is trusted for longer than [`TRUST_MAX`] after the last such `t`.
//!
//! So a version that is read at `t` includes every change that was confirmed by `t - TRUST_MAX`, whatever happens to the
//! connection, and usually every change until less than a millisecond before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long known versions are trusted, counted from when the last answered ping was sent.
pub const TRUST_MAX: Duration = Duration::from_millis(500);

/// How many versions are known at most. At the limit all are forgotten; each costs one more read.
const KNOWN_MAX: usize = 100_000;

/// An organization's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The number that is stored in Redis.
    pub number: u64,
    /// Raised whenever Redis may have started counting from zero again, so that what this process keeps under an old number
    /// is not mistaken for an answer of the new one.
    pub generation: u64,
}

/// Held by a reader between its request to Redis and the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// The known versions.
#[derive(Default)]
pub struct Versions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: HashMap<Box<str>, Entry>,
    generation: u64,
    alive_at: Option<Instant>,
    tickets: u64,
}

enum Entry {
    /// It is being read; the holder of this ticket will know it.
    Reading(Ticket),
    Known(u64),
}

impl Versions {
    /// The organization's version, if it is known and can be trusted at `now`.
    pub fn get(&self, organization: &str, now: Instant) -> Option<Version> {
        let state = self.state();
        let since = now.saturating_duration_since(state.alive_at?);
        match state.known.get(organization)? {
            Entry::Known(number) if since <= TRUST_MAX => {
                Some(Version { number: *number, generation: state.generation })
            }
            Entry::Known(_) | Entry::Reading(_) => None,
        }
    }

    /// Begins to read a version: call this before the request to Redis.
    pub fn begin_read(&self, organization: &str) -> Ticket {
        let mut state = self.state();
        if state.known.len() >= KNOWN_MAX {
            state.known.clear();
        }
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        state.known.insert(organization.into(), Entry::Reading(ticket));
        ticket
    }

    /// Ends a read with the number from Redis. The version is known from now on, unless the ticket is void.
    pub fn end_read(&self, organization: &str, ticket: Ticket, number: u64) -> Version {
        let mut state = self.state();
        if let Some(entry) = state.known.get_mut(organization)
            && matches!(entry, Entry::Reading(newest) if *newest == ticket)
        {
            *entry = Entry::Known(number);
        }
        Version { number, generation: state.generation }
    }

    /// The version of a number that was read without a ticket: it is not kept.
    pub fn untracked(&self, number: u64) -> Version {
        Version { number, generation: self.state().generation }
    }

    /// Processes an invalidation: the organization's version has changed.
    pub fn invalidate(&self, organization: &str) {
        self.state().known.remove(organization);
    }

    /// Forgets all versions: the connection is lost, or new, or Redis has been emptied.
    pub fn forget_all(&self) {
        let mut state = self.state();
        state.known.clear();
        state.generation += 1;
        state.alive_at = None;
    }

    /// Notes that a ping sent at `at` is answered: all invalidations of changes before then have been processed.
    pub fn alive(&self, at: Instant) {
        self.state().alive_at = Some(at);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
