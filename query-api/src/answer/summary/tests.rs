//! Summaries to the letter, and the law that every change follows from the values shown, and those from what was counted.

use super::*;
use crate::answer::thresholds::Own;
use crate::request::compare::Compare;
use crate::request::raw_range::{RawRange, Settings};
use chrono::TimeDelta;
use domain::BucketSize;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

const SETTINGS: Settings = Settings { max_range_days: 3_660 };

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn range(from: &str, to: &str, now: &str) -> Range {
    let raw = RawRange { from: Some(from.into()), to: Some(to.into()), ..RawRange::default() };
    raw.normalise(at(now), &SETTINGS).unwrap()
}

/// Something that was counted, and when.
type Counted = (DateTime<Utc>, Counters);

/// The sums that rows of what was counted have.
fn sums(range: &Range, counted: &[Counted]) -> Sums {
    let parts = Parts::of(range);
    let of = |interval: &Interval| {
        let mut sum = Counters::default();
        for (size, run) in interval.in_rows() {
            let rows = counted.iter().filter(|(time, _)| (run.from..run.to).contains(&size.floor(*time)));
            rows.for_each(|(_, counters)| sum += counters);
        }
        sum
    };
    let counters = parts.intervals().iter().map(of).collect();
    Sums { parts, counters, thresholds: Thresholds::default() }
}

fn shown(range: Range, counted: &[Counted], now: DateTime<Utc>) -> Value {
    let rows = (None, sums(&range, counted));
    let records_from = counted.iter().map(|(time, _)| BucketSize::Hour.floor(*time)).min();
    let known = Known { records_from, ..Known::default() };
    serde_json::to_value(Summary::new("acme", range, known, rows, now)).unwrap()
}

fn orders(n: i64) -> Counters {
    Counters { orders_created: n, ..Counters::default() }
}

#[test]
fn the_summary_is_spelled_to_the_letter() {
    let profile =
        Profile { name: Some("Acme".into()), plan: Some(Plan { id: "plan_pro".into(), name: "pro".into() }) };
    let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T10:00:12Z");
    let now = at("2026-02-25T10:00:12Z");
    let counted = [(at("2026-02-24T20:00:00Z"), orders(36)), (at("2026-02-25T03:00:00Z"), orders(42))];
    let records_from = Some(at("2026-02-24T14:00:00Z"));
    let known = Known { complete_through: Some(now), records_from, ..Known::default() };
    let rows = (Some(profile), sums(&range, &counted));
    let json = serde_json::to_string(&Summary::new("org_123", range, known, rows, now)).unwrap();
    let start = concat!(
        r#"{"organizationId":"org_123","organizationName":"Acme","plan":{"id":"plan_pro","name":"pro"},"#,
        r#""range":{"from":"2026-02-25T00:00:00.000Z","to":"2026-02-25T10:00:00.000Z","granularity":"hour","#,
        r#""timezone":"UTC"},"completeThrough":"2026-02-25T10:00:12.000Z","#,
        r#""recordsFrom":"2026-02-24T14:00:00.000Z","#,
        r#""comparison":{"mode":"previous_period","from":"2026-02-24T14:00:00.000Z","#,
        r#""to":"2026-02-25T00:00:00.000Z","#,
        r#""current":{"from":"2026-02-25T00:00:00.000Z","to":"2026-02-25T10:00:00.000Z"},"#,
        r#""previous":{"from":"2026-02-24T14:00:00.000Z","to":"2026-02-25T00:00:00.000Z"},"#,
        r#""previousCovered":true},"#,
        r#""kpis":[{"key":"orders_created","label":"Orders Created","value":42,"unit":"count","decimals":0,"#,
        r#""trend":"up","deltaPercent":16.7,"comparedValue":42,"previousValue":36,"better":"up","#,
        r#""severity":"healthy","thresholds":[],"description":"Orders captured from commerce events","#,
        r#""base":{"numerator":"orders_created","denominator":null,"noun":"orders"}},"#,
    );
    let end = concat!(
        r#""alerts":[],"systemHealth":{"status":"healthy","alertCount":0},"#,
        r#""generatedAt":"2026-02-25T10:00:12.000Z"}"#,
    );
    assert!(json.starts_with(start), "{json}");
    assert!(json.ends_with(end), "{json}");
}

#[test]
fn an_organization_nobody_has_heard_of_is_all_zeros() {
    let now = at("2026-02-25T12:00:00Z");
    let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T12:00:00Z");
    let summary = shown(range, &[], now);
    assert_eq!((&summary["organizationName"], &summary["plan"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&summary["recordsFrom"], &summary["comparison"]["previousCovered"]),
        (&Value::Null, &json!(false))
    );
    for figure in summary["kpis"].as_array().unwrap() {
        for name in ["value", "comparedValue", "previousValue", "deltaPercent"] {
            assert_eq!(figure[name], 0, "{name} of {figure}");
        }
        assert_eq!(figure["trend"], "flat", "{figure}");
    }
}

#[test]
fn a_previous_interval_that_begins_before_the_records_do_is_not_covered() {
    // Compared with what is from 14:00 of the day before on.
    let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T12:00:00Z");
    let check = |counted: &[Counted], expected: Value| {
        let summary = shown(range, counted, range.to());
        let (orders, comparison) = (&summary["kpis"][0], &summary["comparison"]);
        let seen = json!([summary["recordsFrom"], comparison["previousCovered"], orders["deltaPercent"]]);
        assert_eq!(seen, expected, "{summary}");
    };
    let now = (at("2026-02-25T03:00:00Z"), orders(30));
    check(&[now, (at("2026-02-24T14:40:00Z"), orders(3))], json!(["2026-02-24T14:00:00.000Z", true, 900]));
    check(&[now, (at("2026-02-24T15:00:00Z"), orders(3))], json!(["2026-02-24T15:00:00.000Z", false, 900]));
    check(&[now, (at("2025-11-03T09:30:00Z"), orders(3))], json!(["2025-11-03T09:00:00.000Z", true, null]));
    check(&[now], json!(["2026-02-25T03:00:00.000Z", false, null]));
}

#[test]
fn what_is_over_of_an_open_bucket_is_compared_with_as_much() {
    // Ten quarters of an hour before 9 o'clock, and what came after them.
    let before = (at("2026-02-25T06:59:59Z"), orders(10));
    let counted = [before, (at("2026-02-25T09:59:00Z"), orders(10)), (at("2026-02-25T10:31:00Z"), orders(3))];
    let check = |from: &str, granularity: &str, expected: Value| {
        let raw = RawRange {
            from: Some(from.into()),
            granularity: Some(granularity.into()),
            ..RawRange::default()
        };
        let now = at("2026-02-25T10:44:00Z");
        let summary = shown(raw.normalise(now, &SETTINGS).unwrap(), &counted, now);
        let orders = &summary["kpis"][0];
        let names = ["value", "comparedValue", "previousValue", "deltaPercent", "trend"];
        assert_eq!(
            json!(names.map(|name| &orders[name])),
            expected,
            "from {from} by {granularity}: {summary}"
        );
    };
    // Against what is from 7:30 on, and from 5:30.
    check("2026-02-25T09:00:00Z", "hour", json!([13, 10, 0, null, "new"]));
    check("2026-02-25T08:00:00Z", "hour", json!([13, 10, 10, 0, "flat"]));
    // From 13:30 of the day before on.
    check("2026-02-25T00:00:00Z", "hour", json!([23, 20, 0, null, "new"]));
    check("2026-02-25T00:00:00Z", "day", json!([23, 20, 0, null, "new"]));
}

#[test]
fn while_no_quarter_of_an_hour_is_over_nothing_is_compared() {
    let now = at("2026-02-25T10:10:00Z");
    let raw = |compare: &str| RawRange {
        from: Some("2026-02-25T10:00:00Z".into()),
        compare: Some(compare.into()),
        ..RawRange::default()
    };
    let counted = [(at("2026-02-25T10:05:00Z"), orders(13))];
    for mode in Compare::ALL {
        let summary = shown(raw(mode.name()).normalise(now, &SETTINGS).unwrap(), &counted, now);
        assert_eq!(summary["comparison"], Value::Null, "{summary}");
        assert_eq!(summary["kpis"][0]["value"], 13);
        for figure in summary["kpis"].as_array().unwrap() {
            for name in ["comparedValue", "previousValue", "deltaPercent"] {
                assert_eq!(figure[name], Value::Null, "{name} of {figure}");
            }
            assert_eq!(figure["trend"], "flat", "{figure}");
            assert_eq!(figure.get("deltaPoints").is_some(), figure["unit"] == "percent", "{figure}");
        }
    }
}

#[test]
fn health_is_the_worst_that_applies() {
    let counters = Counters {
        payments_total: 100,
        payments_successful: 90,
        workflows_total: 100,
        workflows_failed: 30,
        ..Counters::default()
    };
    let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T12:00:00Z");
    let summary = shown(range, &[(at("2026-02-25T09:59:00Z"), counters)], range.to());
    assert_eq!(summary["systemHealth"], json!({ "status": "critical", "alertCount": 2 }));
    let severities: Vec<_> = summary["kpis"].as_array().unwrap().iter().map(|kpi| &kpi["severity"]).collect();
    assert_eq!(severities, ["healthy", "warning", "critical", "healthy", "healthy"]);
    // By the organization's own thresholds payments are fine, and runs are no more than a warning.
    let own = |warning, critical| {
        let tenths = |n: Option<i64>| n.map(Tenths::whole);
        Own { warning: tenths(warning), critical: tenths(critical), least_sample: None }
    };
    let own = [("payment_success_low", own(Some(90), None)), ("workflow_failures_high", own(None, Some(30)))];
    let thresholds = Thresholds::default().replaced(own, range.to(), None);
    let sums = Sums { thresholds, ..sums(&range, &[(at("2026-02-25T09:59:00Z"), counters)]) };
    let summary = json!(Summary::new("acme", range, Known::default(), (None, sums), range.to()));
    assert_eq!(summary["systemHealth"], json!({ "status": "warning", "alertCount": 1 }));
    let alert = &summary["alerts"][0];
    assert_eq!((&alert["threshold"], &alert["thresholdSource"]), (&json!(10), &json!("default")));
    let shown = &summary["kpis"][2]["thresholds"][0];
    assert_eq!((&shown["critical"], &shown["thresholdSource"]), (&json!(30), &json!("organization")));
}

#[test]
fn messages_are_judged_once_their_receipts_are_no_longer_due() {
    let sent = |n| Counters { messages_sent: n, ..Counters::default() };
    let check = |now: &str, alerts: usize| {
        let raw = RawRange { from: Some("2026-02-25T08:00:00Z".into()), ..RawRange::default() };
        let range = raw.normalise(at(now), &SETTINGS).unwrap();
        let summary = shown(range, &[(at("2026-02-25T08:50:00Z"), sent(20))], at(now));
        assert_eq!(summary["alerts"].as_array().unwrap().len(), alerts, "{now}: {summary}");
        assert_eq!(summary["kpis"][4]["value"], 0);
    };
    check("2026-02-25T09:00:00Z", 0);
    check("2026-02-25T09:59:59Z", 0);
    check("2026-02-25T10:00:00Z", 1);
    check("2026-02-26T03:00:00Z", 1);
    // A range that ended before its messages had settled is judged again once they have.
    let [early, settled, late] = ["2026-02-25T09:59:59Z", "2026-02-25T10:00:00Z", "2026-02-27T11:00:00Z"]
        .map(|now| range("2026-02-25T08:00:00Z", "2026-02-25T09:00:00Z", now).key());
    assert!(early != settled && settled == late, "{early} {settled} {late}");
}

/// A shown number, in tenths.
fn tenths(value: &Value) -> Option<i64> {
    value.as_f64().map(|number| (number * 10.0).round() as i64)
}

fn interval(value: &Value) -> Interval {
    let [from, to] = ["from", "to"].map(|name| at(value[name].as_str().unwrap()));
    Interval { from, to }
}

/// `numerator / denominator` (above 0), half away from zero.
fn rounded(numerator: i64, denominator: i64) -> i64 {
    let nearest = (2 * numerator.abs() + denominator) / (2 * denominator);
    nearest * numerator.signum()
}

/// A KPI over an interval, in tenths, by what its answer says it is made of.
fn recounted(counted: &[Counted], Interval { from, to }: Interval, kpi: &Value) -> i64 {
    let mut sum = Counters::default();
    counted.iter().filter(|(time, _)| from <= *time && *time < to).for_each(|(_, counters)| sum += counters);
    let counter = |name: &Value| {
        let place = Counters::NAMES.iter().position(|known| name == known);
        place.map(|place| sum.values()[place])
    };
    let part = counter(&kpi["base"]["numerator"]).unwrap();
    match (counter(&kpi["base"]["denominator"]), kpi["unit"] == "percent") {
        (Some(0), _) => 0,
        (Some(whole), true) => rounded(1_000 * part, whole).min(1_000),
        (whole, _) => rounded(10 * part, whole.unwrap_or(1)),
    }
}

fn follows(counted: &[Counted], summary: &Value) -> Result<(), TestCaseError> {
    let (range, now) = (interval(&summary["range"]), at(summary["generatedAt"].as_str().unwrap()));
    let until = range.to.min(BucketSize::Quarter.floor(now));
    let comparison = &summary["comparison"];
    prop_assert_eq!(comparison.is_null(), until <= range.from, "{}", summary);
    if !comparison.is_null() {
        // The hour in which it begins is enough.
        let end = BucketSize::Hour.floor(interval(&comparison["previous"]).from) + TimeDelta::hours(1);
        let covered = counted.iter().any(|(time, _)| *time < end);
        prop_assert_eq!(comparison["previousCovered"].as_bool(), Some(covered), "{}", summary);
    }
    for kpi in summary["kpis"].as_array().unwrap() {
        prop_assert_eq!(tenths(&kpi["value"]), Some(recounted(counted, range, kpi)), "{}", kpi);
        if comparison.is_null() {
            continue;
        }
        let [current, previous] = ["current", "previous"].map(|name| interval(&comparison[name]));
        prop_assert_eq!((current.from, current.to), (range.from, until));
        let [now, before] = [current, previous].map(|interval| recounted(counted, interval, kpi));
        let shown = ["comparedValue", "previousValue"].map(|name| tenths(&kpi[name]));
        prop_assert_eq!(shown, [Some(now), Some(before)], "{}", kpi);
        let delta = match (now, before) {
            (0, 0) => Some(0),
            (_, 0) => None,
            (_, _) => Some(rounded(1_000 * (now - before), before)),
        };
        prop_assert_eq!(tenths(&kpi["deltaPercent"]), delta, "{}", kpi);
        let trend = match delta {
            None => "new",
            Some(delta) => ["down", "flat", "up"][(delta.signum() + 1) as usize],
        };
        prop_assert_eq!(&kpi["trend"], trend, "{}", kpi);
        let points = (kpi["unit"] == "percent").then(|| now - before);
        prop_assert_eq!(kpi.get("deltaPoints").and_then(tenths), points, "{}", kpi);
    }
    Ok(())
}

prop_compose! {
    fn some_counted(now: DateTime<Utc>)(
        year_before in prop::bool::weighted(0.2),
        seconds in prop_oneof![-300_000..90_000i64, -8_000_000..90_000i64],
        mut values in prop::array::uniform8(0..60i64),
        nothing in prop::array::uniform8(prop::bool::weighted(0.4)),
    ) -> Counted {
        values.iter_mut().zip(nothing).filter(|(_, nothing)| *nothing).for_each(|(value, _)| *value = 0);
        let year = if year_before { TimeDelta::days(365) } else { TimeDelta::zero() };
        (now - year + TimeDelta::seconds(seconds), Counters::from_values(values))
    }
}

prop_compose! {
    fn some_question()(seconds in 1_700_000_000..1_900_000_000i64, grid in prop::sample::select(&[1, 900, 3_600][..]))(
        now in Just(DateTime::from_timestamp(seconds / grid * grid, 0).unwrap()),
        from in prop_oneof![-200_000..0i64, -4_000_000..0i64],
        to in option::of(prop_oneof![-200_000..1_000i64, -4_000_000..0i64]),
        zone in prop_oneof![Just(chrono_tz::Tz::UTC), prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec())],
        mode in prop::sample::select(&Compare::ALL[..3]),
        counted in prop::collection::vec(some_counted(DateTime::from_timestamp(seconds, 0).unwrap()), 0..40),
    ) -> (RawRange, DateTime<Utc>, Vec<Counted>) {
        let text = |seconds: i64| (now + TimeDelta::seconds(seconds)).to_rfc3339();
        let raw = RawRange {
            from: Some(text(from)),
            to: to.map(text),
            granularity: Some("day".into()),
            timezone: Some(zone.name().into()),
            compare: Some(mode.name().into()),
        };
        (raw, now, counted)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_change_follows_from_the_values_shown_and_those_from_what_was_counted(
        (raw, now, counted) in some_question()
    ) {
        let by_day = shown(raw.normalise(now, &SETTINGS).unwrap(), &counted, now);
        follows(&counted, &by_day)?;
        let hour = Some("hour".to_owned());
        let by_hour = RawRange { granularity: hour.clone(), ..raw.clone() };
        follows(&counted, &shown(by_hour.normalise(now, &SETTINGS).unwrap(), &counted, now))?;

        // What the range became by the day, by the hour.
        let Interval { from, to } = interval(&by_day["range"]);
        let to = (to <= now).then(|| to.to_rfc3339());
        let same = RawRange { from: Some(from.to_rfc3339()), to, granularity: hour, ..raw };
        let by_hour = shown(same.normalise(now, &SETTINGS).unwrap(), &counted, now);
        follows(&counted, &by_hour)?;
        prop_assert_eq!(&by_day["comparison"], &by_hour["comparison"], "{}", &by_day["range"]);
        let both = by_day["kpis"].as_array().unwrap().iter().zip(by_hour["kpis"].as_array().unwrap());
        for (day, hour) in both {
            for name in ["comparedValue", "previousValue", "deltaPercent", "deltaPoints", "trend"] {
                prop_assert_eq!(day.get(name), hour.get(name), "{} of {}", name, day);
            }
        }
    }
}
