//! The Helm chart: its values are what its schema allows, its variables are settings, and what it takes from elsewhere is the same.

use super::{Known, Whose, deployed, variables, yaml};
use crate::{none, source};
use machine::workspace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const CHART: &str = "helm/business-metrics";

/// Variables of this template are psql's.
const ROLES: &str = "roles.yaml";

#[test]
fn values_are_what_the_schema_allows() {
    let schema = schema();
    let values = yaml(&format!("{CHART}/values.yaml"));
    none(complaints(&schema, &values));
    let of_checks = files("ci");
    assert!(!of_checks.is_empty());
    for path in of_checks {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        none(complaints(&schema, &merged(&values, &yaml(&format!("{CHART}/ci/{name}")))));
    }
    let wrong = |change: Value| !complaints(&schema, &merged(&values, &change)).is_empty();
    assert!(wrong(json!({"consumer": {"memebrs": 2}})), "an unknown value");
    assert!(wrong(json!({"consumer": {"terminationGracePeriodSeconds": 20}})), "no time to stop");
    assert!(wrong(json!({"kafka": {"config": {"SASL_PASSWORD": "x"}}})), "a secret");
    assert!(wrong(json!({"redis": {"url": "redis://u:p@h:6379"}})), "another secret");
    assert!(wrong(json!({"consumer": {"settings": {"KAFKA_BROKERS": "x"}}})), "what the chart sets");
    assert!(wrong(json!({"queryApi": {"settings": {"MAX_RANGE_DAYS": 93}}})), "a number for a text");
    assert!(wrong(json!({"queryApi": {"settings": {"JWT_HS256_SECRET": "x"}}})), "a third secret");
}

#[test]
fn documented_values_are_what_the_schema_allows() {
    let page = source::read("docs/deploying.md");
    // The values, and what is appended to them.
    let written: Vec<&str> = page
        .split(" business-metrics.yaml <<'END'\n")
        .skip(1)
        .filter_map(|rest| rest.split("\nEND\n").next())
        .collect();
    assert!(written.len() > 1, "values in docs/deploying.md");
    let written: Value = serde_saphyr::from_str(&written.join("\n")).expect("YAML");
    none(complaints(&schema(), &merged(&yaml(&format!("{CHART}/values.yaml")), &written)));
}

#[test]
fn variables_of_the_chart_are_settings() {
    let known = Known::read();
    let templates = files("templates");
    assert!(templates.len() > 10, "{templates:?}");
    for path in templates.iter().filter(|path| !path.ends_with(ROLES)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let whose = if name.starts_with("query-api") {
            Whose::QueryApi
        } else if name.starts_with('_') {
            Whose::Either
        } else {
            Whose::Consumer
        };
        let text = std::fs::read_to_string(path).expect("a template");
        none(known.complaints(whose, &name, variables(&text)));
    }
    for path in files("ci") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let values = yaml(&format!("{CHART}/ci/{name}"));
        for (part, whose) in [("consumer", Whose::Consumer), ("queryApi", Whose::QueryApi)] {
            none(known.complaints(whose, &name, names(&values[part]["settings"])));
            let secrets = names(&values[part]["secretSettings"]).into_iter();
            none(known.complaints(whose, &name, secrets.map(|name| format!("{name}_FILE"))));
        }
    }
}

#[test]
fn what_the_chart_takes_from_elsewhere_is_the_same() {
    for (file, from) in [
        ("roles.sql", "roles.sql"),
        ("passwords.sql", "passwords.sql"),
        ("rules.yaml", "prometheus/rules.yaml"),
    ] {
        assert_eq!(deployed(&format!("{CHART}/files/{file}")), deployed(from), "{file}");
    }
    let dashboards = files("files/dashboards");
    assert!(dashboards.iter().any(|path| path.extension().is_some_and(|ending| ending == "json")));
    let workspace = source::read("Cargo.toml");
    let version =
        workspace.split_once("[workspace.package]\nversion = \"").and_then(|(_, rest)| rest.split_once('"'));
    let version = version.expect("the workspace's version").0;
    assert_eq!(yaml(&format!("{CHART}/Chart.yaml"))["appVersion"], version);
}

fn schema() -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(&deployed(&format!("{CHART}/values.schema.json"))).expect("JSON");
    jsonschema::draft7::new(&schema).expect("a schema")
}

fn complaints(schema: &jsonschema::Validator, values: &Value) -> Vec<String> {
    schema.iter_errors(values).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Values over others, as Helm puts them together.
fn merged(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            let mut both = under.clone();
            for (name, value) in over {
                let value = under.get(name).map_or_else(|| value.clone(), |under| merged(under, value));
                both.insert(name.clone(), value);
            }
            Value::Object(both)
        }
        _ => over.clone(),
    }
}

fn names(object: &Value) -> Vec<String> {
    object.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
}

/// The files in a folder of the chart, and below it.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&workspace::root().join("deploy").join(CHART).join(folder), &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}
