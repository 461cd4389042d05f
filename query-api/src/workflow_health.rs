//! Workflow health: outcomes in total, per workflow, and the recent failures. Pure.

use crate::decimal::{Ratio, Tenths};
use crate::range::Range;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How many workflows an answer lists, those with most failures first.
pub const WORKFLOWS_MAX: i64 = 100;

/// How many failures an answer lists, the newest first.
pub const FAILURES_MAX: i64 = 20;

/// Runs by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// All of them.
    pub total: i64,
    /// Failed, but not by the safety limit.
    pub failed: i64,
    /// Stopped by the safety limit.
    pub failed_safety_limit: i64,
    /// Execution time of all of them, in milliseconds.
    pub total_execution_time_ms: i64,
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
    /// Which run.
    pub execution_id: String,
    /// Of which workflow.
    pub workflow_id: String,
    /// What that is called.
    pub workflow_name: String,
    /// `FAILED` or `FAILED_SAFETY_LIMIT`.
    pub outcome: String,
    /// What the run said.
    pub error_message: String,
    /// How long it ran.
    pub execution_time_ms: i64,
    /// When it ended.
    #[serde(serialize_with = "crate::answer::time")]
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

/// What the tables say: bounded by [`WORKFLOWS_MAX`] and [`FAILURES_MAX`], the totals over all workflows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Over all workflows, listed or not.
    pub totals: Runs,
    /// Most failures first.
    pub workflows: Vec<Workflow>,
    /// Newest first.
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
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowHealth<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(serialize_with = "crate::answer::time_or_null")]
    complete_through: Option<DateTime<Utc>>,
    totals: Totals,
    workflows: Vec<Line>,
    recent_failures: Vec<Failure>,
    #[serde(serialize_with = "crate::answer::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> WorkflowHealth<'a> {
    /// Composes the answer from what the tables say.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        complete_through: Option<DateTime<Utc>>,
        rows: Rows,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            organization_id,
            range,
            complete_through,
            totals: totals(&rows.totals),
            workflows: rows.workflows.into_iter().map(line).collect(),
            recent_failures: rows.failures,
            generated_at: now,
        }
    }
}

fn totals(runs: &Runs) -> Totals {
    Totals {
        total: runs.total,
        success: runs.total - runs.failed - runs.failed_safety_limit,
        failed: runs.failed,
        failed_safety_limit: runs.failed_safety_limit,
        failure_rate: runs.failure_rate(),
        avg_execution_time_ms: runs.avg_execution_time_ms(),
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::{RawRange, Settings};

    fn json(rows: Rows) -> serde_json::Value {
        let now = "2026-02-25T10:00:12.345Z".parse().unwrap();
        let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
        serde_json::to_value(WorkflowHealth::new("acme", range, None, rows, now)).unwrap()
    }

    #[test]
    fn the_safety_limit_is_a_failure_of_its_own_kind() {
        let runs = Runs { total: 10, failed: 1, failed_safety_limit: 2, total_execution_time_ms: 1_005 };
        let workflow = Workflow { id: "w1".into(), name: "Welcome".into(), runs };
        let failure = Failure {
            execution_id: "e1".into(),
            workflow_id: "w1".into(),
            workflow_name: "Welcome".into(),
            outcome: "FAILED".into(),
            error_message: "no".into(),
            execution_time_ms: 7,
            finished_at: "2026-02-25T09:00:00.5Z".parse().unwrap(),
        };
        let json = json(Rows { totals: runs, workflows: vec![workflow], failures: vec![failure] });
        let totals = serde_json::json!({"total": 10, "success": 7, "failed": 1, "failedSafetyLimit": 2,
            "failureRate": 30, "avgExecutionTimeMs": 100.5});
        let line = serde_json::json!({"workflowId": "w1", "workflowName": "Welcome", "total": 10, "failed": 1,
            "failedSafetyLimit": 2, "failureRate": 30, "avgExecutionTimeMs": 100.5});
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
        let json = json(Rows::default());
        assert_eq!(json["totals"]["failureRate"], 0);
        assert_eq!(json["totals"]["avgExecutionTimeMs"], 0);
        assert_eq!(json["workflows"], serde_json::json!([]));
    }
}
