//! The contract, compared with real answers: every path, every kind of answer, every member.

use super::super::tests::{acme, api, send_raw, token};
use super::*;
use crate::answer::Answer;
use crate::answer::known::Known;
use crate::answer::links::{self, Links};
use crate::answer::problem::Problem;
use crate::answer::setting::Setting;
use crate::answer::thresholds::Thresholds;
use crate::answer::thresholds::document::Document;
use crate::request::range::Range;
use crate::request::representation::{List, Media};
use crate::request::scope::Scope;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// Calls `visit` with every object in `value`.
fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|member| each_object(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each_object(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A validator of one of the document's shapes that lets nothing through that isn't in it, though clients must.
fn strict(shape: &str) -> jsonschema::Validator {
    fn close(value: &mut Value) {
        match value {
            Value::Object(object) => {
                if object.contains_key("properties") {
                    object.entry("additionalProperties").or_insert(json!(false));
                }
                object.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{shape}"),
        "components": document()["components"],
    });
    close(&mut schema["components"]["schemas"]);
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn check(shape: &str, value: &Value) {
    let problems: Vec<_> =
        strict(shape).iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{shape}: {problems:#?}\n{value:#}");
}

#[test]
fn references_lead_somewhere() {
    let document = document();
    let mut references = 0;
    each_object(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            references += 1;
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    });
    assert!(references > 50);
}

#[test]
fn examples_are_of_their_shapes() {
    let mut examples = 0;
    for (name, schema) in document()["components"]["schemas"].as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            examples += 1;
            check(name, example);
        }
    }
    assert!(examples > 1);
}

#[test]
fn a_member_that_is_missing_or_in_no_shape_is_found() {
    let good = json!({"type": "/problems/not-found", "title": "There is nothing here", "status": 404});
    check("Problem", &good);
    let refuses = |change: fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!strict("Problem").is_valid(&bad), "{bad}");
    };
    refuses(|bad| bad["more"] = json!(1));
    refuses(|bad| bad["status"] = json!("404"));
    refuses(|bad| bad["type"] = json!("/problems/other"));
    refuses(|bad| drop(bad.as_object_mut().unwrap().remove("title")));
}

#[tokio::test]
async fn every_path_is_there_and_no_other() {
    let (document, api) = (document(), api(0));
    let paths = document["paths"].as_object().unwrap();
    for scope in Scope::ALL {
        assert!(paths.contains_key(&format!("/metrics/{}", scope.name())), "{scope:?}");
    }
    let of_methods = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    });
    for (path, method, operation) in of_methods {
        let there = ["{webhook}", "{message}"].iter().fold(path.clone(), |path, id| path.replace(id, "x_1"));
        let there = there.replace("{name}", "not-found");
        let response = send_raw(&api, &method.to_uppercase(), &there, None).await;
        let answers = operation["responses"].as_object().unwrap();
        let status = response.status().as_u16().to_string();
        let public = operation["security"] == json!([]);
        assert!(status == if public { "200" } else { "401" }, "{method} {path}: {status}");
        assert!(answers.contains_key(&status), "{method} {path}: {status}");
        if public {
            let media = response.headers()["content-type"].to_str().unwrap().split(';').next().unwrap();
            assert!(answers["200"]["content"].as_object().unwrap().contains_key(media), "{path}: {media}");
        }
    }
}

#[test]
fn every_kind_of_problem_is_listed() {
    let listed = document()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].clone();
    let kinds: Vec<_> = KINDS.iter().map(|kind| json!(format!("/problems/{}", kind.name))).collect();
    assert_eq!(listed, json!(kinds));
}

#[tokio::test]
async fn problems_are_as_said_on_every_path() {
    let api = api(1);
    let expired = token(&json!({"organization_id": "acme", "exp": 1}));
    let nobody = token(&json!({"exp": 4_000_000_000_u64}));
    let mut requests = vec![
        ("GET", "/nowhere".to_owned(), None, 404),
        ("GET", "/problems/nothing".to_owned(), None, 404),
        ("POST", "/docs".to_owned(), None, 405),
    ];
    for path in Scope::ALL.map(Scope::name).into_iter().chain(["overview", "stream"]) {
        let path = format!("/metrics/{path}");
        requests.push(("DELETE", path.clone(), None, 405));
        requests.push(("GET", path.clone(), None, 401));
        requests.push(("GET", path.clone(), Some(expired.clone()), 401));
        requests.push(("GET", path, Some(nobody.clone()), 403));
    }
    for path in ["/settings/thresholds", "/settings/links"] {
        requests.push(("DELETE", path.to_owned(), None, 405));
        requests.push(("PUT", path.to_owned(), None, 401));
        requests.push(("PUT", path.to_owned(), Some(acme()), 403));
        // Each an organization of its own: one request is all that it may make.
        let reader = json!({"organization_id": path, "exp": 4_000_000_000_u64});
        requests.push(("GET", format!("{path}?from=x"), Some(token(&reader)), 400));
    }
    requests.push(("GET", "/metrics/trends?from=x".to_owned(), Some(acme()), 400));
    requests.push(("GET", "/metrics/trends".to_owned(), Some(acme()), 429));
    for (method, path, authorization, status) in requests {
        let response = send_raw(&api, method, &path, authorization.as_deref()).await;
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        check("Problem", &body);
        assert_eq!((&body["status"], &body["requestId"]), (&json!(status), &json!("of-the-test")), "{path}");
    }
    let more = [
        Problem::bad_request(),
        Problem::not_acceptable(Media::of(Scope::Failures)),
        Problem::too_many_exports(),
        Problem::too_many_streams(),
        Problem::too_many_requests(Duration::ZERO),
        Problem::too_many_changes(Duration::ZERO),
        Problem::changed_meanwhile(),
        Problem::too_long(),
        Problem::no_json(),
        Problem::read_only(),
        Document::read(b"{").unwrap_err().into(),
        Problem::webhooks_off(),
        Problem::conflict("delete one first"),
    ];
    for problem in more {
        check("Problem", &serde_json::from_slice(&problem.json(None)).unwrap());
    }
}

/// Answers without rows behind them; `tests/stories` holds those of a whole system against the contract.
#[test]
fn answers_are_as_said() {
    use crate::request::raw_range::{RawRange, Settings};
    let now = "2026-02-25T10:30:00Z".parse().unwrap();
    let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
    let known = |complete_through| Known {
        complete_through,
        exact_from: Some(now),
        comparison_exact_from: Some(now),
        records_from: complete_through,
        ..Known::default()
    };
    let shown = |value: &dyn Fn() -> Answer| serde_json::from_slice(&value().body).unwrap();
    let bad = domain::Counters {
        payments_total: 100,
        workflows_total: 100,
        workflows_failed: 90,
        ..Default::default()
    };
    let sums = || {
        let parts = crate::answer::summary::Parts::of(&range);
        let counters = vec![bad; parts.intervals().len()];
        crate::answer::summary::Sums { parts, counters, thresholds: Default::default() }
    };
    let summary = |profile, through| {
        Answer::of(&crate::answer::summary::Summary::new(
            "acme",
            range,
            known(through),
            (profile, sums()),
            now,
        ))
    };
    check("Summary", &shown(&|| summary(None, None)));
    let plan = crate::answer::summary::Plan { id: "p".into(), name: "pro".into() };
    let profile = || crate::answer::summary::Profile { name: Some("A".into()), plan: Some(plan.clone()) };
    check("Summary", &shown(&|| summary(Some(profile()), Some(now))));
    let rows = Default::default();
    let trends =
        || Answer::of(&crate::answer::trends::Trends::new("acme", range, known(Some(now)), &rows, now));
    check("Trends", &shown(&trends));
    let listing = crate::request::listing::Listing::from_pairs(&[]).unwrap();
    let health = || {
        let rows = crate::answer::workflow_health::Rows::default();
        let health = crate::answer::workflow_health::WorkflowHealth::new(
            "acme",
            range,
            Known::default(),
            rows,
            &listing,
            now,
        );
        Answer::of(&health)
    };
    check("WorkflowHealth", &shown(&health));
    check("DeliveryHealth", &delivery_health(range, now));
    check("Refusals", &refusals(range, now));
    check("WorkflowTrends", &workflow_trends(range, now));
    check("Failures", &failures(range, now));
    check("FailureGroups", &failure_groups(range, now));
    let window = crate::answer::insights::Window::of(&range);
    let rows = crate::answer::insights::Rows::default();
    let insights = || {
        Answer::of(&crate::answer::insights::Insights::new("acme", range, known(None), &window, &rows, now))
    };
    check("Insights", &shown(&insights));
}

#[test]
fn thresholds_are_as_said_and_what_the_contract_lets_clients_send_is_taken() {
    let (document, own) = (document(), "/components/schemas/OwnThresholds");
    for example in document.pointer(own).unwrap()["examples"].as_array().unwrap() {
        check_setting::<Thresholds>("Thresholds", example);
    }
    let alerts = document.pointer(&format!("{own}/properties/thresholds/properties")).unwrap();
    let listed: std::collections::BTreeSet<_> =
        alerts.as_object().unwrap().keys().map(String::as_str).collect();
    let rules = crate::answer::registry::KPIS.iter().flat_map(|kpi| kpi.rules).map(|rule| rule.key);
    assert_eq!(listed, rules.collect());
}

#[test]
fn links_are_as_said_and_what_the_contract_lets_clients_send_is_taken() {
    let document = document();
    let own = document.pointer("/components/schemas/OwnLinks").unwrap();
    for example in own["examples"].as_array().unwrap() {
        check_setting::<Links>("Links", example);
    }
    let described = own["properties"]["run"]["description"].as_str().unwrap();
    assert!(
        links::PLACEHOLDERS.iter().all(|name| described.contains(&format!("`{{{name}}}`"))),
        "{described}"
    );
}

/// The setting where it was never set, and once it is set to the example.
fn check_setting<S: Setting>(schema: &str, example: &Value) {
    let document = S::read(example.to_string().as_bytes()).map_err(|bad| bad.detail).unwrap();
    let set = S::default().set_to(&document, Utc::now(), Some("ann"));
    for setting in [S::default(), set] {
        check(schema, &json!(setting.shown("acme")));
    }
}

fn workflow_trends(range: Range, now: DateTime<Utc>) -> Value {
    use crate::answer::workflow_trends::{Rows, WorkflowTrends};
    let runs = vec![Default::default(); range.cells().len()];
    let rows = Rows { name: None, series: runs.clone(), previous: runs };
    let known = Known { exact_from: Some(now), percentiles_from: Some(now), ..Known::default() };
    serde_json::to_value(WorkflowTrends::new("acme", "w1", range, known, &rows, now)).unwrap()
}

fn failures(range: Range, now: DateTime<Utc>) -> Value {
    use crate::answer::failures::{Failure, Failures};
    let failure = |n: u32| Failure {
        execution_id: format!("e{n}"),
        workflow_id: "w1".into(),
        workflow_name: "Welcome".into(),
        outcome: "FAILED".into(),
        error_message: "no".into(),
        execution_time_ms: 7,
        finished_at: now,
    };
    let failures = vec![failure(1), failure(2)];
    serde_json::to_value(Failures::new("acme", range, Known::default(), failures, 1, now)).unwrap()
}

fn failure_groups(range: Range, now: DateTime<Utc>) -> Value {
    use crate::answer::failure_groups::{Alike, FailureGroups, Rows};
    let alike = |message: &str| Alike {
        message: message.into(),
        outcome: "FAILED_SAFETY_LIMIT".into(),
        workflow_id: "w1".into(),
        workflow_name: "Welcome".into(),
        count: 1,
        first_seen: now,
        last_seen: now,
        execution_id: "e1".into(),
    };
    let rows = Rows { failed: 3, kept: vec![alike("order 7 is gone"), alike("")] };
    let page = crate::request::listing::groups::GroupsPage { cursor: None, limit: 1 };
    serde_json::to_value(FailureGroups::new("acme", range, Known::default(), rows, &page, now)).unwrap()
}

/// Every form, every list, and the parameter that names it.
#[test]
fn forms_are_as_said() {
    let document = document();
    for scope in Scope::ALL {
        let operation = &document["paths"][format!("/metrics/{}", scope.name())]["get"];
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        let offers: Vec<_> = Media::of(scope).iter().map(|media| media.name()).collect();
        assert_eq!(
            content.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
            offers.into_iter().collect(),
            "{scope:?}"
        );
        let parameters = operation["parameters"].as_array().unwrap().iter().map(|parameter| {
            document.pointer(parameter["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap()
        });
        let of_query = |parameter: &&Value| parameter["in"] == "query";
        let named: Vec<_> = parameters.filter(of_query).collect();
        let names: std::collections::BTreeSet<_> =
            named.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(names, scope.parameters().into_iter().collect(), "{scope:?}");
        let lists = named.iter().find(|parameter| parameter["name"] == "list");
        let lists = lists.map(|parameter| parameter["schema"]["enum"].clone());
        let expected: Vec<_> = List::of(scope).iter().map(|list| list.name()).collect();
        assert_eq!(lists, (expected.len() > 1).then(|| json!(expected)), "{scope:?}");
    }
}

fn delivery_health(range: Range, now: DateTime<Utc>) -> Value {
    use crate::answer::delivery_health::{Bucket, DeliveryHealth, Messages, Rows};
    let messages = Messages { sent: 3, delivered: 2 };
    let bucket = Bucket { all: messages, ..Bucket::default() };
    let rows = Rows { buckets: vec![bucket], channels: [("sms".to_owned(), messages)].into() };
    let known = Known { exact_from: Some(now), channels_from: Some(now), ..Known::default() };
    serde_json::to_value(DeliveryHealth::new("acme", range, known, rows, Some("sms"), now)).unwrap()
}

fn refusals(range: Range, now: DateTime<Utc>) -> Value {
    use crate::answer::refusals::{Example, Of, Refusals, Rows, Sum};
    let of = |guessed| Of { topic: "events".into(), reason: "missing_id".into(), guessed };
    let sum = |guessed| Sum { of: of(guessed), records: 2, first_at: now, last_at: now };
    let example = |guessed, key: &[u8], detail: Option<&str>| Example {
        of: of(guessed),
        partition: 4,
        offset: 4711,
        key: Some(key.to_vec()),
        detail: detail.map(str::to_owned),
        at: now,
    };
    let rows = Rows {
        buckets: vec![2; range.cells().len()],
        sums: vec![sum(false), sum(true)],
        examples: vec![example(false, b"acme", Some("event_id is empty")), example(true, b"\xff", None)],
    };
    serde_json::to_value(Refusals::new("acme", range, Known::default(), rows, now)).unwrap()
}

#[test]
fn webhooks_are_as_said_and_what_the_contract_lets_clients_send_is_taken() {
    use crate::webhooks::delivery::{Delivery, Page, State};
    use crate::webhooks::endpoint::{Asked, Endpoint, Rules, WithSecret};
    use crate::webhooks::message;
    let document = document();
    let asked = "/components/schemas/WebhookAsked";
    for example in document.pointer(asked).unwrap()["examples"].as_array().unwrap() {
        let read = Asked::from_body(example.to_string().as_bytes(), &Rules::default()).unwrap();
        assert!(read.new_url().is_ok());
    }
    let now = "2026-02-25T10:30:00Z".parse().unwrap();
    let endpoint = |since: Option<DateTime<Utc>>| Endpoint {
        id: "wh_1".into(),
        url: "https://hooks.example.com/".into(),
        description: String::new(),
        enabled: since.is_none(),
        disabled_at: since,
        disabled_reason: since.map(|_| "gone".into()),
        previous_secret_until: since,
        created_at: now,
        created_by: None,
    };
    check("Webhooks", &json!({ "webhooks": [endpoint(None), endpoint(Some(now))] }));
    let secret = crate::sending::random::secret();
    check("WebhookWithSecret", &json!(WithSecret::new(&endpoint(None), &secret)));
    let test = message::test("acme", "wh_1", now);
    let delivery = Delivery {
        id: "msg_1".into(),
        event_type: message::TEST.into(),
        state: State::Dead,
        created_at: now,
        attempts: 1,
        last_attempt_at: Some(now),
        last_status: Some(503),
        last_error: Some("no".into()),
        next_attempt_at: None,
        delivered_at: None,
        dead_at: Some(now),
        payload: serde_json::from_str(&test).unwrap(),
    };
    check("WebhookDeliveries", &json!(Page::from_pairs(&[]).unwrap().answer(vec![delivery])));
}

/// A message about an alert of real numbers, told by the rules of messages.
#[test]
fn messages_are_as_said() {
    use crate::answer::registry::KPIS;
    use crate::request::raw_range::{RawRange, Settings};
    use crate::webhooks::{message, told::advance};
    let now = "2026-02-25T10:30:00Z".parse().unwrap();
    let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
    let failing = domain::Counters { payments_total: 100, ..Default::default() };
    let (thresholds, settle) = (Thresholds::default(), chrono::TimeDelta::zero());
    let alerts: Vec<_> =
        KPIS.iter().flat_map(|kpi| kpi.alerts(&failing, &thresholds).collect::<Vec<_>>()).collect();
    let (told, opened) = advance(Vec::new(), &alerts, now, settle);
    let (_, ended) = advance(told, &[], now, settle);
    assert_eq!((opened.len(), ended.len()), (1, 1));
    for (event, page) in opened
        .iter()
        .map(|event| (event, None))
        .chain(ended.iter().map(|event| (event, Some("https://m.example/overview"))))
    {
        let body: Value = serde_json::from_str(&message::told("acme", event, range, page, now)).unwrap();
        check("WebhookMessage", &body);
        assert!(document()["webhooks"].as_object().unwrap().contains_key(body["type"].as_str().unwrap()));
    }
}

#[test]
fn people_can_read_all_of_it() {
    let (document, page) = (document(), html::contract(&document()));
    for part in ["paths", "webhooks", "components/schemas", "components/schemas/Summary/properties"] {
        let members = document.pointer(&format!("/{part}")).unwrap().as_object().unwrap();
        for name in members.keys() {
            assert!(page.contains(name.as_str()), "{part}: {name}");
        }
    }
    // It has to work under the policy that it is sent with.
    for forbidden in ["<script", "style=", "<style", "http://", "https://", " on"] {
        let tags = page.split('<').filter_map(|tag| tag.split('>').next());
        assert!(tags.into_iter().all(|tag| !format!("<{tag}").contains(forbidden)), "{forbidden}");
    }
}
