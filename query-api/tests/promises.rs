//! The contract keeps what `v1` has published, and what it has added is published, too.

#[path = "../examples/promises.rs"]
#[allow(dead_code, missing_docs)] // its `main` writes what is compared here
mod promises;

use promises::{CONTRACT, HINT, MORE, broken, promises as promises_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const WRITTEN: &str = include_str!("../src/routes/contract/v1.txt");

fn contract() -> Value {
    serde_json::from_str(CONTRACT).expect("a contract")
}

/// The promises that a contract makes beside those that are written down.
fn added(present: &BTreeSet<String>) -> Vec<&String> {
    let written: BTreeSet<&str> = WRITTEN.lines().collect();
    present.iter().filter(|line| !written.contains(line.as_str())).collect()
}

#[test]
fn what_v1_has_published_is_still_there() {
    let present = promises_of(&contract());
    let broken = broken(WRITTEN, &present);
    assert!(
        broken.is_empty(),
        "v1 has promised this to its clients (docs/api.md says what may change): {broken:#?}"
    );
    let added = added(&present);
    assert!(added.is_empty(), "{HINT}: {added:#?}");
}

/// The contract, with another value at a pointer, or without what is there.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut contract = contract();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = contract.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    let name = name.replace("~1", "/");
    match value {
        Some(value) => drop(parent.insert(name, value)),
        None => assert!(parent.remove(&name).is_some(), "{pointer}"),
    }
    contract
}

#[test]
fn what_breaks_a_client_is_found() {
    let check = |pointer: &str, value: Option<Value>, lost: &str| {
        let present = promises_of(&changed(pointer, value));
        let broken = broken(WRITTEN, &present);
        assert!(broken.contains(&lost), "{pointer}: {broken:#?}");
    };
    let summary = "/paths/~1metrics~1summary";
    check(summary, None, "GET /metrics/summary");
    let header = "/get/responses/200/headers/ETag";
    check(&format!("{summary}{header}"), None, "GET /metrics/summary 200 header ETag");
    let from = "GET /metrics/summary query from: string (date-time)";
    check(&format!("{summary}/get/parameters"), Some(json!([])), from);
    // Of a parameter: that it may be left out, and one of its values.
    check("/components/parameters/from/required", Some(json!(true)), "GET /metrics/summary needs nothing");
    let week = r#"GET /metrics/summary query compare may be "previous_week""#;
    check("/components/parameters/compare/schema/enum", Some(json!(["none"])), week);
    // Of a member: it, that it is always there, its type, and that there are no more values.
    check("/components/schemas/Kpi/properties/value", None, "Kpi.value: number");
    check("/components/schemas/Plan/required", Some(json!(["id"])), "Plan.name is always there");
    check("/components/schemas/Plan/properties/id/type", Some(json!("integer")), "Plan.id: string");
    let more = json!(["down", "flat", "new", "sideways", "up"]);
    let whole = r#"Kpi.trend: "down" or "flat" or "new" or "up""#;
    check("/components/schemas/Kpi/properties/trend/enum", Some(more), whole);
}

#[test]
fn what_breaks_no_client_is_allowed() {
    let check = |pointer: &str, value: Value, promises: &[&str]| {
        let present = promises_of(&changed(pointer, Some(value)));
        assert_eq!(broken(WRITTEN, &present), Vec::<&str>::new(), "{pointer}");
        assert_eq!(added(&present), promises, "{pointer}");
    };
    check("/components/schemas/Plan/properties/since", json!({"type": "string"}), &["Plan.since: string"]);
    let contract = contract();
    // One more value of a parameter, and of a list that was said to grow.
    let grown = |pointer: &str, value: &str| {
        let mut values = contract.pointer(pointer).expect("values").clone();
        values.as_array_mut().unwrap().push(json!(value));
        values
    };
    let sort = "/components/parameters/sort/schema/enum";
    let sorted =
        ["overview", "workflow-health"].map(|path| format!(r#"GET /metrics/{path} query sort may be "age""#));
    check(sort, grown(sort, "age"), &sorted.each_ref().map(String::as_str));
    let problems = "/components/schemas/Problem/properties/type";
    assert!(contract.pointer(problems).unwrap()["description"].as_str().unwrap().contains(MORE));
    let kinds = format!("{problems}/enum");
    check(&kinds, grown(&kinds, "/problems/teapot"), &[r#"Problem.type may be "/problems/teapot""#]);
    let parameters = "/paths/~1metrics~1summary/get/parameters";
    let mut more = contract.pointer(parameters).unwrap().clone();
    let unit = json!({"name": "unit", "in": "query", "schema": {"type": "string"}});
    more.as_array_mut().unwrap().push(unit);
    check(parameters, more, &["GET /metrics/summary query unit: string"]);
}

#[test]
fn what_clients_send_may_not_need_more() {
    let of = |required: Value| {
        promises_of(&json!({
            "paths": {"/settings": {"put": {"requestBody": {"$ref": "#/components/requestBodies/Settings"}, "responses": {}}}},
            "components": {
                "requestBodies": {"Settings": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Settings"}}}}},
                "schemas": {"Settings": {"required": required, "properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y"]}}}},
            },
        }))
    };
    let lines = of(json!(["a"])).into_iter().collect::<Vec<_>>().join("\n");
    let expected = "PUT /settings\nPUT /settings body application/json: Settings\nPUT /settings needs a body\n\
                    Settings needs a\nSettings.a is always there\nSettings.a: string\nSettings.b may be \"x\"\n\
                    Settings.b may be \"y\"\nSettings.b: \"x\" or \"y\"";
    assert_eq!(lines, expected);
    assert_eq!(broken(&lines, &of(json!(["a", "b"]))), ["Settings needs a"]);
}
