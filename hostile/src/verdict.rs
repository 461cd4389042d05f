//! The verdict on an input that may be hostile.

/// The verdict on an input. Tests check with it that the seeds are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was accepted, with the right meaning.
    Accepted,
    /// It was refused, rightly.
    Refused,
}
