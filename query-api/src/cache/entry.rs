//! A kept answer, and the forms in which it is sent.

use crate::answer::Answer;
use crate::cache::memory::Terms;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// What an entry takes beside its key and its body.
const OVERHEAD_BYTES: usize = 512;

/// The compressed forms of an answer take about this part of it, together: JSON of numbers shrinks to an eighth.
const FORMS_PART: usize = 4;

/// A kept answer.
#[derive(Clone)]
pub struct Entry {
    /// The answer.
    pub answer: Answer,
    /// Its compressed forms.
    pub forms: Arc<Forms>,
    /// Those of the same answer, given as a stale one.
    pub stale_forms: Arc<Forms>,
    /// A moment before its rows were read: its age counts from here.
    pub as_of: Instant,
    /// For how long it is kept.
    pub ttl: Duration,
    /// Until when it is fresh.
    pub fresh_until: Instant,
}

/// The compressed forms of a body, each made when it is first sent, and kept as long as the body is.
#[derive(Debug, Default)]
pub struct Forms {
    gzip: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
}

impl Forms {
    /// The form of this content coding; `None` for a coding that none is kept of.
    #[must_use]
    pub fn of(&self, coding: &[u8]) -> Option<&OnceCell<Bytes>> {
        match coding {
            b"gzip" => Some(&self.gzip),
            b"br" => Some(&self.brotli),
            _ => None,
        }
    }
}

impl Entry {
    /// An answer that was loaded, or kept elsewhere, as of then.
    pub fn new(answer: Answer, as_of: Instant, ttl: Duration, fresh_until: Instant) -> Self {
        let (forms, stale_forms) = Default::default();
        Self { answer, forms, stale_forms, as_of, ttl, fresh_until }
    }

    /// The terms on which it is kept in this process until then. What its forms will take counts from the beginning.
    pub fn terms(&self, organization: &Arc<str>, key: &str, until: Instant) -> Terms {
        let body = self.answer.body.len();
        let bytes = 2 * key.len() + body + body / FORMS_PART + OVERHEAD_BYTES;
        Terms { organization: Arc::clone(organization), bytes, until }
    }
}
