//! The ledger's floor as this member last read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Shared by the source, which refuses older records, and the writer, whose transactions read the floor anew. In seconds
/// since the Unix epoch. A source that lags behind does no harm: each transaction compares the floor with its batch's.
#[derive(Clone, Debug)]
pub struct SharedFloor {
    second: Arc<AtomicI64>,
}

impl SharedFloor {
    /// The floor at the start.
    #[must_use]
    pub fn new(second: i64) -> Self {
        Self { second: Arc::new(AtomicI64::new(second)) }
    }

    /// The floor as last read.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.second.load(Ordering::Relaxed)
    }

    /// Sets the floor to the one that a transaction has read.
    pub fn set(&self, second: i64) {
        self.second.store(second, Ordering::Relaxed);
    }
}
