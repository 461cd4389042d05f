//! The page of groups of failures, most failures first. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use std::cmp::Reverse;

/// Groups on a page, unless the request names a number.
const GROUPS_DEFAULT: u16 = 20;

/// Groups on a page, at most.
pub const GROUPS_MAX: u16 = 100;

/// A page of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsPage {
    /// Where it begins; `None` for the group with most failures.
    pub cursor: Option<GroupCursor>,
    /// How many groups it holds, 1 to [`GROUPS_MAX`].
    pub limit: u16,
}

impl Default for GroupsPage {
    fn default() -> Self {
        Self { cursor: None, limit: GROUPS_DEFAULT }
    }
}

impl GroupsPage {
    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.limit, self.cursor.map(GroupCursor::to_text).unwrap_or_default())
    }
}

/// A position in the list of groups: the page begins after it. It names what the group before the page was sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupCursor {
    /// How many failures the group has.
    pub count: i64,
    /// When the last of them ended, in whole microseconds.
    pub last_seen: DateTime<Utc>,
    /// The group's key.
    pub key: u64,
}

impl GroupCursor {
    /// By what groups are sorted, in ascending order: most failures first, then the latest, then by key.
    #[must_use]
    pub fn place(self) -> (Reverse<i64>, Reverse<DateTime<Utc>>, u64) {
        (Reverse(self.count), Reverse(self.last_seen), self.key)
    }

    /// The opaque text that clients receive and send back.
    #[must_use]
    pub fn to_text(self) -> String {
        let Self { count, last_seen, key } = self;
        let parts = [count.to_be_bytes(), last_seen.timestamp_micros().to_be_bytes(), key.to_be_bytes()];
        BASE64.encode(parts.concat())
    }

    /// The cursor that `text` encodes; `None` for text that no cursor has.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (count, rest) = bytes.split_first_chunk()?;
        let (micros, key) = rest.split_first_chunk()?;
        let (count, micros) = (i64::from_be_bytes(*count), i64::from_be_bytes(*micros));
        let last_seen = DateTime::from_timestamp_micros(micros)?;
        (count > 0).then_some(Self { count, last_seen, key: u64::from_be_bytes(key.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(
            count in 1..=i64::MAX,
            micros in -1_000_000_000_000_000..1_000_000_000_000_000_000i64,
            key in any::<u64>(),
        ) {
            let cursor = GroupCursor { count, last_seen: DateTime::from_timestamp_micros(micros).unwrap(), key };
            prop_assert_eq!(GroupCursor::from_text(&cursor.to_text()), Some(cursor));
        }

        #[test]
        fn no_text_makes_trouble(text in ".{0,60}") {
            let read = GroupCursor::from_text(&text);
            prop_assert!(read.is_none_or(|cursor| cursor.to_text() == text));
        }
    }
}
