//! Cases in which something stands out, cases in which nothing does, and the laws of all of them.

use super::*;
use crate::answer::decimal::Tenths;
use crate::answer::thresholds::{Own, Thresholds};
use crate::answer::workflow_health::{Runs, Workflow};
use crate::request::raw_range::{RawRange, Settings};
use domain::Counters;
use proptest::prelude::*;
use std::collections::BTreeSet;

const NOW: &str = "2026-02-25T10:30:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The day up to now, of which 24 hours are closed.
fn window() -> Window {
    let raw = RawRange { from: Some("2026-02-24T10:00:00Z".into()), ..RawRange::default() };
    Window::of(&raw.normalise(at(NOW), &Settings { max_range_days: 90 }).unwrap())
}

/// An hour like all others: enough of everything, and nothing wrong.
fn steady() -> Counters {
    Counters {
        orders_created: 100,
        payments_total: 80,
        payments_successful: 79,
        workflows_total: 60,
        workflows_failed: 1,
        total_execution_time_ms: 60_000,
        messages_sent: 50,
        messages_delivered: 49,
    }
}

/// The rows of the window; `hour` makes the counters of an hour from its distance to the end of the closed hours: 1 is the
/// last one.
fn rows(window: &Window, hour: impl Fn(usize) -> Counters) -> Rows {
    let hours = window.hours().len();
    Rows { hours: (0..hours).map(|place| hour(hours - place)).collect(), ..Rows::default() }
}

/// Every partition is counted up to then.
fn whole(through: Option<DateTime<Utc>>) -> Through {
    Through { all: through, most: through }
}

fn keys(window: &Window, rows: &Rows) -> Vec<String> {
    find(window, whole(Some(at(NOW))), rows).into_iter().map(|insight| insight.key).collect()
}

fn check(hour: impl Fn(usize) -> Counters, expected: &[&str]) -> Vec<Insight> {
    let window = window();
    let rows = rows(&window, hour);
    assert_eq!(keys(&window, &rows), expected);
    find(&window, whole(Some(at(NOW))), &rows)
}

#[test]
fn the_window_is_the_range_and_eight_weeks_before() {
    let window = window();
    assert_eq!(window.hours().len(), 24 + 8 * 7 * 24);
    assert_eq!(
        (window.judged().from, window.judged().to),
        (at("2026-02-24T10:00:00Z"), at("2026-02-25T10:00:00Z"))
    );
    let raw = RawRange { from: Some("2025-11-28T00:00:00Z".into()), ..RawRange::default() };
    let long = Window::of(&raw.normalise(at(NOW), &Settings { max_range_days: 90 }).unwrap());
    assert_eq!(long.judged().from, at("2026-01-28T00:00:00Z"), "four weeks of a longer one");
    assert_eq!(long.hours().len(), 12 * 7 * 24, "which bounds what is read");
}

#[test]
fn steady_traffic_does_not_stand_out() {
    check(|_| steady(), &[]);
    check(|_| Counters::default(), &[]);
    // Quiet nights and busy days, every day the same.
    check(|hour| if hour % 24 < 8 { Counters::default() } else { steady() }, &[]);
}

#[test]
fn silence_where_there_used_to_be_traffic() {
    let silent = |hours: usize| move |hour| if hour <= hours { Counters::default() } else { steady() };
    let without =
        |orders| move |hour| Counters { orders_created: if hour <= 3 { 0 } else { orders }, ..steady() };
    let all = ["silence_orders", "silence_payments", "silence_workflow_runs", "silence_messages"];
    assert!(check(silent(1), &all).iter().all(|insight| insight.severity == Severity::Warning));
    assert!(check(silent(3), &all).iter().all(|insight| insight.severity == Severity::Critical));
    let insight = check(without(40), &["silence_orders"]).remove(0);
    assert_eq!(
        insight.sentence,
        "There have been no orders since 07:00 on 25 February 2026. At this time of the week, about 120 would be normal."
    );
    assert_eq!(
        (insight.period.from, insight.period.to),
        (at("2026-02-25T07:00:00Z"), at("2026-02-25T10:00:00Z"))
    );
    assert_eq!(insight.numbers["expected"], Tenths::whole(120));
    check(without(6), &[]); // 18 were to be expected
    check(without(7), &["silence_orders"]);
}

#[test]
fn hours_that_are_unlike_those_of_other_weeks() {
    let orders = |at: usize, orders| {
        move |hour| Counters { orders_created: if hour == at { orders } else { 100 }, ..steady() }
    };
    let insight = check(orders(5, 400), &["unusually_high_orders"]).remove(0);
    let expected = "There were 400 orders between 05:00 and 06:00 on 25 February 2026; about 100 would be normal for \
                    that hour of the week.";
    assert_eq!((insight.sentence.as_str(), insight.severity), (expected, Severity::Info));
    assert_eq!(insight.title, "Far more orders than usual");
    let insight = check(orders(5, 10), &["unusually_low_orders"]).remove(0);
    assert_eq!((insight.severity, insight.numbers["value"]), (Severity::Warning, Tenths::whole(10)));
    check(orders(5, 199), &[]);
    check(orders(5, 51), &[]);
    check(orders(30, 400), &[]); // before what is judged
    // What varies widely every week is not unusual.
    check(|hour| Counters { orders_created: [20, 400, 100, 300, 200][hour % 5], ..Counters::default() }, &[]);
    // Of several the furthest is named.
    let several =
        |hour| Counters { orders_created: if hour < 4 { 200 + 100 * hour as i64 } else { 100 }, ..steady() };
    let insight = check(several, &["unusually_high_orders", "orders_created_up"]).remove(0);
    assert_eq!((insight.numbers["value"], insight.numbers["hours"]), (Tenths::whole(500), Tenths::whole(3)));
    assert!(
        insight.sentence.ends_with(" Of 3 hours like that, this one stands out most."),
        "{}",
        insight.sentence
    );
    let single = check(orders(5, 1), &["unusually_low_orders"]).remove(0);
    assert!(single.sentence.starts_with("There was 1 order between "), "{}", single.sentence);
    let none = check(orders(5, 0), &["unusually_low_orders"]).remove(0);
    assert!(none.sentence.starts_with("There were no orders between "), "{}", none.sentence);
}

#[test]
fn changes_against_the_week_before() {
    let payments = |successful: i64| {
        move |hour| Counters { payments_successful: if hour <= 24 { successful } else { 79 }, ..steady() }
    };
    let insight = check(payments(72), &["payment_success_rate_down"]).remove(0);
    assert_eq!(insight.severity, Severity::Warning);
    let expected = "The payment success rate fell to 90%, from 98.8% in the same hours a week earlier.";
    assert_eq!(insight.sentence, expected);
    assert_eq!(check(payments(60), &["payment_success_rate_down"])[0].severity, Severity::Critical);
    check(payments(76), &[]); // less than five points
    let slow =
        |hour| Counters { total_execution_time_ms: if hour <= 24 { 90_000 } else { 60_000 }, ..steady() };
    let slower = check(slow, &["avg_execution_time_ms_up"]).remove(0);
    let expected = "The average execution time rose to 1.5 s, from 1 s in the same hours a week earlier.";
    assert_eq!(
        (slower.sentence.as_str(), slower.title.as_str()),
        (expected, "The average execution time rose")
    );
    let quick =
        |hour| Counters { total_execution_time_ms: if hour <= 24 { 30_000 } else { 60_000 }, ..steady() };
    assert_eq!(check(quick, &["avg_execution_time_ms_down"])[0].severity, Severity::Info);
    // Fewer orders every hour, none of them unusual by itself.
    let fewer = |hour| Counters { orders_created: if hour <= 24 { 60 } else { 100 }, ..steady() };
    let down = check(fewer, &["orders_created_down"]).remove(0);
    assert_eq!(down.sentence, "Orders fell to 1,440, from 2,400 in the same hours a week earlier.");
}

#[test]
fn what_the_organization_calls_critical_is() {
    let window = window();
    let payments = |hour| Counters { payments_successful: if hour <= 24 { 72 } else { 79 }, ..steady() };
    let severity = |critical: Option<i64>| {
        let own = Own { critical: critical.map(Tenths::whole), ..Own::default() };
        let own = [("payment_success_low", own)];
        let thresholds = Thresholds::default().replaced(own, at(NOW), None);
        let rows = Rows { thresholds, ..rows(&window, payments) };
        find(&window, whole(Some(at(NOW))), &rows)[0].severity
    };
    assert_eq!(severity(None), Severity::Warning, "90 % are not below 85 %");
    assert_eq!(severity(Some(91)), Severity::Critical);
    assert_eq!(severity(Some(90)), Severity::Warning);
}

#[test]
fn a_drop_in_delivery_leaves_the_last_hour_out() {
    let delivered = |of_day: i64, of_hour: i64| {
        move |hour| Counters {
            messages_delivered: match hour {
                1 => of_hour,
                2..=24 => of_day,
                _ => 49,
            },
            ..steady()
        }
    };
    check(delivered(49, 0), &[]);
    assert_eq!(check(delivered(40, 40), &["delivery_drop"])[0].severity, Severity::Warning);
    let drop = check(delivered(30, 30), &["delivery_drop"]).remove(0);
    let expected = "Only 60% of 1,150 messages were delivered, compared with 98% in the weeks before.";
    assert_eq!((drop.sentence.as_str(), drop.severity), (expected, Severity::Critical));
    check(delivered(46, 46), &[]);
}

#[test]
fn more_messages_delivered_than_sent() {
    let messages = |at: usize, sent, delivered| {
        move |hour| match hour == at {
            true => Counters { messages_sent: sent, messages_delivered: delivered, ..steady() },
            false => steady(),
        }
    };
    let exceeds = ["delivered_exceeds_sent"];
    check(messages(5, 40, 44), &[]); // four more
    let hour = check(messages(5, 40, 45), &exceeds).remove(0);
    let expected = "Between 05:00 and 06:00 on 25 February 2026, 40 messages were sent and 45 delivered, which can't be: the \
                    records about them are wrong.";
    assert_eq!((hour.sentence.as_str(), hour.severity), (expected, Severity::Warning));
    assert_eq!((hour.period.from, hour.period.to), (at("2026-02-25T05:00:00Z"), at("2026-02-25T06:00:00Z")));
    assert_eq!((hour.numbers["sent"], hour.numbers["delivered"]), (Tenths::whole(40), Tenths::whole(45)));
    check(messages(5, 60, 65), &[]); // less than a tenth
    check(messages(5, 60, 66), &exceeds);
    check(messages(1, 40, 45), &[]); // not settled yet
    check(messages(30, 40, 45), &[]); // before what is judged

    // Of several hours that with the greatest excess is told.
    let several = |hour| match hour {
        3..=6 => Counters { messages_sent: 50, messages_delivered: 60 + hour as i64, ..steady() },
        _ => steady(),
    };
    let most = check(several, &exceeds).remove(0);
    assert_eq!(most.numbers["delivered"], Tenths::whole(66));
    assert!(most.sentence.ends_with(" That is so in 4 of the hours."), "{}", most.sentence);
}

#[test]
fn all_hours_together_may_have_more_messages_delivered_than_sent() {
    let day = |sent, delivered| {
        move |hour| match hour {
            ..=24 => Counters { messages_sent: sent, messages_delivered: delivered, ..steady() },
            _ => Counters { messages_sent: sent, messages_delivered: 0, ..steady() },
        }
    };
    let exceeds = ["delivered_exceeds_sent"];
    let all = check(day(50, 60), &exceeds).remove(0);
    let expected = "Between 10:00 on 24 February 2026 and 09:00 on 25 February 2026, 1,150 messages were sent and 1,380 delivered, \
                    which can't be: the records about them are wrong. That is so in 23 of the hours.";
    assert_eq!((all.sentence.as_str(), all.severity), (expected, Severity::Critical));
    // No single hour has enough.
    let few = check(day(10, 15), &exceeds).remove(0);
    assert_eq!((few.severity, few.numbers["hours"]), (Severity::Critical, Tenths::whole(0)));
    let none = check(day(0, 1), &exceeds).remove(0);
    assert!(none.sentence.contains(", no messages were sent and 23 delivered, "), "{}", none.sentence);
    check(day(10, 10), &[]);
}

fn workflow(id: &str, total: i64, failed: i64) -> Workflow {
    let runs = Runs { total, failed, ..Runs::default() };
    Workflow { id: id.into(), name: String::new(), runs }
}

#[test]
fn failures_of_one_workflow() {
    let check = |workflows: &[(i64, i64)], expected: &[&str]| {
        let window = window();
        let mut rows = rows(&window, |_| steady());
        rows.workflows = workflows
            .iter()
            .zip(0..)
            .map(|((total, failed), n)| workflow(&format!("w{n}"), *total, *failed))
            .collect();
        let sum = |of: fn(&Runs) -> i64| rows.workflows.iter().map(|workflow| of(&workflow.runs)).sum();
        rows.totals =
            Runs { total: sum(|runs| runs.total), failed: sum(|runs| runs.failed), ..Runs::default() };
        assert_eq!(keys(&window, &rows), expected, "{workflows:?}");
        find(&window, whole(Some(at(NOW))), &rows)
    };
    let most = check(&[(100, 18), (900, 2)], &["failures_concentrated"]).remove(0);
    let expected = "w0 accounts for 90% of the 20 failed runs, but for only 10% of all runs.";
    assert_eq!((most.sentence.as_str(), most.workflow.unwrap().workflow_id.as_str()), (expected, "w0"));
    check(&[(100, 17), (900, 2)], &[]); // too few
    check(&[(100, 11), (900, 9)], &[]); // half of them
    check(&[(500, 18), (500, 2)], &[]); // it has half of the runs
    check(&[(100, 100)], &[]); // there is no other
}

#[test]
fn a_small_sample_does_not_stand_out() {
    let window = window();
    let silent = |hour| if hour <= 3 { Counters::default() } else { steady() };
    // Three weeks are too few to know what is usual.
    let young = rows(&window, |hour| if hour > 3 * 7 * 24 { Counters::default() } else { silent(hour) });
    assert_eq!(keys(&window, &young), [""; 0]);
    let older = rows(&window, |hour| if hour > 5 * 7 * 24 { Counters::default() } else { silent(hour) });
    assert_eq!(keys(&window, &older).len(), 4);
    // Hours that may not be counted to their end are not judged.
    let silent = rows(&window, silent);
    assert_eq!(find(&window, whole(None), &silent), []);
    assert_eq!(find(&window, whole(Some(at("2026-02-25T07:59:59Z"))), &silent), []);
    assert_eq!(find(&window, whole(Some(at("2026-02-25T08:00:00Z"))), &silent).len(), 4);
    assert_eq!(find(&window, whole(Some(at("2020-01-01T00:00:00Z"))), &silent), []);
}

#[test]
fn a_partition_that_stands_still_silences_nothing_and_is_told() {
    let window = window();
    let rows = rows(&window, |hour| if hour <= 3 { Counters::default() } else { steady() });
    let now = at("2026-02-25T10:05:00Z");
    let said = |all: Option<&str>| find(&window, Through { all: all.map(at), most: Some(now) }, &rows);
    for insight in said(Some("2026-02-24T23:00:00Z")) {
        assert_eq!(insight.severity, Severity::Warning, "{}", insight.sentence);
        let end = " Some records since 23:00 on 24 February 2026 may be missing.";
        assert!(insight.sentence.ends_with(end), "{}", insight.sentence);
    }
    assert_eq!(said(Some("2026-02-24T23:00:00Z")).len(), 4);
    assert_eq!(said(None).len(), 4);
    // A second after the hour it is a matter of waiting.
    let close = Through { all: Some(at("2026-02-25T09:59:59Z")), most: Some(at("2026-02-25T10:00:01Z")) };
    assert_eq!(window.judged_until(judged_through(close)).unwrap().to, at("2026-02-25T09:00:00Z"));
    let shown = |all: Option<&str>, most| {
        let known = Known { complete_through: all.map(at), mostly_through: most, ..Known::default() };
        let range = RawRange::default().normalise(at(NOW), &Settings { max_range_days: 90 }).unwrap();
        serde_json::to_value(Insights::new("acme", range, known, &window, &rows, now)).unwrap()
    };
    let behind = shown(Some("2026-02-24T23:00:00Z"), Some(now));
    assert_eq!(behind["incompleteSince"], "2026-02-24T23:00:00.000Z");
    assert_eq!(behind["judged"]["to"], "2026-02-25T10:00:00.000Z");
    assert_eq!(shown(Some(NOW), Some(now)).get("incompleteSince"), None);
    let never = shown(None, None);
    assert_eq!(
        (&never["incompleteSince"], &never["judged"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert!(never.get("incompleteSince").is_some());
}

#[test]
fn changes_are_those_of_comparisons() {
    let rows = rows(&window(), |hour| Counters {
        payments_successful: if hour <= 24 { 72 } else { 79 },
        ..steady()
    });
    let insight = find(&window(), whole(Some(at(NOW))), &rows).remove(0);
    let before = insight.compared_with.unwrap();
    assert_eq!((before.from, before.to), (at("2026-02-17T10:00:00Z"), at("2026-02-18T10:00:00Z")));
    assert_eq!(insight.numbers["deltaPercent"], Tenths::of(-89), "90 % of 98.8 %");
    assert_eq!(insight.numbers["deltaPoints"], Tenths::of(-88));
}

#[test]
fn the_gravest_comes_first() {
    let hour = |hour| match hour {
        1..=3 => Counters { orders_created: 0, ..steady() },
        7 => Counters { payments_total: 800, payments_successful: 790, ..steady() },
        _ => steady(),
    };
    check(hour, &["silence_orders", "unusually_high_payments"]);
}

prop_compose! {
    fn some_counters(most: i64)(values in prop::array::uniform8(0..=most)) -> Counters {
        let [orders, payments, ok, runs, failed, ms, sent, delivered] = values;
        Counters {
            orders_created: orders,
            payments_total: payments,
            payments_successful: ok.min(payments),
            workflows_total: runs,
            workflows_failed: failed.min(runs),
            total_execution_time_ms: ms,
            messages_sent: sent,
            messages_delivered: delivered.min(sent),
        }
    }
}

/// Rows with a pattern that repeats, and hours at the end that don't keep to it.
fn some_rows(most: i64) -> impl Strategy<Value = Rows> {
    let pattern = prop::collection::vec(some_counters(most), 1..30);
    let end = prop::collection::vec(some_counters(most), 0..30);
    let workflows = prop::collection::vec((0..=most, 0..=most), 0..4);
    (pattern, end, workflows).prop_map(|(pattern, end, workflows)| {
        let mut rows = rows(&window(), |hour| *end.get(hour - 1).unwrap_or(&pattern[hour % pattern.len()]));
        for (n, (total, failed)) in workflows.into_iter().enumerate() {
            let failed = failed.min(total);
            rows.workflows.push(workflow(&format!("w{n}"), total, failed));
            rows.totals.total += total;
            rows.totals.failed += failed;
        }
        rows
    })
}

fn scaled(rows: &Rows, factor: i64) -> Rows {
    let runs =
        |runs: &Runs| Runs { total: runs.total * factor, failed: runs.failed * factor, ..Runs::default() };
    let workflow = |w: &Workflow| Workflow { runs: runs(&w.runs), ..w.clone() };
    Rows {
        hours: rows
            .hours
            .iter()
            .map(|hour| Counters::from_values(hour.values().map(|n| n * factor)))
            .collect(),
        totals: runs(&rows.totals),
        workflows: rows.workflows.iter().map(workflow).collect(),
        thresholds: rows.thresholds.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_rows_make_trouble(rows in some_rows(1_000_000_000), complete in option(), mostly in option(), hours in 0usize..3_000) {
        let window = window();
        let rows = Rows { hours: rows.hours.into_iter().take(hours).collect(), ..rows };
        for insight in find(&window, Through { all: complete, most: mostly }, &rows) {
            prop_assert!(!insight.sentence.is_empty() && !insight.numbers.is_empty());
            prop_assert!(window.judged().from <= insight.period.from && insight.period.to <= window.judged().to);
            prop_assert!(insight.period.from < insight.period.to);
        }
    }

    #[test]
    fn single_records_make_no_insight_but_silence(rows in some_rows(1)) {
        // At most one of a kind an hour: at most 24 in a day, where 100, 50 or 20 in an hour are needed; only
        // silence can stand out, on a day that used to be busy.
        let said = keys(&window(), &rows);
        prop_assert!(said.iter().all(|key| key.starts_with("silence_")), "{said:?}");
    }

    #[test]
    fn what_stands_out_still_does_at_a_multiple(rows in some_rows(500), doublings in 0u32..12) {
        let window = window();
        let said = |rows: &Rows| find(&window, whole(Some(at(NOW))), rows);
        let more: BTreeSet<_> =
            said(&scaled(&rows, 1 << doublings)).into_iter().map(|insight| insight.key).collect();
        for insight in said(&rows) {
            prop_assert!(more.contains(&insight.key), "{} is not said of 2^{doublings} times as much", insight.key);
        }
    }

    #[test]
    fn twice_as_much_of_plenty_makes_the_same_insights(rows in some_rows(500), doublings in 1u32..8) {
        let window = window();
        let said = |factor: i64| {
            let insights = find(&window, whole(Some(at(NOW))), &scaled(&rows, factor)).into_iter();
            insights.map(|insight| (insight.key, insight.severity, insight.period)).collect::<Vec<_>>()
        };
        // With so much, samples and chance don't matter any more.
        prop_assert_eq!(said(1 << 20), said(1 << (20 + doublings)));
    }
}

fn option() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    prop::option::of((0..4_000i64).prop_map(|hours| at(NOW) - chrono::TimeDelta::hours(hours)))
}
