//! Workflow health: outcomes in total, per workflow, and the recent failures. Pure.

use crate::answer::decimal::{Ratio, Tenths};
use crate::answer::failures::{Failure, cut, failures_page};
use crate::answer::known::Known;
use crate::answer::percentiles::Percentiles;
use crate::request::listing::Listing;
use crate::request::listing::workflows::{Sort, WorkflowCursor, WorkflowsPage};
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::{Counters, Durations};
use serde::Serialize;
use std::cmp::Reverse;

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
    /// Runs that failed in any way.
    #[must_use]
    pub const fn all_failed(&self) -> i64 {
        self.failed + self.failed_safety_limit
    }

    /// As the organization's counters would have them, if these were all runs.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            workflows_total: self.total,
            workflows_failed: self.all_failed(),
            total_execution_time_ms: self.total_execution_time_ms,
            ..Counters::default()
        }
    }

    fn failure_rate(&self) -> Tenths {
        Ratio::percent(self.failed + self.failed_safety_limit, self.total).tenths()
    }

    fn avg_execution_time_ms(&self) -> Tenths {
        Ratio::of(self.total_execution_time_ms, self.total).tenths()
    }
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

/// The rows of a range: bounded lists, and totals over all workflows, or of the one that is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Of all workflows, listed or not.
    pub totals: Runs,
    /// In the order of the request: the page, and one more if there is one. If the order is that of a percentile: those with
    /// most runs, whatever the page.
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
    next_workflows_cursor: Option<String>,
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
        Rows { totals: runs, workflows, failures }: Rows,
        listing: &Listing,
        now: DateTime<Utc>,
    ) -> Self {
        let (workflows, next_workflow) = page(workflows, &listing.workflows);
        let (recent_failures, next_cursor) = failures_page(failures, listing.failures.limit);
        Self {
            organization_id,
            range,
            known,
            totals: totals(&runs),
            workflows: workflows.into_iter().map(line).collect(),
            next_workflows_cursor: next_workflow.as_ref().map(WorkflowCursor::to_text),
            recent_failures,
            next_cursor,
            generated_at: now,
        }
    }
}

impl Workflow {
    /// Where the page after this workflow begins. `store::workflows` sorts by the same numbers.
    fn cursor(&self, sort: Sort) -> WorkflowCursor {
        let Self { id, name, runs } = self;
        let part = match sort {
            Sort::Failures | Sort::FailureRate => runs.failed + runs.failed_safety_limit,
            Sort::Runs => runs.total,
            Sort::AvgExecutionTimeMs => runs.total_execution_time_ms,
            Sort::P95ExecutionTimeMs => Percentiles::of(&runs.durations).p95().map_or(-1, Tenths::count),
            Sort::Name => 0,
        };
        let name = if sort == Sort::Name { name.clone() } else { String::new() };
        WorkflowCursor { sort, part, runs: runs.total, name, id: id.clone() }
    }
}

/// The workflows of the page, and where the next one begins if there is one. The database sorts the rows by everything but
/// percentiles, and begins with the page.
fn page(mut workflows: Vec<Workflow>, page: &WorkflowsPage) -> (Vec<Workflow>, Option<WorkflowCursor>) {
    if page.sort == Sort::P95ExecutionTimeMs {
        workflows = by_percentile(workflows, page.cursor.as_ref());
    }
    let more = cut(&mut workflows, page.limit);
    let next = workflows.last().filter(|_| more).map(|last| last.cursor(page.sort));
    (workflows, next)
}

/// The workflows after a position: the slowest first, then those with most runs, then by id.
fn by_percentile(workflows: Vec<Workflow>, after: Option<&WorkflowCursor>) -> Vec<Workflow> {
    fn place(cursor: &WorkflowCursor) -> (Reverse<i64>, Reverse<i64>, &str) {
        (Reverse(cursor.part), Reverse(cursor.runs), &cursor.id)
    }
    let keyed = workflows.into_iter().map(|workflow| (workflow.cursor(Sort::P95ExecutionTimeMs), workflow));
    let mut keyed: Vec<_> =
        keyed.filter(|(cursor, _)| after.is_none_or(|after| place(cursor) > place(after))).collect();
    keyed.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)));
    keyed.into_iter().map(|(_, workflow)| workflow).collect()
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
    use crate::request::listing::failures::{FailureCursor, FailuresPage};
    use crate::request::listing::workflows::WORKFLOWS_MAX;
    use crate::request::raw_range::{RawRange, Settings};
    use proptest::prelude::*;

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
        assert_eq!(json["nextWorkflowsCursor"], serde_json::Value::Null);
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
            let failures = FailuresPage { limit: 2, ..FailuresPage::default() };
            json(rows, &Listing { failures, ..Listing::default() })
        };
        assert_eq!(page(2)["nextCursor"], serde_json::Value::Null);
        let page = page(3);
        assert_eq!(page["recentFailures"].as_array().unwrap().len(), 2);
        let cursor = FailureCursor::from_text(page["nextCursor"].as_str().unwrap()).unwrap();
        assert_eq!(cursor.execution_id, "e1");
    }

    fn workflow(id: &str, durations: &[i64]) -> Workflow {
        let mut runs = Runs { total: durations.len().try_into().unwrap(), ..Runs::default() };
        durations.iter().for_each(|ms| runs.durations.take(*ms));
        Workflow { id: id.into(), name: id.into(), runs }
    }

    /// The ids of the workflows on a page, and where the next one begins.
    fn listed(workflows: &[Workflow], page: WorkflowsPage) -> (Vec<String>, Option<WorkflowCursor>) {
        let rows = Rows { workflows: workflows.to_vec(), ..Rows::default() };
        let json = json(rows, &Listing { workflows: page, ..Listing::default() });
        let lines = json["workflows"].as_array().unwrap();
        let ids = lines.iter().map(|line| line["workflowId"].as_str().unwrap().to_owned()).collect();
        let next = json["nextWorkflowsCursor"].as_str();
        (ids, next.map(|text| WorkflowCursor::from_text(text).unwrap()))
    }

    #[test]
    fn workflows_can_be_sorted_by_a_percentile() {
        let workflows = ["fast", "old", "slow", "rare", "same"].map(|id| match id {
            "fast" => workflow(id, &[1, 2]),
            "slow" => workflow(id, &[1, 9]),
            "rare" => workflow(id, &[2]),
            "same" => workflow(id, &[2, 2]),
            _ => workflow(id, &[]),
        });
        let page = WorkflowsPage { sort: Sort::P95ExecutionTimeMs, ..WorkflowsPage::default() };
        assert_eq!(listed(&workflows, page).0, ["slow", "fast", "same", "rare", "old"]);
    }

    #[test]
    fn a_page_of_workflows_names_its_last_by_what_it_is_sorted_by() {
        let runs = Runs {
            total: 9,
            failed: 2,
            failed_safety_limit: 1,
            total_execution_time_ms: 70,
            ..Runs::default()
        };
        let first = Workflow { id: "w1".into(), name: "Welcome".into(), runs };
        let workflows = [first, workflow("w2", &[])];
        let check = |sort: Sort, part: i64, name: &str| {
            let page = WorkflowsPage { sort, limit: 1, cursor: None };
            let cursor = WorkflowCursor { sort, part, runs: 9, name: name.into(), id: "w1".into() };
            assert_eq!(listed(&workflows, page), (vec!["w1".to_owned()], Some(cursor)), "{sort:?}");
            let page = WorkflowsPage { sort, limit: 2, cursor: None };
            assert_eq!(listed(&workflows, page).1, None, "{sort:?}");
        };
        check(Sort::Failures, 3, "");
        check(Sort::Runs, 9, "");
        check(Sort::FailureRate, 3, "");
        check(Sort::AvgExecutionTimeMs, 70, "");
        check(Sort::P95ExecutionTimeMs, -1, "");
        check(Sort::Name, 0, "Welcome");
    }

    proptest! {
        #[test]
        fn pages_by_a_percentile_are_the_list_in_parts(
            durations in prop::collection::vec(prop::collection::vec(0..9i64, 0..4), 0..30),
            limit in 1..=10u16,
        ) {
            let workflows: Vec<_> =
                durations.iter().enumerate().map(|(n, ms)| workflow(&format!("w{n}"), ms)).collect();
            let sort = Sort::P95ExecutionTimeMs;
            let whole = listed(&workflows, WorkflowsPage { sort, cursor: None, limit: WORKFLOWS_MAX });
            let (mut all, mut cursor) = (Vec::new(), None);
            loop {
                let (ids, next) = listed(&workflows, WorkflowsPage { sort, cursor, limit });
                prop_assert!(ids.len() <= limit.into());
                all.extend(ids);
                let Some(next) = next else { break };
                cursor = Some(next);
            }
            prop_assert_eq!((all, None), whole);
        }
    }
}
