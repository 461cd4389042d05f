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

#[test]
fn what_breaks_a_client_is_found() {
    let check = |what: &str, change: fn(&mut Value), lost: &str| {
        let mut contract = contract();
        change(&mut contract);
        let present = promises_of(&contract);
        assert!(broken(WRITTEN, &present).contains(&lost), "{what}: {:#?}", broken(WRITTEN, &present));
    };
    let summary = "GET /metrics/summary";
    check(
        "a path is gone",
        |contract| drop(contract["paths"].as_object_mut().unwrap().remove("/metrics/summary")),
        summary,
    );
    check(
        "a member is renamed",
        |contract| {
            let members = contract["components"]["schemas"]["Kpi"]["properties"].as_object_mut().unwrap();
            let value = members.remove("value").unwrap();
            members.insert("amount".into(), value);
        },
        "Kpi.value: number",
    );
    check(
        "a member may be missing",
        |contract| contract["components"]["schemas"]["Plan"]["required"] = json!(["id"]),
        "Plan.name is always there",
    );
    check(
        "a member has another type",
        |contract| contract["components"]["schemas"]["Plan"]["properties"]["id"]["type"] = json!("integer"),
        "Plan.id: string",
    );
    check(
        "a list of values grows that was said to be whole",
        |contract| {
            contract["components"]["schemas"]["Kpi"]["properties"]["trend"]["enum"] =
                json!(["up", "down", "sideways"])
        },
        r#"Kpi.trend: "down" or "flat" or "new" or "up""#,
    );
    check(
        "a parameter is gone",
        |contract| {
            drop(contract["paths"]["/metrics/trends"]["get"]["parameters"].as_array_mut().unwrap().remove(0))
        },
        "GET /metrics/trends query from: string (date-time)",
    );
    check(
        "a value of a parameter is gone",
        |contract| contract["components"]["parameters"]["compare"]["schema"]["enum"] = json!(["none"]),
        r#"GET /metrics/summary query compare may be "previous_week""#,
    );
    check(
        "a new parameter is needed",
        |contract| {
            let parameter =
                json!({"name": "unit", "in": "query", "required": true, "schema": {"type": "string"}});
            contract["paths"]["/metrics/summary"]["get"]["parameters"]
                .as_array_mut()
                .unwrap()
                .push(parameter);
        },
        "GET /metrics/summary needs nothing",
    );
    check(
        "a header is gone",
        |contract| {
            drop(
                contract["paths"]["/metrics/summary"]["get"]["responses"]["200"]["headers"]
                    .as_object_mut()
                    .unwrap()
                    .remove("ETag"),
            )
        },
        "GET /metrics/summary 200 header ETag",
    );
}

#[test]
fn what_breaks_no_client_is_allowed() {
    let check = |what: &str, change: fn(&mut Value)| {
        let mut contract = contract();
        change(&mut contract);
        let present = promises_of(&contract);
        assert_eq!(broken(WRITTEN, &present), Vec::<&str>::new(), "{what}");
        assert_eq!(added(&present).len(), 1, "{what}: {:?}", added(&present));
    };
    check("a member is added", |contract| {
        contract["components"]["schemas"]["Plan"]["properties"]["since"] = json!({"type": "string"});
    });
    check("an optional parameter is added", |contract| {
        let parameter = json!({"name": "unit", "in": "query", "schema": {"type": "string"}});
        contract["paths"]["/metrics/summary"]["get"]["parameters"].as_array_mut().unwrap().push(parameter);
    });
    check("a parameter takes one more value", |contract| {
        let values = contract["components"]["parameters"]["sort"]["schema"]["enum"].as_array_mut();
        values.unwrap().push(json!("age"));
    });
    check("a list grows that was said to grow", |contract| {
        let kind = &mut contract["components"]["schemas"]["Problem"]["properties"]["type"];
        assert!(kind["description"].as_str().unwrap().contains(MORE));
        kind["enum"].as_array_mut().unwrap().push(json!("/problems/teapot"));
    });
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
