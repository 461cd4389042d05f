//! The trends: a range's buckets as series, each with its counters and KPIs. Pure.

use crate::answer::comparison::Intervals;
use crate::answer::known::Known;
use crate::answer::percentiles::Percentiles;
use crate::answer::registry::KPIS;
use crate::request::cells::Cells;
use crate::request::range::Range;
use crate::request::timestamp::Time;
use chrono::{DateTime, Utc};
use domain::{Counters, Durations};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The rows of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Its counters.
    pub counters: Counters,
    /// The execution times of the workflow runs that ended in it.
    pub durations: Durations,
}

/// The rows of a range, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Of the range's buckets.
    pub series: Vec<Bucket>,
    /// Of the buckets it is compared with.
    pub previous: Vec<Bucket>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trends<'a> {
    organization_id: &'a str,
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

impl<'a> Trends<'a> {
    /// Composes the answer from the rows.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        rows: &Rows,
        now: DateTime<Utc>,
    ) -> Self {
        let comparison = Intervals::of(&range, &known);
        let closed_until = range.closed_until();
        Self {
            organization_id,
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

/// The members of a bucket, in their order.
pub fn members() -> Vec<&'static str> {
    let kpis = KPIS.iter().map(|kpi| kpi.key).filter(|key| !Counters::NAMES.contains(key));
    let percentiles = Percentiles::default().entries().map(|(key, _)| key);
    ["bucket", "open"].into_iter().chain(Counters::NAMES).chain(kpis).chain(percentiles).collect()
}

fn points(cells: &Cells, rows: &[Bucket], is_open: impl Fn(DateTime<Utc>) -> bool) -> Vec<Point> {
    let point = |(bucket, row): (&DateTime<Utc>, &Bucket)| Point {
        bucket: *bucket,
        open: is_open(*bucket),
        counters: row.counters,
        percentiles: Percentiles::of(&row.durations),
    };
    cells.edges().iter().zip(rows).map(point).collect()
}

struct Point {
    bucket: DateTime<Utc>,
    open: bool,
    counters: Counters,
    percentiles: Percentiles,
}

/// `{"bucket","open", counters..., KPIs..., percentiles...}`. A KPI that is a counter (the orders) appears once.
impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // In the order of `members`.
        map.serialize_entry("bucket", &Time(self.bucket))?;
        map.serialize_entry("open", &self.open)?;
        for (name, value) in Counters::NAMES.iter().zip(self.counters.values()) {
            map.serialize_entry(name, &value)?;
        }
        for kpi in KPIS.iter().filter(|kpi| !Counters::NAMES.contains(&kpi.key)) {
            map.serialize_entry(kpi.key, &kpi.value(&self.counters).tenths())?;
        }
        for (key, value) in self.percentiles.entries() {
            map.serialize_entry(key, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};

    fn trends(now: &str, compare: &str, rows: &Rows) -> serde_json::Value {
        let raw = RawRange {
            from: Some("2026-02-25T08:00:00Z".into()),
            to: Some("2026-02-25T10:30:00Z".into()),
            compare: Some(compare.into()),
            ..RawRange::default()
        };
        let now = now.parse().unwrap();
        let range = raw.normalise(now, &Settings { max_range_days: 90 }).unwrap();
        let known = Known { records_from: Some("2026-02-25T05:00:00Z".parse().unwrap()), ..Known::default() };
        serde_json::to_value(Trends::new("acme", range, known, rows, now)).unwrap()
    }

    #[test]
    fn every_bucket_has_its_numbers_and_that_of_now_is_open() {
        let counters = Counters::from_values([1, 4, 3, 10, 2, 1_234, 5, 5]);
        let mut durations = Durations::default();
        [3, 7, 15].into_iter().for_each(|ms| durations.take(ms));
        let full = Bucket { counters, durations };
        let zeros = Bucket::default();
        let rows = Rows {
            series: vec![zeros.clone(), full.clone(), zeros.clone()],
            previous: vec![full, zeros.clone(), zeros],
        };
        let trends = trends("2026-02-25T10:45:00Z", "previous_period", &rows);
        let series = &trends["series"];
        let expected = serde_json::json!({
            "bucket": "2026-02-25T09:00:00.000Z", "open": false,
            "orders_created": 1, "payments_total": 4, "payments_successful": 3, "workflows_total": 10,
            "workflows_failed": 2, "total_execution_time_ms": 1234, "messages_sent": 5, "messages_delivered": 5,
            "payment_success_rate": 75, "workflow_failure_rate": 20, "avg_execution_time_ms": 123.4,
            "message_delivery_rate": 100, "p50_execution_time_ms": 7, "p95_execution_time_ms": 15,
            "p99_execution_time_ms": 15,
        });
        assert_eq!(series.as_array().unwrap().len(), 3);
        assert_eq!(series[0]["orders_created"], 0);
        assert_eq!(series[0]["message_delivery_rate"], 0);
        assert_eq!(series[0]["p95_execution_time_ms"], serde_json::Value::Null);
        assert_eq!(series[1], expected);
        assert_eq!(series[2]["open"], true);

        let previous = &trends["previousSeries"];
        // What is over of the open hour, three quarters of it, is compared with as much.
        let starts: Vec<_> = previous.as_array().unwrap().iter().map(|point| &point["bucket"]).collect();
        assert_eq!(
            starts,
            ["2026-02-25T05:15:00.000Z", "2026-02-25T06:15:00.000Z", "2026-02-25T07:15:00.000Z"]
        );
        assert_eq!(trends["comparison"]["current"]["to"], "2026-02-25T10:45:00.000Z");
        assert_eq!(trends["recordsFrom"], "2026-02-25T05:00:00.000Z");
        assert_eq!(trends["comparison"]["previousCovered"], true);
        assert_eq!((&previous[0]["orders_created"], &previous[1]["open"]), (&1.into(), &false.into()));
    }

    #[test]
    fn once_the_hour_is_over_nothing_is_open() {
        let rows = Rows { series: vec![Bucket::default(); 3], previous: Vec::new() };
        let trends = trends("2026-02-25T11:00:00Z", "none", &rows);
        assert!(trends["series"].as_array().unwrap().iter().all(|point| point["open"] == false), "{trends}");
        assert!(trends["comparison"].is_null() && trends.get("previousSeries").is_none());
        assert_eq!(trends["recordsFrom"], "2026-02-25T05:00:00.000Z");
    }
}
