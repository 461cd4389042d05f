//! What became of an input that may be hostile.

/// What became of an input: so that a test sees that its seeds are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken for what it should be.
    Accepted,
    /// It was refused, as it should be.
    Refused,
}
