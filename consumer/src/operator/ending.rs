//! How an operator's command ended.

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As asked.
    Good,
    /// Not all of what was asked for could be, or what was looked at is not as it should be.
    Bad,
}
