//! The page of failures, newest first. Pure.

use crate::request::parameter::{ID_BYTES_MAX, in_key, is_text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};

/// Failures on a page, unless the request names a number.
const FAILURES_DEFAULT: u16 = 20;

/// Failures on a page, at most.
pub const FAILURES_MAX: u16 = 100;

/// Which failures are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Those of this workflow; `None` for those of all.
    pub workflow: Option<String>,
    /// Those of the group with this key; `None` for those of all.
    pub group: Option<u64>,
}

impl Which {
    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        let workflow = in_key(self.workflow.as_deref());
        match self.group {
            None => workflow,
            Some(group) => format!("{workflow}/{group:016x}"),
        }
    }
}

/// A page of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailuresPage {
    /// Where it begins; `None` for the newest failure.
    pub cursor: Option<FailureCursor>,
    /// How many failures it holds, 1 to [`FAILURES_MAX`].
    pub limit: u16,
}

impl Default for FailuresPage {
    fn default() -> Self {
        Self { cursor: None, limit: FAILURES_DEFAULT }
    }
}

impl FailuresPage {
    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.limit, self.cursor.as_ref().map(FailureCursor::to_text).unwrap_or_default())
    }
}

/// A position in the list of failures, which is sorted newest first: the page begins after it. It names a failure rather
/// than a number of failures, so that failures that arrive meanwhile don't shift it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureCursor {
    /// When the execution before the page ended, in whole microseconds.
    pub finished_at: DateTime<Utc>,
    /// The id of that execution.
    pub execution_id: String,
}

impl FailureCursor {
    /// The opaque text that clients receive and send back.
    #[must_use]
    pub fn to_text(&self) -> String {
        let micros = self.finished_at.timestamp_micros().to_be_bytes();
        BASE64.encode([&micros, self.execution_id.as_bytes()].concat())
    }

    /// The cursor that `text` encodes; `None` for text that no cursor has.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (micros, id) = bytes.split_first_chunk()?;
        let id = std::str::from_utf8(id).ok().filter(|id| is_text(id, ID_BYTES_MAX))?;
        let finished_at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
        Some(Self { finished_at, execution_id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(micros in -1_000_000_000_000_000..1_000_000_000_000_000_000i64, id in "[^\\p{Cc}]{0,60}") {
            let finished_at = DateTime::from_timestamp_micros(micros).unwrap();
            let cursor = FailureCursor { finished_at, execution_id: id };
            prop_assert_eq!(FailureCursor::from_text(&cursor.to_text()), Some(cursor));
        }

        #[test]
        fn no_text_makes_trouble(text in ".{0,60}") {
            let read = FailureCursor::from_text(&text);
            prop_assert!(read.is_none_or(|cursor| cursor.to_text() == text));
        }
    }
}
