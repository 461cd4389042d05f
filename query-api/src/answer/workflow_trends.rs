//! The trends of one workflow: a range's buckets as series, each with the counters and KPIs that a workflow has. Pure.

use crate::answer::comparison::Intervals;
use crate::answer::known::Known;
use crate::answer::percentiles::Percentiles;
use crate::answer::registry::{KPIS, Kpi};
use crate::answer::workflow_health::Runs;
use crate::request::cells::Cells;
use crate::request::range::Range;
use crate::request::timestamp::Time;
use chrono::{DateTime, Utc};
use domain::Counters;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The counters of the organization that a workflow has, too.
const COUNTERS: [&str; 3] = ["workflows_total", "workflows_failed", "total_execution_time_ms"];

/// The parts of all runs that only workflows tell apart: those that succeeded, and those of the failed ones that met the limit.
const PARTS: [&str; 2] = ["workflows_successful", "workflows_failed_safety_limit"];

/// The rows of a range, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// What the workflow was called in its latest run of the range; `None` if there is none.
    pub name: Option<String>,
    /// Of the range's buckets.
    pub series: Vec<Runs>,
    /// Of the buckets it is compared with.
    pub previous: Vec<Runs>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow<'a> {
    workflow_id: &'a str,
    workflow_name: Option<&'a str>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowTrends<'a> {
    organization_id: &'a str,
    workflow: Workflow<'a>,
    range: Range,
    #[serde(flatten)]
    known: Known,
    #[serde(serialize_with = "crate::request::timestamp::time_or_null")]
    records_from: Option<DateTime<Utc>>,
    comparison: Option<Intervals>,
    series: Vec<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_series: Option<Vec<Point>>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> WorkflowTrends<'a> {
    /// Composes the answer from the rows. A workflow without runs has zeros and no name: whether it exists isn't known here.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        workflow_id: &'a str,
        range: Range,
        known: Known,
        rows: &'a Rows,
        now: DateTime<Utc>,
    ) -> Self {
        let comparison = Intervals::of(&range, &known);
        let closed_until = range.closed_until();
        Self {
            organization_id,
            workflow: Workflow { workflow_id, workflow_name: rows.name.as_deref() },
            range,
            known,
            records_from: known.records_from,
            comparison,
            series: points(&range.cells(), &rows.series, |bucket| bucket >= closed_until),
            previous_series: comparison.map(|_| points(&range.compared_cells(), &rows.previous, |_| false)),
            generated_at: now,
        }
    }
}

/// The KPIs that can be computed for one workflow.
fn kpis() -> impl Iterator<Item = &'static Kpi> {
    KPIS.iter().filter(|kpi| kpi.is_of(&COUNTERS))
}

/// The members of a bucket, in their order.
pub fn members() -> Vec<&'static str> {
    let kpis = kpis().map(|kpi| kpi.key).filter(|key| !COUNTERS.contains(key));
    let percentiles = Percentiles::default().entries().map(|(key, _)| key);
    ["bucket", "open"].into_iter().chain(COUNTERS).chain(PARTS).chain(kpis).chain(percentiles).collect()
}

fn points(cells: &Cells, rows: &[Runs], is_open: impl Fn(DateTime<Utc>) -> bool) -> Vec<Point> {
    let point = |(bucket, runs): (&DateTime<Utc>, &Runs)| Point {
        bucket: *bucket,
        open: is_open(*bucket),
        counters: runs.counters(),
        failed_safety_limit: runs.failed_safety_limit,
        percentiles: Percentiles::of(&runs.durations),
    };
    cells.edges().iter().zip(rows).map(point).collect()
}

struct Point {
    bucket: DateTime<Utc>,
    open: bool,
    counters: Counters,
    failed_safety_limit: i64,
    percentiles: Percentiles,
}

/// In the order of [`members`].
impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { bucket, open, counters, failed_safety_limit, percentiles } = self;
        let Counters { workflows_total, workflows_failed, total_execution_time_ms, .. } = counters;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("bucket", &Time(*bucket))?;
        map.serialize_entry("open", open)?;
        for (name, value) in COUNTERS.iter().zip([workflows_total, workflows_failed, total_execution_time_ms])
        {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in PARTS.iter().zip([workflows_total - workflows_failed, *failed_safety_limit]) {
            map.serialize_entry(name, &value)?;
        }
        for kpi in kpis().filter(|kpi| !COUNTERS.contains(&kpi.key)) {
            map.serialize_entry(kpi.key, &kpi.value(counters).tenths())?;
        }
        for (key, value) in percentiles.entries() {
            map.serialize_entry(key, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::query::Query;
    use crate::request::raw_range::Settings;
    use crate::request::scope::Scope;
    use domain::Durations;
    use serde_json::{Value, json};

    fn range(now: &str, pairs: &[(&str, &str)]) -> Range {
        let pairs: Vec<_> = pairs
            .iter()
            .chain(&[("workflow", "w1")])
            .map(|(name, text)| ((*name).into(), (*text).into()))
            .collect();
        let query =
            Query::from_pairs(Scope::Trends, &pairs, now.parse().unwrap(), &Settings { max_range_days: 90 });
        let Query::WorkflowTrends(range, _) = query.unwrap() else { panic!("another query") };
        range
    }

    fn trends(now: &str, pairs: &[(&str, &str)], rows: &Rows) -> Value {
        let range = range(now, pairs);
        let known = Known { records_from: Some("2026-02-25T07:00:00Z".parse().unwrap()), ..Known::default() };
        let answer = WorkflowTrends::new("acme", "w1", range, known, rows, now.parse().unwrap());
        serde_json::to_value(answer).unwrap()
    }

    const HOURS: [(&str, &str); 2] = [("from", "2026-02-25T08:00:00Z"), ("to", "2026-02-25T10:30:00Z")];

    #[test]
    fn every_bucket_has_what_a_workflow_has() {
        let mut durations = Durations::default();
        [3, 7, 15].into_iter().for_each(|ms| durations.take(ms));
        let runs =
            Runs { total: 10, failed: 1, failed_safety_limit: 2, total_execution_time_ms: 1_234, durations };
        let rows = Rows {
            name: Some("Welcome".into()),
            series: vec![Runs::default(), runs, Runs::default()],
            ..Rows::default()
        };
        let seen = trends("2026-02-25T10:45:00Z", &HOURS, &rows);
        assert_eq!(seen["workflow"], json!({"workflowId": "w1", "workflowName": "Welcome"}));
        let expected = json!({
            "bucket": "2026-02-25T09:00:00.000Z", "open": false, "workflows_total": 10, "workflows_failed": 3,
            "total_execution_time_ms": 1234, "workflows_successful": 7, "workflows_failed_safety_limit": 2,
            "workflow_failure_rate": 30, "avg_execution_time_ms": 123.4, "p50_execution_time_ms": 7,
            "p95_execution_time_ms": 15, "p99_execution_time_ms": 15,
        });
        assert_eq!(seen["series"][1], expected);
        let [first, last] = [&seen["series"][0], &seen["series"][2]];
        assert_eq!((&first["workflows_total"], &first["p95_execution_time_ms"]), (&json!(0), &Value::Null));
        assert_eq!((&first["open"], &last["open"]), (&json!(false), &json!(true)));
        let named: std::collections::BTreeSet<_> =
            expected.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members().into_iter().collect::<std::collections::BTreeSet<_>>(), named);
    }

    #[test]
    fn an_unknown_workflow_has_zeros_and_no_name() {
        let rows = Rows { series: vec![Runs::default(); 3], ..Rows::default() };
        let seen = trends("2026-02-25T10:45:00Z", &HOURS, &rows);
        assert_eq!(seen["workflow"], json!({"workflowId": "w1", "workflowName": null}));
        // Since when the organization has records, and what is compared begins at six.
        let covered = &seen["comparison"]["previousCovered"];
        assert_eq!((&seen["recordsFrom"], covered), (&json!("2026-02-25T07:00:00.000Z"), &json!(false)));
        assert!(
            seen["series"].as_array().unwrap().iter().all(|point| point["workflows_total"] == 0),
            "{seen}"
        );
    }

    #[test]
    fn whole_hours_are_compared() {
        let check = |now: &str, pairs: &[(&str, &str)], expected: Option<[&str; 2]>| {
            let seen = range(now, pairs).comparison().map(|seen| [seen.current.to, seen.previous.from]);
            let expected = expected.map(|times| times.map(|time| time.parse::<DateTime<Utc>>().unwrap()));
            assert_eq!(seen, expected, "{now} {pairs:?}");
        };
        check("2026-02-25T10:45:00Z", &HOURS, Some(["2026-02-25T10:00:00Z", "2026-02-25T06:00:00Z"]));
        check("2026-02-25T12:45:00Z", &HOURS, Some(["2026-02-25T11:00:00Z", "2026-02-25T05:00:00Z"]));
        check("2026-02-25T08:45:00Z", &HOURS, None);
        check("2026-02-25T10:45:00Z", &[HOURS[0], HOURS[1], ("compare", "none")], None);
        let day = [("from", "2026-02-25T00:00:00Z"), ("granularity", "day"), ("compare", "previous_week")];
        check("2026-02-25T10:45:00Z", &day, Some(["2026-02-25T10:00:00Z", "2026-02-18T00:00:00Z"]));
    }
}
