//! What answers say of a comparison: its intervals, and what has changed between them. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::known::Known;
use crate::answer::registry::{Kpi, Unit};
use crate::request::compare::{Compare, Comparison};
use crate::request::interval::Interval;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::Counters;
use serde::Serialize;

/// The intervals. `from` and `to` are those of the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Intervals {
    mode: Compare,
    #[serde(flatten)]
    interval: Interval,
    current: Interval,
    previous: Interval,
    /// Whether the organization's records begin by the start of the previous interval. Otherwise a change says that they began.
    previous_covered: bool,
    #[serde(
        serialize_with = "crate::request::timestamp::time_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    exact_from: Option<DateTime<Utc>>,
}

impl Intervals {
    /// Those of the range; `None` if nothing is compared.
    #[must_use]
    pub fn of(range: &Range, known: &Known) -> Option<Self> {
        let shown = |seen: Comparison| Self {
            mode: seen.mode,
            interval: seen.previous,
            current: seen.current,
            previous: seen.previous,
            previous_covered: known.records_from.is_some_and(|first| first <= seen.previous.from),
            exact_from: known.comparison_exact_from,
        };
        range.comparison().map(shown)
    }
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// It is more.
    Up,
    /// It is less.
    Down,
    /// It is as much, to the decimal that is shown; or nothing is compared.
    Flat,
    /// There was nothing before.
    New,
}

/// How a KPI has changed: all follows from the two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    trend: Trend,
    /// Of the previous value. `None` if that is nothing, or nothing is compared.
    delta_percent: Option<Tenths>,
    /// Of a rate only: the difference in percentage points, which is `None` if nothing is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_points: Option<Option<Tenths>>,
    compared_value: Option<Tenths>,
    previous_value: Option<Tenths>,
}

impl Change {
    /// The change of a KPI from the counters of the previous interval to those of the current one; `None` if nothing is compared.
    #[must_use]
    pub fn of(kpi: &Kpi, counters: Option<[&Counters; 2]>) -> Self {
        let values = counters.map(|both| both.map(|counters| kpi.value(counters).tenths()));
        let change = values.and_then(|[previous, current]| current.change_from(previous));
        let points = values.map(|[previous, current]| current - previous);
        Self {
            trend: match (values, change.map(Tenths::signum)) {
                (Some(_), None) => Trend::New,
                (_, Some(1..)) => Trend::Up,
                (_, Some(..0)) => Trend::Down,
                (_, Some(0)) | (None, None) => Trend::Flat,
            },
            delta_percent: change,
            delta_points: match kpi.unit {
                Unit::Percent => Some(points),
                Unit::Count | Unit::Ms => None,
            },
            compared_value: values.map(|[_, current]| current),
            previous_value: values.map(|[previous, _]| previous),
        }
    }
}
