//! What an organization's answers are kept under. Pure.

use crate::cache::versions::Version;

/// What an organization's answers are kept under: each part is read before the rows, and changes when they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Era {
    /// Of its numbers; `None` while nobody knows it.
    pub version: Option<Version>,
    /// Of its settings, in this process.
    pub epoch: u64,
}
