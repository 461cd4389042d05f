//! `compose.yaml`: what services name is there, ours have no rights, and no secret is a variable.

use super::{Known, Whose, deployed, variables, yaml};
use crate::none;
use machine::workspace;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The services that run our binaries.
const OURS: [(&str, Whose); 4] = [
    ("migrate", Whose::Consumer),
    ("consumer", Whose::Consumer),
    ("eraser", Whose::Consumer),
    ("query-api", Whose::QueryApi),
];

/// What a plain `up` starts: enough to count and to ask.
const PLAIN: [&str; 9] =
    ["consumer", "kafka", "migrate", "postgres", "query-api", "redis", "roles", "roles-of-tables", "topics"];

#[test]
fn what_services_name_is_there() {
    let compose = yaml("compose.yaml");
    none(dangling(&compose));
    none(missing_files(&compose));
    let plain: Vec<&str> = services(&compose)
        .filter(|(_, service)| service["profiles"].is_null())
        .map(|(name, _)| name.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(plain, PLAIN);
}

#[test]
fn our_services_have_no_rights_and_known_settings_and_no_secrets_in_variables() {
    let (compose, known) = (yaml("compose.yaml"), Known::read());
    for (name, whose) in OURS {
        let service = &compose["services"][name];
        none(rights(name, service));
        none(exposed(name, service));
        let names = environment(service).into_iter().map(|(name, _)| name);
        none(known.complaints(whose, &format!("compose.yaml, {name}"), names));
    }
}

#[test]
fn variables_that_are_replaced_are_in_the_files_that_say_so() {
    let replaced = replaced(&deployed("compose.yaml"));
    let files = format!("{}\n{}", deployed(".env.example"), deployed("images.env"));
    let offered: BTreeSet<String> = super::assignments(&files).into_iter().map(|(name, _)| name).collect();
    let undocumented = replaced.difference(&offered).map(|name| format!("{name} is in no example"));
    // What only the chart, or only a build, takes.
    let elsewhere = |name: &&String| name.as_str() != "BUSYBOX_IMAGE";
    let unused = offered.difference(&replaced).filter(elsewhere);
    none(undocumented.chain(unused.map(|name| format!("{name} is not in compose.yaml"))).collect());
}

#[test]
fn mistakes_are_found() {
    let right = json!({
        "services": {
            "a": {"depends_on": {"b": {}}, "secrets": ["s"], "volumes": ["v:/data", "./compose.yaml:/x:ro"]},
            "b": {},
        },
        "secrets": {"s": {}}, "volumes": {"v": null},
    });
    assert_eq!(dangling(&right), Vec::<String>::new());
    let check = |path: &str, value: Value, expected: &str| {
        let mut wrong = right.clone();
        *wrong.pointer_mut(path).expect("a place") = value;
        let found = dangling(&wrong);
        assert!(found.iter().any(|complaint| complaint.contains(expected)), "{found:?}");
    };
    check("/services/a/depends_on", json!({"c": {}}), "a depends on c");
    check("/services/a/secrets", json!(["t"]), "a has no secret t");
    check("/services/a/volumes", json!(["w:/data"]), "a has no volume w");
    check("/services/a/volumes", json!(["./nowhere:/data"]), "no ./nowhere");
    let restricted =
        json!({"read_only": true, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]});
    assert_eq!(rights("a", &restricted), Vec::<String>::new());
    assert_eq!(rights("a", &json!({})).len(), 3);
    let url = |url: &str| exposed("a", &json!({"environment": {"DATABASE_URL": url}})).len();
    assert_eq!((url("postgres://u@h:5432/d"), url("postgres://u:secret@h:5432/d")), (0, 1));
    assert_eq!(exposed("a", &json!({"environment": {"JWT_HS256_SECRET": "x"}})).len(), 1);
}

fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().expect("services").iter()
}

/// Names of services, secrets and volumes that there are none of.
fn dangling(compose: &Value) -> Vec<String> {
    let is_there = |what: &str, name: &str| compose[what].get(name).is_some();
    let mut complaints = Vec::new();
    for (name, service) in services(compose) {
        let depends = service["depends_on"].as_object().into_iter().flat_map(|all| all.keys());
        let gone = depends.filter(|other| !is_there("services", other));
        complaints.extend(gone.map(|other| format!("{name} depends on {other}, which is no service")));
        let gone = texts(&service["secrets"]).filter(|secret| !is_there("secrets", secret));
        complaints.extend(gone.map(|secret| format!("{name} has no secret {secret}")));
        for volume in texts(&service["volumes"]) {
            let from = volume.split(':').next().unwrap_or_default();
            match from.strip_prefix("./") {
                None if !is_there("volumes", from) => complaints.push(format!("{name} has no volume {from}")),
                Some(path) if !workspace::root().join("deploy").join(path).exists() => {
                    complaints.push(format!("{name}: there is no ./{path}"));
                }
                None | Some(_) => {}
            }
        }
    }
    complaints
}

/// Secrets that `secrets.sh` doesn't make.
fn missing_files(compose: &Value) -> Vec<String> {
    let made = deployed("secrets.sh");
    let secrets = compose["secrets"].as_object().expect("secrets").iter();
    let is_made = |name: &str, file: &str| {
        file == format!("./secrets/{name}")
            && made.split_whitespace().any(|word| word.trim_end_matches(';') == name)
    };
    let missing =
        secrets.filter(|(name, secret)| !is_made(name, secret["file"].as_str().unwrap_or_default()));
    missing.map(|(name, secret)| format!("secrets.sh doesn't make {name}: {secret}")).collect()
}

/// Rights that a container of ours keeps.
fn rights(name: &str, service: &Value) -> Vec<String> {
    let given_up = [
        ("read_only: true", service["read_only"] == true),
        ("cap_drop: [ALL]", service["cap_drop"] == json!(["ALL"])),
        (
            "no-new-privileges",
            texts(&service["security_opt"]).any(|option| option == "no-new-privileges:true"),
        ),
    ];
    given_up.into_iter().filter(|(_, is)| !is).map(|(what, _)| format!("{name} lacks {what}")).collect()
}

/// Secrets that are variables.
fn exposed(name: &str, service: &Value) -> Vec<String> {
    let is_secret = |(variable, value): &(String, String)| {
        let has_password = value.split("://").nth(1).and_then(|rest| rest.split_once('@'));
        has_password.is_some_and(|(user, _)| user.contains(':'))
            || ["_PASSWORD", "_SECRET", "_HEADERS"].iter().any(|ending| variable.ends_with(ending))
    };
    let found = environment(service).into_iter().filter(is_secret);
    found.map(|(variable, _)| format!("{name}: {variable} shows a secret; use {variable}_FILE")).collect()
}

fn environment(service: &Value) -> Vec<(String, String)> {
    let all = service["environment"].as_object().into_iter().flatten();
    all.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The variables in `${NAME:-default}`. A `$$` is a dollar sign.
fn replaced(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let places = lines.flat_map(|line| line.split("${").skip(1));
    places.filter_map(|place| place.split(['}', ':', '-']).next()).flat_map(variables).collect()
}
