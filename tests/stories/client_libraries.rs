//! The clients in `clients/`: made of this contract, they ask a real API.

use crate::documented::lacks;
use crate::telling::{counted, orders, text, yesterday};
use chrono::Duration;
use machine::workspace;
use tests::{Ended, Launch, Stack, Token};

/// Asks everything, and prints what it was answered.
const ASK: &str = r#"
import os
from business_metrics_client import Client, Problem

client = Client(os.environ["API"], lambda: os.environ["TOKEN"])
day = {"from_": os.environ["FROM"], "to": os.environ["TO"]}
summary = client.summary(**day)
print("orders", summary.body["kpis"][0]["value"], summary.unchanged, summary.age_seconds)
again = client.summary(**day, known=summary)
print("again", again.body["kpis"] == summary.body["kpis"], again.unchanged, again.etag == summary.etag)
print("trends", sum(point["orders_created"] for point in client.trends(**day, granularity="hour").body["series"]))
print("workflows", client.workflow_health(**day, sort="runs", limit=5).body["totals"]["total"])
print("deliveries", client.delivery_health(**day).body["totals"]["sent"])
print("insights", client.insights(**day).body["insights"])
print("left", summary.left is not None and 0 < summary.left.requests < 200)
try:
    client.trends(timezone="Mars/Olympus")
except Problem as problem:
    print("problem", problem.status, problem.details["parameter"], problem.passes)
print("version", next(client.versions()).isdigit())
"#;

const ANSWERED: &str = "orders 3 False 0\nagain True True True\ntrends 3\nworkflows 0\ndeliveries 0\ninsights []\n\
                        left True\nproblem 400 timezone False\nversion True\n";

/// A script in the story's folder, with Python's client.
fn python<'a>(stack: &'a Stack, script: &str) -> Launch<'a> {
    let folder = workspace::root().join("clients/python");
    let folder = folder.to_str().expect("a checkout's path is text");
    let launch = stack.api().set("CLIENT", folder).set("PYTHONPATH", format!("{folder}/src"));
    launch.set("PYTHONDONTWRITEBYTECODE", "1").shell(script)
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.output, ended.errors);
}

#[tokio::test]
async fn the_client_of_python_asks_everything_of_a_real_api() {
    if lacks("the client of Python", "python3") {
        return;
    }
    let stack = counted(orders("acme", 3)).await;
    let api = stack.api().serve().await;
    let (from, to) = (yesterday() - Duration::hours(1), yesterday() + Duration::hours(1));
    let asking = python(&stack, "python3 -c \"$ASK\"").set("ASK", ASK);
    let asking = asking.set("FROM", text(from)).set("TO", text(to)).set("TOKEN", Token::of("acme").sign());
    let asked = asking.set("API", format!("http://{}", api.address())).run().await;
    succeeded(&asked);
    assert_eq!(asked.output, ANSWERED, "{}", asked.errors);
}

#[tokio::test]
async fn the_client_of_python_is_made_of_this_contract_and_keeps_its_promises() {
    if lacks("the client of Python", "python3") {
        return;
    }
    let stack = Stack::start().await;
    succeeded(&python(&stack, "python3 \"$CLIENT/generate.py\" --check").run().await);
    succeeded(
        &python(&stack, "python3 -m unittest discover --start-directory \"$CLIENT/tests\"").run().await,
    );
    if lacks("the types of Python's client", "mypy") {
        return;
    }
    let types = "mypy --config-file \"$CLIENT/pyproject.toml\" --cache-dir .mypy \"$CLIENT/src\" \"$CLIENT/generate.py\"";
    succeeded(&python(&stack, types).run().await);
}
