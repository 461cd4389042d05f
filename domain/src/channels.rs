//! How messages' channels are named in the tables and in answers.

/// Under which name messages count whose record names no channel. No row has it: it is what the others leave of the counters.
pub const UNKNOWN: &str = "unknown";

/// Under which name messages count whose channel has no name of its own.
pub const OTHER: &str = "other";

/// How many channels of an organization have a name of their own: the first in the order of [`rank`].
pub const CHANNELS_MAX: usize = 32;

/// How long a channel's name may be, in bytes.
pub const CHANNEL_BYTES_MAX: usize = 64;

/// The place of a name among an organization's: short ones first, then by their bytes.
#[must_use]
pub const fn rank(name: &str) -> (usize, &str) {
    (name.len(), name)
}
