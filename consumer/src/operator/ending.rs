//! How an operator's command ended.

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As asked.
    Good,
    /// Not everything that was asked for could be done, or the command has found a fault.
    Bad,
    /// Asked to stop before it was done. The command can be run again, and goes on.
    Paused,
}
