//! The files that are shipped: rules with their tests and pages, and dashboards. Needs no server.

use super::runbooks::page;
use super::{Shown, TABLE, rules};
use crate::documented::lacks;
use machine::environment::Environment;
use machine::prometheus::{MISSING, Programs};
use machine::{say, workspace};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// The dashboards.
const DASHBOARDS: [&str; 2] = ["counting.json", "answering.json"];

/// Which series a dashboard asks for is up to whoever looks at it.
const CHOSEN: &str = "job=~\"$job\", instance=~\"$instance\"";

/// A query of a dashboard.
pub struct Panel {
    /// The dashboard, and the panel's title.
    pub title: String,
    /// The query, with the dashboard's variables.
    pub expression: String,
}

/// An alert as the rules have it.
struct Rule {
    name: String,
    severity: String,
    page: String,
}

/// The alerts of the rules, which have each field on a line of its own.
fn alerts() -> Vec<Rule> {
    let rules = rules();
    let value = |rule: &str, field: &str| {
        let found = rule.lines().find_map(|line| line.trim().strip_prefix(field));
        found.unwrap_or_else(|| panic!("no {field} in {rule}")).trim().to_owned()
    };
    let alerts = rules.split("- alert: ").skip(1);
    let rule = |rule: &str| Rule {
        name: rule.lines().next().expect("a name").to_owned(),
        severity: value(rule, "severity: "),
        page: value(rule, "runbook_url: "),
    };
    alerts.map(rule).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_alert_is_in_the_table_and_every_story_of_the_table_is_told() {
    let alerts: BTreeSet<String> = alerts().into_iter().map(|rule| rule.name).collect();
    let table: BTreeSet<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(alerts, table, "the rules, and TABLE in tests/stories/alerts/mod.rs");
    let told =
        [include_str!("producers.rs"), include_str!("members.rs"), include_str!("answers.rs")].concat();
    for (alert, shown) in TABLE {
        match shown {
            Shown::By(story) => assert!(told.contains(&format!("async fn {story}()")), "{alert}: {story}"),
            Shown::ByPromtool(why) => assert!(!why.is_empty(), "{alert}: say why no story can"),
        }
    }
}

#[test]
fn every_alert_has_a_page_a_line_among_the_pages_and_a_test_that_fires_and_one_that_does_not() {
    let (tests, list) = (read("deploy/prometheus/tests.yaml"), read("docs/runbooks/README.md"));
    for Rule { name, severity, page: named } in alerts() {
        assert_eq!(named, page(&name), "{name}: its page is named after it");
        let text = read(&named);
        assert!(text.starts_with(&format!("# {name}\n")), "{named}: the alert's name is its heading");
        for part in ["## What users see", "## Find out", "## Mend", "## It is over when"] {
            assert!(text.contains(part), "{named}: {part}");
        }
        let file = named.rsplit('/').next().expect("a file");
        let line = format!("| [{name}]({file}) | {severity} |");
        assert!(list.contains(&line), "docs/runbooks/README.md: {line}");
        for case in ["fires", "is silent"] {
            assert!(tests.contains(&format!("  - name: {name} {case}\n")), "tests.yaml: {name} {case}");
        }
    }
}

#[test]
fn every_time_of_the_rules_is_one_that_the_stories_make_shorter() {
    let faster = stack::faster(&rules());
    for (shipped, faster) in rules().lines().zip(faster.lines()) {
        let has_time =
            shipped.trim().starts_with("for: ") || shipped.contains("m]") || shipped.contains("offset ");
        assert!(!has_time || shipped != faster, "a time in other words than minutes: {shipped}");
        assert!(!shipped.contains("h]") && !shipped.contains("s]"), "write minutes: {shipped}");
    }
}

#[test]
fn promtool_accepts_the_rules_their_tests_and_the_configuration() {
    let Some(programs) = Programs::find(&Environment::read()) else {
        return say::line(format_args!("skipped: {MISSING}"));
    };
    for args in [
        ["check", "rules", "rules.yaml"],
        ["check", "config", "prometheus.yaml"],
        ["test", "rules", "tests.yaml"],
    ] {
        let mut promtool = Command::new(&programs.promtool);
        let ended = promtool.args(args).current_dir(workspace::root().join("deploy/prometheus")).output();
        let ended = ended.expect("promtool runs");
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(ended.status.success(), "promtool {}: {}", args.join(" "), said.concat());
    }
}

fn dashboard_path(name: &str) -> PathBuf {
    workspace::root().join("deploy/grafana").join(name)
}

/// The dashboards' panels, each with its dashboard's title.
fn panels_of_dashboards() -> Vec<(String, Value)> {
    let panels = |name: &str| {
        let text = std::fs::read_to_string(dashboard_path(name)).expect("a dashboard");
        let dashboard: Value = serde_json::from_str(&text).expect("JSON");
        let title = dashboard["title"].as_str().expect("a title").to_owned();
        let panels = dashboard["panels"].as_array().expect("panels").clone();
        panels.into_iter().map(move |panel| (title.clone(), panel)).collect::<Vec<_>>()
    };
    let all = DASHBOARDS.iter().flat_map(|name| panels(name));
    all.filter(|(_, panel)| panel["type"] != "row").collect()
}

/// Every query of the dashboards.
pub fn panels() -> Vec<Panel> {
    let queries = |(dashboard, panel): (String, Value)| {
        let title = format!("{dashboard}: {}", panel["title"].as_str().expect("a title"));
        let targets = panel["targets"].as_array().expect("queries").clone();
        let expression = |target: Value| target["expr"].as_str().expect("a query").to_owned();
        let panel = move |target| Panel { title: title.clone(), expression: expression(target) };
        targets.into_iter().map(panel).collect::<Vec<_>>()
    };
    panels_of_dashboards().into_iter().flat_map(queries).collect()
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_every_query_can_be_narrowed() {
    for (dashboard, panel) in panels_of_dashboards() {
        let title = panel["title"].as_str().unwrap_or_default();
        let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(has(&panel["title"]) && has(&panel["description"]), "{dashboard}: {panel:#}");
        assert!(has(&panel["fieldConfig"]["defaults"]["unit"]), "{dashboard}, {title}: no unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{dashboard}, {title}");
        let links = panel["links"].as_array().into_iter().flatten();
        for link in links.filter_map(|link| link["url"].as_str()) {
            let page = link.strip_prefix("${runbooks:raw}/").unwrap_or_else(|| panic!("{title}: {link}"));
            assert!(workspace::root().join("docs/runbooks").join(page).is_file(), "{title}: {link}");
        }
    }
    for Panel { title, expression } in panels() {
        let selectors = expression.matches('{').count();
        assert!(selectors > 0, "{title}: {expression}");
        assert_eq!(expression.matches(CHOSEN).count(), selectors, "{title}: {expression}");
    }
}

#[test]
fn the_linter_of_dashboards_has_no_complaint() {
    if lacks(
        "linting the dashboards (go install github.com/grafana/dashboard-linter@latest)",
        "dashboard-linter",
    ) {
        return;
    }
    for name in DASHBOARDS {
        let linter =
            Command::new("dashboard-linter").args(["lint", "--strict"]).arg(dashboard_path(name)).output();
        let ended = linter.expect("the linter runs");
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(ended.status.success(), "{name}: {}", said.concat());
    }
}
