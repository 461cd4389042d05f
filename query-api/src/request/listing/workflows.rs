//! The page of workflows, in any of several orders. Pure.

use crate::request::parameter::{ID_BYTES_MAX, is_text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Workflows on a page, at most, and unless the request names a number.
pub const WORKFLOWS_MAX: u16 = 100;

/// The longest name of a workflow, in bytes: the consumer refuses records with longer ones.
const NAME_BYTES_MAX: usize = 512;

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
    /// All of them. A cursor has the place in this list, so new ones are added at its end.
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

/// A page of workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowsPage {
    /// What workflows are sorted by.
    pub sort: Sort,
    /// Where the page begins, in the same order; `None` for the first workflow.
    pub cursor: Option<WorkflowCursor>,
    /// How many workflows it holds, 1 to [`WORKFLOWS_MAX`].
    pub limit: u16,
}

impl Default for WorkflowsPage {
    fn default() -> Self {
        Self { sort: Sort::default(), cursor: None, limit: WORKFLOWS_MAX }
    }
}

/// A position in the list of workflows: the page begins after it. It names what the workflow before the page was sorted by
/// rather than a number of workflows, so that it stays a position when other workflows are counted meanwhile.
///
/// Counts rather than quotients are named: whoever compares computes the quotient as for a workflow of the list, so that
/// rounding moves no position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowCursor {
    /// The order in which it is a position.
    pub sort: Sort,
    /// The count that is sorted by, or whose share of the runs is; for percentiles tenths of a millisecond, -1 if there is none;
    /// for names 0.
    pub part: i64,
    /// The runs of the workflow.
    pub runs: i64,
    /// The name of the workflow if names are sorted by, else empty.
    pub name: String,
    /// The id of the workflow.
    pub id: String,
}

impl WorkflowCursor {
    /// The opaque text that clients receive and send back. Neither a name nor an id has the character that separates them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { sort, part, runs, name, id } = self;
        let order = Sort::ALL.iter().position(|other| other == sort);
        let order = order.and_then(|order| u8::try_from(order).ok()).expect("a handful of orders");
        let texts = [name.as_bytes(), b"\0", id.as_bytes()].concat();
        BASE64.encode([&[order][..], &part.to_be_bytes(), &runs.to_be_bytes(), &texts].concat())
    }

    /// The cursor that `text` encodes; `None` for text that no cursor has.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (order, rest) = bytes.split_first()?;
        let (part, rest) = rest.split_first_chunk()?;
        let (runs, rest) = rest.split_first_chunk()?;
        let (part, runs) = (i64::from_be_bytes(*part), i64::from_be_bytes(*runs));
        let (name, id) = std::str::from_utf8(rest).ok()?.split_once('\0')?;
        let sound = part >= -1 && runs >= 0 && is_text(name, NAME_BYTES_MAX) && is_text(id, ID_BYTES_MAX);
        sound.then_some(())?;
        let sort = *Sort::ALL.get(usize::from(*order))?;
        Some(Self { sort, part, runs, name: name.to_owned(), id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_forged_cursor_is_none() {
        let good =
            WorkflowCursor { sort: Sort::Runs, part: 7, runs: 7, name: String::new(), id: "w1".into() };
        let check = |cursor: WorkflowCursor| {
            assert_eq!(WorkflowCursor::from_text(&cursor.to_text()), None, "{cursor:?}");
        };
        assert!(WorkflowCursor::from_text(&good.to_text()).is_some());
        check(WorkflowCursor { part: -2, ..good.clone() });
        check(WorkflowCursor { part: i64::MIN, ..good.clone() });
        check(WorkflowCursor { runs: -1, ..good.clone() });
        check(WorkflowCursor { id: "w\n1".into(), ..good.clone() });
        check(WorkflowCursor { id: "w".repeat(257), ..good.clone() });
        check(WorkflowCursor { name: "n".repeat(513), ..good.clone() });
        let text = BASE64.decode(good.to_text()).unwrap();
        assert_eq!(
            WorkflowCursor::from_text(&BASE64.encode([&[6], &text[1..]].concat())),
            None,
            "no such order"
        );
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(
            sort in prop::sample::select(&Sort::ALL[..]),
            part in -1..i64::MAX,
            runs in 0..i64::MAX,
            [name, id] in prop::array::uniform2("[^\\p{Cc}]{0,60}"),
        ) {
            let cursor = WorkflowCursor { sort, part, runs, name, id };
            prop_assert_eq!(WorkflowCursor::from_text(&cursor.to_text()), Some(cursor));
        }

        #[test]
        fn no_bytes_make_trouble(bytes in prop::collection::vec(any::<u8>(), 0..60), text in ".{0,60}") {
            for text in [BASE64.encode(bytes), text] {
                let read = WorkflowCursor::from_text(&text);
                prop_assert!(read.is_none_or(|cursor| cursor.to_text() == text));
            }
        }
    }
}
