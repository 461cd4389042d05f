//! How workflow health is listed: the order of workflows, and the page of failures. Pure.

use crate::request::parameter::BadParameter;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};

/// Failures on a page, unless the request names a number.
const FAILURES_DEFAULT: u16 = 20;

/// Failures on a page, at most.
pub const FAILURES_MAX: u16 = 100;

/// The longest id of an execution, in bytes.
const EXECUTION_ID_MAX: usize = 256;

/// What workflows are sorted by: the greatest first, but names in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Failed runs, those that met the safety limit included.
    #[default]
    Failures,
    /// All runs.
    Runs,
    /// The share of runs that failed.
    FailureRate,
    /// The mean execution time.
    AvgExecutionTimeMs,
    /// The 95th percentile of execution times.
    P95ExecutionTimeMs,
    /// The workflow's name.
    Name,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Failures,
        Self::Runs,
        Self::FailureRate,
        Self::AvgExecutionTimeMs,
        Self::P95ExecutionTimeMs,
        Self::Name,
    ];

    /// Its name in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Runs => "runs",
            Self::FailureRate => "failure_rate",
            Self::AvgExecutionTimeMs => "avg_execution_time_ms",
            Self::P95ExecutionTimeMs => "p95_execution_time_ms",
            Self::Name => "name",
        }
    }
}

/// A position in the list of failures, which is sorted newest first: the page begins after it. It names a failure rather
/// than a number of failures, so that failures that arrive meanwhile don't shift it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When the execution before the page ended, in whole microseconds.
    pub finished_at: DateTime<Utc>,
    /// The id of that execution.
    pub execution_id: String,
}

impl Cursor {
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
        let id = std::str::from_utf8(id).ok().filter(|id| id.len() <= EXECUTION_ID_MAX)?;
        (!id.contains(char::is_control)).then_some(())?;
        let finished_at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
        Some(Self { finished_at, execution_id: id.to_owned() })
    }
}

/// How workflow health is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What workflows are sorted by.
    pub sort: Sort,
    /// Where the page of failures begins; `None` for the newest.
    pub cursor: Option<Cursor>,
    /// How many failures a page holds, 1 to [`FAILURES_MAX`].
    pub limit: u16,
}

impl Default for Listing {
    fn default() -> Self {
        Self { sort: Sort::default(), cursor: None, limit: FAILURES_DEFAULT }
    }
}

impl Listing {
    /// Picks the listing's parameters out of the pairs of a query string and ignores all others.
    ///
    /// # Errors
    /// When one of them occurs twice or has a value that is not allowed.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, BadParameter> {
        let mut listing = Self::default();
        if let Some(text) = single(pairs, "sort")? {
            let names = || Sort::ALL.map(Sort::name).join(", ");
            let known = Sort::ALL.into_iter().find(|sort| sort.name() == text);
            listing.sort = known
                .ok_or_else(|| BadParameter::new("sort", format!("`sort` must be one of {}", names())))?;
        }
        if let Some(text) = single(pairs, "cursor")? {
            let detail = || "`cursor` must be the `nextCursor` of an earlier answer".to_owned();
            listing.cursor =
                Some(Cursor::from_text(text).ok_or_else(|| BadParameter::new("cursor", detail()))?);
        }
        if let Some(text) = single(pairs, "limit")? {
            let detail = || format!("`limit` must be a number from 1 to {FAILURES_MAX}");
            let limit = text.parse().ok().filter(|limit| (1..=FAILURES_MAX).contains(limit));
            listing.limit = limit.ok_or_else(|| BadParameter::new("limit", detail()))?;
        }
        Ok(listing)
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        let cursor = self.cursor.as_ref().map(Cursor::to_text).unwrap_or_default();
        format!("{}/{}/{cursor}", self.sort.name(), self.limit)
    }
}

/// The value of a parameter that may occur once.
fn single<'a>(pairs: &'a [(String, String)], name: &'static str) -> Result<Option<&'a str>, BadParameter> {
    let mut all = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (all.next(), all.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(BadParameter::repeated(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listing(query: &str) -> Result<Listing, BadParameter> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Listing::from_pairs(&pairs)
    }

    #[test]
    fn a_listing_has_defaults() {
        assert_eq!(listing("").unwrap(), Listing { sort: Sort::Failures, cursor: None, limit: 20 });
        let asked = listing("limit=100&sort=p95_execution_time_ms&other=1").unwrap();
        assert_eq!((asked.limit, asked.sort), (100, Sort::P95ExecutionTimeMs));
    }

    #[test]
    fn what_is_none_of_it_is_named() {
        let refused = |query: &str, name: &str| assert_eq!(listing(query).unwrap_err().name, name, "{query}");
        for query in ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=", "limit=5&limit=5"] {
            refused(query, "limit");
        }
        refused("sort=age", "sort");
        refused("sort=", "sort");
        // No base64, too short, no UTF-8, a control character.
        for text in ["", "*", "AAAA", "AAAAAAAAAAD_", "AAAAAAAAAAAA"] {
            refused(&format!("cursor={text}"), "cursor");
        }
    }

    #[test]
    fn listings_are_questions_of_their_own() {
        let keys =
            ["", "sort=name", "limit=21", "cursor=AAAAAAAAAABh"].map(|query| listing(query).unwrap().key());
        assert_eq!(keys, ["failures/20/", "name/20/", "failures/21/", "failures/20/AAAAAAAAAABh"]);
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(micros in -1_000_000_000_000_000..1_000_000_000_000_000_000i64, id in "[^\\p{Cc}]{0,60}") {
            let finished_at = DateTime::from_timestamp_micros(micros).unwrap();
            let cursor = Cursor { finished_at, execution_id: id };
            prop_assert_eq!(Cursor::from_text(&cursor.to_text()), Some(cursor));
        }

        #[test]
        fn no_text_makes_trouble(text in ".{0,60}") {
            let read = Cursor::from_text(&text);
            prop_assert!(read.is_none_or(|cursor| cursor.to_text() == text));
        }
    }
}
