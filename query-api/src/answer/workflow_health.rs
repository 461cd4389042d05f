//! Workflow health: outcomes in total, per workflow, and the recent failures. Pure.

use crate::answer::decimal::{Ratio, Tenths};
use crate::answer::known::Known;
use crate::answer::percentiles::Percentiles;
use crate::request::listing::{Cursor, Listing, Sort};
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::Durations;
use serde::Serialize;
use std::cmp::Reverse;

/// How many workflows an answer lists.
pub const WORKFLOWS_MAX: usize = 100;

/// How many workflows are read to be sorted by a percentile, which the database can't sort by: those with most runs.
pub const WORKFLOWS_SORTED_MAX: usize = 2_000;

/// Runs by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// All runs.
    pub total: i64,
    /// Failed, but not by the safety limit.
    pub failed: i64,
    /// Stopped by the safety limit.
    pub failed_safety_limit: i64,
    /// Execution time of all of them, in milliseconds.
    pub total_execution_time_ms: i64,
    /// The histogram of execution times.
    pub durations: Durations,
}

impl Runs {
    fn failure_rate(&self) -> Tenths {
        Ratio::percent(self.failed + self.failed_safety_limit, self.total).tenths()
    }

    fn avg_execution_time_ms(&self) -> Tenths {
        Ratio::of(self.total_execution_time_ms, self.total).tenths()
    }
}

/// A failed run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The id of its execution.
    pub execution_id: String,
    /// The id of its workflow.
    pub workflow_id: String,
    /// The name of its workflow.
    pub workflow_name: String,
    /// `FAILED` or `FAILED_SAFETY_LIMIT`.
    pub outcome: String,
    /// The message it ended with.
    pub error_message: String,
    /// How long it ran.
    pub execution_time_ms: i64,
    /// When it ended.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub finished_at: DateTime<Utc>,
}

/// A workflow and its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its stable id.
    pub id: String,
    /// What it was called in its latest run.
    pub name: String,
    /// Its runs.
    pub runs: Runs,
}

/// The rows of a range: bounded lists, and totals over all workflows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Over all workflows, listed or not.
    pub totals: Runs,
    /// In the order of the request; if that is a percentile, those with most runs first.
    pub workflows: Vec<Workflow>,
    /// Newest first: the page, and one more if there is one.
    pub failures: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    total: i64,
    success: i64,
    failed: i64,
    failed_safety_limit: i64,
    failure_rate: Tenths,
    avg_execution_time_ms: Tenths,
    #[serde(flatten)]
    percentiles: Percentiles,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    workflow_id: String,
    workflow_name: String,
    total: i64,
    failed: i64,
    failed_safety_limit: i64,
    failure_rate: Tenths,
    avg_execution_time_ms: Tenths,
    #[serde(flatten)]
    percentiles: Percentiles,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowHealth<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    totals: Totals,
    workflows: Vec<Line>,
    recent_failures: Vec<Failure>,
    next_cursor: Option<String>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> WorkflowHealth<'a> {
    /// Composes the answer from the rows.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        Rows { totals: runs, workflows, mut failures }: Rows,
        listing: &Listing,
        now: DateTime<Utc>,
    ) -> Self {
        let page = usize::from(listing.limit);
        let more = failures.len() > page;
        failures.truncate(page);
        Self {
            organization_id,
            range,
            known,
            totals: totals(&runs),
            workflows: lines(workflows, listing.sort),
            next_cursor: failures.last().filter(|_| more).map(Failure::cursor),
            recent_failures: failures,
            generated_at: now,
        }
    }
}

impl Failure {
    /// Where the page after this failure begins.
    fn cursor(&self) -> String {
        let Self { finished_at, execution_id, .. } = self;
        Cursor { finished_at: *finished_at, execution_id: execution_id.clone() }.to_text()
    }
}

/// The lines of the answer. The database sorts the rows by everything but percentiles.
fn lines(workflows: Vec<Workflow>, sort: Sort) -> Vec<Line> {
    let mut lines: Vec<Line> = workflows.into_iter().map(line).collect();
    if sort == Sort::P95ExecutionTimeMs {
        lines.sort_by_key(|line| Reverse(line.percentiles.p95()));
    }
    lines.truncate(WORKFLOWS_MAX);
    lines
}

fn totals(runs: &Runs) -> Totals {
    Totals {
        total: runs.total,
        success: runs.total - runs.failed - runs.failed_safety_limit,
        failed: runs.failed,
        failed_safety_limit: runs.failed_safety_limit,
        failure_rate: runs.failure_rate(),
        avg_execution_time_ms: runs.avg_execution_time_ms(),
        percentiles: Percentiles::of(&runs.durations),
    }
}

fn line(Workflow { id, name, runs }: Workflow) -> Line {
    Line {
        workflow_id: id,
        workflow_name: name,
        total: runs.total,
        failed: runs.failed,
        failed_safety_limit: runs.failed_safety_limit,
        failure_rate: runs.failure_rate(),
        avg_execution_time_ms: runs.avg_execution_time_ms(),
        percentiles: Percentiles::of(&runs.durations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};

    fn json(rows: Rows, listing: &Listing) -> serde_json::Value {
        let now = "2026-02-25T10:00:12.345Z".parse().unwrap();
        let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
        serde_json::to_value(WorkflowHealth::new("acme", range, Known::default(), rows, listing, now))
            .unwrap()
    }

    #[test]
    fn the_safety_limit_is_a_failure_of_its_own_kind() {
        let runs = Runs {
            total: 10,
            failed: 1,
            failed_safety_limit: 2,
            total_execution_time_ms: 1_005,
            ..Runs::default()
        };
        let workflow = Workflow { id: "w1".into(), name: "Welcome".into(), runs: runs.clone() };
        let failure = Failure {
            execution_id: "e1".into(),
            workflow_id: "w1".into(),
            workflow_name: "Welcome".into(),
            outcome: "FAILED".into(),
            error_message: "no".into(),
            execution_time_ms: 7,
            finished_at: "2026-02-25T09:00:00.5Z".parse().unwrap(),
        };
        let rows = Rows { totals: runs, workflows: vec![workflow], failures: vec![failure] };
        let json = json(rows, &Listing::default());
        let totals = serde_json::json!({"total": 10, "success": 7, "failed": 1, "failedSafetyLimit": 2,
            "failureRate": 30, "avgExecutionTimeMs": 100.5, "p50ExecutionTimeMs": null,
            "p95ExecutionTimeMs": null, "p99ExecutionTimeMs": null});
        let line = serde_json::json!({"workflowId": "w1", "workflowName": "Welcome", "total": 10, "failed": 1,
            "failedSafetyLimit": 2, "failureRate": 30, "avgExecutionTimeMs": 100.5, "p50ExecutionTimeMs": null,
            "p95ExecutionTimeMs": null, "p99ExecutionTimeMs": null});
        let failure = serde_json::json!({"executionId": "e1", "workflowId": "w1", "workflowName": "Welcome",
            "outcome": "FAILED", "errorMessage": "no", "executionTimeMs": 7,
            "finishedAt": "2026-02-25T09:00:00.500Z"});
        assert_eq!(json["totals"], totals);
        assert_eq!(json["workflows"], serde_json::json!([line]));
        assert_eq!(json["recentFailures"], serde_json::json!([failure]));
        assert_eq!(json["generatedAt"], "2026-02-25T10:00:12.345Z");
    }

    #[test]
    fn no_runs_are_no_failures() {
        let json = json(Rows::default(), &Listing::default());
        assert_eq!(json["totals"]["failureRate"], 0);
        assert_eq!(json["totals"]["avgExecutionTimeMs"], 0);
        assert_eq!(json["workflows"], serde_json::json!([]));
        assert_eq!(json["nextCursor"], serde_json::Value::Null);
    }

    fn failure(id: u32) -> Failure {
        Failure {
            execution_id: format!("e{id}"),
            workflow_id: "w1".into(),
            workflow_name: "Welcome".into(),
            outcome: "FAILED".into(),
            error_message: "no".into(),
            execution_time_ms: 7,
            finished_at: DateTime::from_timestamp(1_000_000 - i64::from(id), 500).unwrap(),
        }
    }

    #[test]
    fn a_page_that_is_not_the_last_says_where_the_next_begins() {
        let page = |failures: u32| {
            let rows = Rows { failures: (0..failures).map(failure).collect(), ..Rows::default() };
            json(rows, &Listing { limit: 2, ..Listing::default() })
        };
        assert_eq!(page(2)["nextCursor"], serde_json::Value::Null);
        let page = page(3);
        assert_eq!(page["recentFailures"].as_array().unwrap().len(), 2);
        let cursor = Cursor::from_text(page["nextCursor"].as_str().unwrap()).unwrap();
        assert_eq!(cursor.execution_id, "e1");
    }

    #[test]
    fn workflows_can_be_sorted_by_a_percentile() {
        let workflow = |id: &str, durations: &[i64]| {
            let mut runs = Runs::default();
            durations.iter().for_each(|ms| runs.durations.take(*ms));
            Workflow { id: id.into(), name: id.into(), runs }
        };
        let workflows = vec![workflow("fast", &[1, 2]), workflow("old", &[]), workflow("slow", &[1, 9])];
        let rows = Rows { workflows, ..Rows::default() };
        let json = json(rows, &Listing { sort: Sort::P95ExecutionTimeMs, ..Listing::default() });
        let ids: Vec<_> =
            json["workflows"].as_array().unwrap().iter().map(|w| w["workflowId"].clone()).collect();
        assert_eq!(ids, ["slow", "fast", "old"]);
        assert_eq!(json["workflows"][0]["p95ExecutionTimeMs"], 9);
    }
}
