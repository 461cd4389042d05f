//! Failed runs by what their messages have in common, most failures first. Pure.

use crate::answer::failures::cut;
use crate::answer::known::Known;
use crate::answer::patterns::pattern;
use crate::request::listing::failures::{FailureCursor, FailuresPage};
use crate::request::listing::groups::{GroupCursor, GroupsPage};
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use serde::Serialize;
use siphasher::sip::SipHasher13;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher as _;

/// How many failures are grouped, the newest of the range.
pub const FAILURES_GROUPED_MAX: u16 = 10_000;

/// How many characters of a message are read and compared.
pub const MESSAGE_CHARS_MAX: u16 = 500;

/// How many workflows of a group are listed, those with most of its failures.
const WORKFLOWS_MAX: usize = 10;

/// Failures of one workflow that have the same message and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The beginning of their message, [`MESSAGE_CHARS_MAX`] characters at most.
    pub message: String,
    /// `FAILED` or `FAILED_SAFETY_LIMIT`.
    pub outcome: String,
    /// The id of their workflow.
    pub workflow_id: String,
    /// What it was called in the last of them.
    pub workflow_name: String,
    /// How many there are.
    pub count: i64,
    /// When the first of them ended.
    pub first_seen: DateTime<Utc>,
    /// When the last of them ended.
    pub last_seen: DateTime<Utc>,
    /// The execution of the last.
    pub execution_id: String,
}

/// A failure, and what decides of which group it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Where the failures after it begin.
    pub position: FailureCursor,
    /// The beginning of its message, [`MESSAGE_CHARS_MAX`] characters at most.
    pub message: String,
}

/// Of these failures, newest first, the executions of those that are of the group and on the page, and one more if there is one.
#[must_use]
pub fn on_page(newest: Vec<Newest>, group: u64, page: &FailuresPage) -> Vec<String> {
    let is_after = |position: &FailureCursor| page.cursor.as_ref().is_none_or(|cursor| position < cursor);
    let of_page = newest
        .into_iter()
        .filter(|failure| is_after(&failure.position) && key(&pattern(&failure.message)) == group);
    of_page.take(usize::from(page.limit) + 1).map(|failure| failure.position.execution_id).collect()
}

/// The rows of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many failed runs are counted, whether they are kept or not.
    pub failed: i64,
    /// The newest [`FAILURES_GROUPED_MAX`] of those that are kept.
    pub kept: Vec<Alike>,
}

/// A workflow in which a group occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow {
    workflow_id: String,
    workflow_name: String,
    count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(serialize_with = "hexadecimal")]
    key: u64,
    pattern: String,
    message: String,
    count: i64,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    first_seen: DateTime<Utc>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    last_seen: DateTime<Utc>,
    outcomes: BTreeSet<String>,
    workflow_count: usize,
    workflows: Vec<Workflow>,
    execution_id: String,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureGroups<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    /// The counted failures of the range.
    failed: i64,
    /// Those of them that are in groups, listed or not.
    grouped: i64,
    /// Only there if some are in no group: all since then are.
    #[serde(
        serialize_with = "crate::request::timestamp::time_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    grouped_from: Option<DateTime<Utc>>,
    groups: Vec<Group>,
    next_cursor: Option<String>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> FailureGroups<'a> {
    /// Composes the answer from the rows.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        Rows { failed, kept }: Rows,
        page: &GroupsPage,
        now: DateTime<Utc>,
    ) -> Self {
        let grouped: i64 = kept.iter().map(|alike| alike.count).sum();
        let oldest = kept.iter().map(|alike| alike.first_seen).min();
        let mut groups = after(groups(kept), page.cursor);
        let more = cut(&mut groups, page.limit);
        Self {
            organization_id,
            range,
            known,
            failed,
            grouped,
            grouped_from: (grouped < failed).then(|| oldest.unwrap_or(range.to())),
            next_cursor: groups.last().filter(|_| more).map(|last| last.cursor().to_text()),
            groups,
            generated_at: now,
        }
    }
}

fn groups(kept: Vec<Alike>) -> Vec<Group> {
    let mut by_pattern: HashMap<String, Vec<Alike>> = HashMap::new();
    for alike in kept {
        by_pattern.entry(pattern(&alike.message)).or_default().push(alike);
    }
    by_pattern.into_iter().filter_map(|(pattern, rows)| group(pattern, rows)).collect()
}

/// The groups after a position, in order.
fn after(mut groups: Vec<Group>, cursor: Option<GroupCursor>) -> Vec<Group> {
    groups.retain(|group| cursor.is_none_or(|cursor| group.cursor().place() > cursor.place()));
    groups.sort_by_key(|group| group.cursor().place());
    groups
}

/// The group of these failures; `None` of none.
fn group(pattern: String, rows: Vec<Alike>) -> Option<Group> {
    let first_seen = rows.iter().map(|row| row.first_seen).min()?;
    let (workflow_count, workflows) = workflows(&rows);
    let outcomes = rows.iter().map(|row| row.outcome.clone()).collect();
    let count = rows.iter().map(|row| row.count).sum();
    let newest = rows.into_iter().max_by(|a, b| newness(a).cmp(&newness(b)))?;
    Some(Group {
        key: key(&pattern),
        pattern,
        message: newest.message,
        count,
        first_seen,
        last_seen: newest.last_seen,
        outcomes,
        workflow_count,
        workflows,
        execution_id: newest.execution_id,
    })
}

fn newness(row: &Alike) -> (DateTime<Utc>, &str) {
    (row.last_seen, &row.execution_id)
}

/// How many workflows there are, and those with most failures, then by id.
fn workflows(rows: &[Alike]) -> (usize, Vec<Workflow>) {
    let mut by_id: BTreeMap<&str, (i64, &Alike)> = BTreeMap::new();
    for row in rows {
        let (count, newest) = by_id.entry(&row.workflow_id).or_insert((0, row));
        *count += row.count;
        if newness(row) > newness(newest) {
            *newest = row;
        }
    }
    let workflow = |(id, (count, newest)): (&str, (i64, &Alike))| Workflow {
        workflow_id: id.to_owned(),
        workflow_name: newest.workflow_name.clone(),
        count,
    };
    let mut workflows: Vec<_> = by_id.into_iter().map(workflow).collect();
    workflows.sort_by_key(|workflow| std::cmp::Reverse(workflow.count));
    let count = workflows.len();
    workflows.truncate(WORKFLOWS_MAX);
    (count, workflows)
}

impl Group {
    fn cursor(&self) -> GroupCursor {
        GroupCursor { count: self.count, last_seen: self.last_seen, key: self.key }
    }
}

/// The same in every build and instance, so that a client can follow a group.
fn key(pattern: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(pattern.as_bytes());
    hasher.finish()
}

fn hexadecimal<S: serde::Serializer>(key: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{key:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn at(minute: i64) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-02-25T08:00:00Z".parse().unwrap();
        start + chrono::TimeDelta::minutes(minute)
    }

    fn alike(message: &str, workflow: &str, count: i64, minutes: [i64; 2]) -> Alike {
        let [first_seen, last_seen] = minutes.map(at);
        Alike {
            message: message.into(),
            outcome: "FAILED".into(),
            workflow_id: workflow.into(),
            workflow_name: workflow.to_uppercase(),
            count,
            first_seen,
            last_seen,
            execution_id: format!("e{}", minutes[1]),
        }
    }

    fn answer(failed: i64, kept: Vec<Alike>, page: &GroupsPage) -> Value {
        let now = "2026-02-25T10:00:12.345Z".parse().unwrap();
        let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
        let rows = Rows { failed, kept };
        serde_json::to_value(FailureGroups::new("acme", range, Known::default(), rows, page, now)).unwrap()
    }

    #[test]
    fn messages_that_differ_by_numbers_are_one_group() {
        let limit =
            Alike { outcome: "FAILED_SAFETY_LIMIT".into(), ..alike("order 7 is gone", "w2", 1, [1, 1]) };
        let kept = vec![
            alike("order 1001 is gone", "w1", 2, [3, 9]),
            limit,
            alike("no answer", "w1", 2, [0, 30]),
            alike("order 2 is gone", "w2", 2, [2, 20]),
        ];
        let seen = answer(7, kept, &GroupsPage::default());
        let first = json!({
            "key": format!("{:016x}", key("order # is gone")),
            "pattern": "order # is gone", "message": "order 2 is gone", "count": 5,
            "firstSeen": "2026-02-25T08:01:00.000Z", "lastSeen": "2026-02-25T08:20:00.000Z",
            "outcomes": ["FAILED", "FAILED_SAFETY_LIMIT"], "workflowCount": 2, "executionId": "e20",
            "workflows": [{"workflowId": "w2", "workflowName": "W2", "count": 3},
                          {"workflowId": "w1", "workflowName": "W1", "count": 2}],
        });
        assert_eq!(seen["groups"][0], first, "{seen:#}");
        assert_eq!(
            (&seen["groups"][1]["pattern"], seen["groups"].as_array().unwrap().len()),
            (&json!("no answer"), 2)
        );
        assert_eq!((&seen["failed"], &seen["grouped"]), (&json!(7), &json!(7)));
        assert!(seen.get("groupedFrom").is_none(), "all are grouped");
    }

    #[test]
    fn what_is_in_no_group_is_said() {
        let check = |failed: i64, kept: Vec<Alike>, expected: Option<&str>| {
            let seen = answer(failed, kept, &GroupsPage::default());
            assert_eq!(seen.get("groupedFrom").and_then(Value::as_str), expected, "{seen}");
        };
        check(0, Vec::new(), None);
        check(2, vec![alike("a", "w", 2, [5, 6])], None);
        check(3, vec![alike("a", "w", 2, [5, 6])], Some("2026-02-25T08:05:00.000Z"));
        check(3, Vec::new(), Some("2026-02-25T11:00:00.000Z"));
    }

    #[test]
    fn a_group_lists_few_workflows_and_says_how_many_there_are() {
        let kept = (0..25).map(|n| alike("a", &format!("w{n}"), 1 + n, [n, n])).collect();
        let seen = answer(0, kept, &GroupsPage::default());
        let workflows = seen["groups"][0]["workflows"].as_array().unwrap();
        assert_eq!((workflows.len(), &seen["groups"][0]["workflowCount"]), (WORKFLOWS_MAX, &json!(25)));
        assert_eq!((&workflows[0]["workflowId"], &workflows[0]["count"]), (&json!("w24"), &json!(25)));
    }

    #[test]
    fn the_failures_of_a_group_are_found_page_by_page() {
        let newest = |n: i64| Newest {
            position: FailureCursor { finished_at: at(100 - n), execution_id: format!("e{n}") },
            message: if n % 3 == 0 { format!("order {n} is gone") } else { "no answer".into() },
        };
        let all: Vec<_> = (0..10).map(newest).collect();
        let page = |cursor: Option<FailureCursor>, pattern: &str| {
            on_page(all.clone(), key(pattern), &FailuresPage { cursor, limit: 2 })
        };
        assert_eq!(page(None, "order # is gone"), ["e0", "e3", "e6"]);
        assert_eq!(page(Some(newest(3).position), "order # is gone"), ["e6", "e9"]);
        assert_eq!(page(Some(newest(6).position), "no answer"), ["e7", "e8"]);
        assert_eq!(page(None, "another"), [""; 0]);
    }

    proptest! {
        /// Whatever the order of the rows, and however they are cut into pages.
        #[test]
        fn pages_have_each_group_once_most_failures_first(
            counts in prop::collection::vec((1..4i64, 0..9i64), 1..30),
            limit in 1..8u16,
        ) {
            let word = |n: usize| "x".repeat(n + 1);
            let rows = |n: usize, &(count, minute): &(i64, i64)| alike(&word(n), "w", count, [minute, minute]);
            let kept: Vec<_> = counts.iter().enumerate().map(|(n, row)| rows(n, row)).collect();
            let (mut seen, mut page) = (Vec::new(), GroupsPage { cursor: None, limit });
            loop {
                let answer = answer(0, kept.iter().rev().cloned().collect(), &page);
                seen.extend(answer["groups"].as_array().unwrap().iter().map(|group| {
                    (group["count"].as_i64().unwrap(), group["pattern"].as_str().unwrap().to_owned())
                }));
                let Some(next) = answer["nextCursor"].as_str() else { break };
                page.cursor = GroupCursor::from_text(next);
            }
            let mut patterns: Vec<_> = seen.iter().map(|(_, pattern)| pattern.len()).collect();
            patterns.sort_unstable();
            prop_assert_eq!(patterns, (1..=counts.len()).collect::<Vec<_>>());
            prop_assert!(seen.windows(2).all(|pair| pair[0].0 >= pair[1].0), "{:?}", seen);
        }

        #[test]
        fn no_failure_is_lost(counts in prop::collection::vec((1..9i64, "[a-z0-9 ]{0,8}"), 0..30)) {
            let kept: Vec<_> = counts.iter().map(|(count, message)| alike(message, "w", *count, [0, 1])).collect();
            let seen = answer(0, kept, &GroupsPage { cursor: None, limit: 100 });
            let listed: i64 = seen["groups"].as_array().unwrap().iter().map(|group| group["count"].as_i64().unwrap()).sum();
            prop_assert_eq!(listed, counts.iter().map(|(count, _)| count).sum::<i64>());
        }
    }
}
