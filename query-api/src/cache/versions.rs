//! The organizations' versions as far as this process knows them, and until when that may be believed. Pure but for its
//! lock.
//!
//! Redis is asked for a version once, and says when it has changed (client-side caching): until then the version is known
//! here, without a round trip. Two things must not go wrong:
//!
//! * **A change that overtakes its answer.** Redis sends the answer first and the change after it, but here two tasks may
//!   see them in the other order. So whoever asks takes a [`Ticket`] first, a change tears it up, and an answer whose
//!   ticket is torn is given to the one request that asked and not kept.
//! * **Silence.** No news is good news only while the connection lives. It is asked for a sign of life all the time. What
//!   it sends comes in order: with the answer to a question that was sent at `t`, every change that Redis had confirmed
//!   by `t` has been heard. Nothing is believed for longer than [`TRUST_MAX`] after the last such `t`.
//!
//! So an answer given at `t` rests on every change that was confirmed by `t - TRUST_MAX`, whatever happens to the
//! connection, and usually on those of less than a millisecond ago.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How old the last sign of life may be for what is known to be believed.
pub const TRUST_MAX: Duration = Duration::from_millis(500);

/// So many versions are known at most; then all are forgotten, which costs each of them one question.
const KNOWN_MAX: usize = 100_000;

/// An organization's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// As Redis counts it.
    pub number: u64,
    /// Raised whenever Redis may have begun to count anew: what this process keeps under a number of before is not what
    /// the number means now.
    pub generation: u64,
}

/// Held by whoever asks for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What is known.
#[derive(Default)]
pub struct Versions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: HashMap<Box<str>, Entry>,
    generation: u64,
    heard_at: Option<Instant>,
    tickets: u64,
}

enum Entry {
    /// The holder of the newest ticket may say.
    Asked(Ticket),
    Known(u64),
}

impl Versions {
    /// The organization's version, if it is known and can be believed at `now`.
    pub fn get(&self, organization: &str, now: Instant) -> Option<Version> {
        let state = self.state();
        let since = now.saturating_duration_since(state.heard_at?);
        match state.known.get(organization)? {
            Entry::Known(number) if since <= TRUST_MAX => {
                Some(Version { number: *number, generation: state.generation })
            }
            Entry::Known(_) | Entry::Asked(_) => None,
        }
    }

    /// To be called before Redis is asked.
    pub fn ask(&self, organization: &str) -> Ticket {
        let mut state = self.state();
        if state.known.len() >= KNOWN_MAX {
            state.known.clear();
        }
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        state.known.insert(organization.into(), Entry::Asked(ticket));
        ticket
    }

    /// Redis has answered: known from now on, unless the ticket was torn up.
    pub fn told(&self, organization: &str, ticket: Ticket, number: u64) -> Version {
        let mut state = self.state();
        if let Some(entry) = state.known.get_mut(organization)
            && matches!(entry, Entry::Asked(newest) if *newest == ticket)
        {
            *entry = Entry::Known(number);
        }
        Version { number, generation: state.generation }
    }

    /// The version of a number that came by another way and can't be kept.
    pub fn unkept(&self, number: u64) -> Version {
        Version { number, generation: self.state().generation }
    }

    /// Redis says that the organization's version has changed.
    pub fn changed(&self, organization: &str) {
        self.state().known.remove(organization);
    }

    /// Nothing is known any more: the connection is lost, or new, or Redis has been emptied.
    pub fn forget_all(&self) {
        let mut state = self.state();
        state.known.clear();
        state.generation += 1;
        state.heard_at = None;
    }

    /// A question sent at `at` has been answered: what Redis had confirmed by then has been heard.
    pub fn heard(&self, at: Instant) {
        self.state().heard_at = Some(at);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
