//! Documents that are taken and that are not, and what applies then.

use super::document::Document;
use super::shown::Shown;
use super::*;
use crate::answer::document::BadDocument;
use crate::answer::registry::{Bad, KPIS};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn own(warning: Option<i64>, critical: Option<i64>, least_sample: Option<i64>) -> Own {
    Own { warning: warning.map(Tenths::of), critical: critical.map(Tenths::of), least_sample }
}

fn read(body: &str) -> Result<Vec<(String, Own)>, BadDocument> {
    let document = Document::read(body.as_bytes())?;
    Ok(document.all().map(|(alert, own)| (alert.to_owned(), own)).collect())
}

#[test]
fn a_document_says_all_thresholds() {
    let check = |body: &str, expected: &[(&str, Own)]| {
        let expected: Vec<_> = expected.iter().map(|(alert, own)| ((*alert).to_owned(), *own)).collect();
        assert_eq!(read(body), Ok(expected), "{body}");
    };
    check(r#"{"thresholds":{}}"#, &[]);
    check(r#"{"thresholds":{"payment_success_low":null}}"#, &[("payment_success_low", Own::default())]);
    check(
        r#"{"thresholds":{"payment_success_low":{"warning":97.5,"critical":null,"leastSample":50.0}}}"#,
        &[("payment_success_low", own(Some(975), None, Some(50)))],
    );
    check(
        r#"{"thresholds":{"workflow_failures_high":{"warning":0,"critical":100},"message_delivery_low":{}}}"#,
        &[
            ("workflow_failures_high", own(Some(0), Some(1_000), None)),
            ("message_delivery_low", Own::default()),
        ],
    );
    check(
        r#"{"thresholds":{"payment_success_low":{"warning":90,"critical":90}}}"#,
        &[("payment_success_low", own(Some(900), Some(900), None))],
    );
}

#[test]
fn a_document_that_says_something_else_is_refused_where_it_does() {
    let check = |body: &str, pointer: &str, said: &str| {
        let bad = read(body).expect_err(body);
        assert_eq!(bad.pointer, pointer, "{body}: {}", bad.detail);
        assert!(bad.detail.contains(said), "{body}: {}", bad.detail);
    };
    let payments = |inner: &str| format!(r#"{{"thresholds":{{"payment_success_low":{inner}}}}}"#);
    let of = "/thresholds/payment_success_low";
    check("", "", "no JSON");
    check("{", "", "no JSON");
    check("[]", "", "an object, and is a list");
    check("null", "", "an object, and is null");
    check("{}", "", "`thresholds` is missing");
    check(r#"{"threshold":{}}"#, "/threshold", "did you mean `thresholds`?");
    check(r#"{"thresholds":{},"thresholds":{}}"#, "/thresholds", "more than once");
    check(r#"{"thresholds":[]}"#, "/thresholds", "an object, and is a list");
    check(
        r#"{"thresholds":{"payment_sucess_low":{}}}"#,
        "/thresholds/payment_sucess_low",
        "`payment_success_low`",
    );
    check(r#"{"thresholds":{"a/b~c":{}}}"#, "/thresholds/a~1b~0c", "not known here");
    check(&payments("7"), of, "an object, and is a number");
    check(&payments(r#"{"warn":7}"#), &format!("{of}/warn"), "did you mean `warning`?");
    check(&payments(r#"{"warning":1,"warning":2}"#), &format!("{of}/warning"), "more than once");
    check(&payments(r#"{"warning":"95"}"#), &format!("{of}/warning"), "is a text");
    check(&payments(r#"{"warning":true}"#), &format!("{of}/warning"), "is a boolean");
    check(&payments(r#"{"warning":{}}"#), &format!("{of}/warning"), "is an object");
    check(&payments(r#"{"warning":100.1}"#), &format!("{of}/warning"), "from 0 to 100%");
    check(&payments(r#"{"critical":-0.1}"#), &format!("{of}/critical"), "from 0 to 100%");
    check(&payments(r#"{"critical":1e300}"#), &format!("{of}/critical"), "from 0 to 100%");
    check(&payments(r#"{"critical":1e999}"#), "", "no JSON");
    check(&payments(r#"{"warning":97.25}"#), &format!("{of}/warning"), "one decimal");
    for sample in ["0", "1.5", "-1", "1000000001"] {
        let body = payments(&format!(r#"{{"leastSample":{sample}}}"#));
        check(&body, &format!("{of}/leastSample"), "a whole number from 1 to 1000000000");
    }
    check(
        &payments(r#"{"warning":80}"#),
        of,
        "`critical` (85, the default) must not be above `warning` (80)",
    );
    check(&payments(r#"{"critical":95.1}"#), of, "must not be above `warning` (95, the default)");
    let failures = r#"{"thresholds":{"workflow_failures_high":{"warning":30}}}"#;
    check(failures, "/thresholds/workflow_failures_high", "must not be below `warning` (30)");
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    check(&payments(&deep), of, "is a list");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    check(&payments(&deep), "", "no JSON");
    let long = read(&payments(&format!(r#"{{"{}":1}}"#, "x".repeat(9_000)))).unwrap_err();
    assert!(long.detail.len() < 300 && long.pointer.len() < 200, "{}", long.detail.len());
}

#[test]
fn what_stays_the_same_keeps_who_has_set_it() {
    let [first, second] = ["2026-02-25T10:00:00Z", "2026-02-26T10:00:00Z"].map(at);
    let (payments, runs) = ("payment_success_low", "workflow_failures_high");
    let one = own(Some(975), None, None);
    let before =
        Thresholds::default().replaced([(payments, one), (runs, Own::default())], first, Some("ann"));
    assert_eq!(before.set(runs), None, "defaults are nobody's");
    let after = before.replaced([(payments, one), (runs, own(None, Some(400), None))], second, None);
    let set = after.set(payments).unwrap();
    assert_eq!((set.at, set.by.as_deref()), (first, Some("ann")));
    let set = after.set(runs).unwrap();
    assert_eq!((set.at, set.by.as_deref()), (second, None));
    assert_eq!(before.replaced([(payments, one)], second, Some("bob")), before);
    assert_eq!(before.replaced([], second, None), Thresholds::default());
}

#[test]
fn what_is_stored_is_read_and_what_is_unknown_passed_over() {
    let set = Thresholds::default().replaced(
        [("payment_success_low", own(Some(973), None, Some(7)))],
        at("2026-02-25T10:00:00.123Z"),
        Some("ann"),
    );
    assert_eq!(Thresholds::from_stored(&set.to_stored()), set);
    let later = json!({"payment_success_low": {"warning": "high", "later": 1}, "later_alert": {"warning": 3}, "x": 7});
    let read = Thresholds::from_stored(&later);
    assert_eq!(read.own("payment_success_low"), Own::default());
    assert_eq!(Thresholds::from_stored(&json!([])), Thresholds::default());
}

#[test]
fn what_is_shown_says_what_applies_and_who_has_set_it() {
    let set = Thresholds::default().replaced(
        [("payment_success_low", own(Some(975), None, None))],
        at("2026-02-25T10:00:00Z"),
        Some("ann"),
    );
    let shown = json!(Shown::new("acme", &set));
    assert_eq!(shown["organizationId"], "acme");
    assert_eq!(shown["alerts"].as_array().unwrap().len(), 3);
    let payments = json!({
        "key": "payment_success_low", "kpi": "payment_success_rate", "title": "Payments are failing", "unit": "percent",
        "better": "up", "minimum": 0, "maximum": 100,
        "default": {"warning": 95, "critical": 85, "leastSample": 20},
        "own": {"warning": 97.5, "critical": null, "leastSample": null},
        "applies": {"warning": 97.5, "critical": 85, "leastSample": 20},
        "thresholdSource": "organization", "updatedAt": "2026-02-25T10:00:00.000Z", "updatedBy": "ann",
    });
    assert_eq!(shown["alerts"][0], payments);
    let runs = &shown["alerts"][1];
    assert_eq!((&runs["thresholdSource"], &runs["updatedAt"]), (&json!("default"), &Value::Null));
    assert_eq!(runs["applies"], runs["default"]);
}

proptest! {
    #[test]
    fn no_bytes_make_trouble(body in prop::collection::vec(any::<u8>(), 0..80)) {
        let is_object = body.starts_with(b"{");
        prop_assert!(is_object || Document::read(&body).is_err());
    }

    /// Whatever numbers are sent, what is taken is in order and in range, and comes back as it was sent.
    #[test]
    fn what_is_taken_makes_sense(
        alert in 0..3usize,
        warning in prop::option::of(-20..1_100i64),
        critical in prop::option::of(-20..1_100i64),
        sample in prop::option::of(-1..50i64),
    ) {
        let rules: Vec<_> = KPIS.iter().flat_map(|kpi| kpi.rules).collect();
        let rule = rules[alert];
        let sent = own(warning, critical, sample);
        let body = json!({"thresholds": {rule.key: sent}}).to_string();
        let limits = sent.or(rule.defaults());
        let is_in = |tenths: Option<i64>| tenths.is_none_or(|tenths| (0..=1_000).contains(&tenths));
        let in_order = match rule.bad {
            Bad::Below => limits.critical <= limits.warning,
            Bad::Above => limits.warning <= limits.critical,
        };
        let good = is_in(warning) && is_in(critical) && sample.is_none_or(|sample| sample >= 1) && in_order;
        match read(&body) {
            Ok(all) => prop_assert!(good && all == [(rule.key.to_owned(), sent)], "{}", body),
            Err(bad) => prop_assert!(!good, "{}: {}", body, bad.detail),
        }
        let set = Thresholds::default().replaced([(rule.key, sent)], DateTime::UNIX_EPOCH, None);
        prop_assert_eq!(Thresholds::from_stored(&set.to_stored()), set);
    }
}
