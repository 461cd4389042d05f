//! The dashboard's page, visited by a real browser on real servers.

use crate::telling::text;
use chrono::{DateTime, Duration, Utc};
use domain::BucketSize;
use load::{History, Produced};
use machine::environment::Environment;
use machine::page;
use machine::say;
use serde_json::{Value, json};
use stack::run::process::Process;
use stack::run::program::Program;
use std::time::Duration as StdDuration;
use tests::{Stack, Token};

/// Whose page it is: of the history's companies the one that has failing workflows.
const ORGANIZATION: &str = "org_harbor";

/// Days that are over, whose numbers no longer change: enough for a week on the page, and a week's beginning before it.
const DAYS: i64 = 8;

/// What there is to see: enough days to compare the week with, and for insights.
const HISTORY_DAYS: i64 = 30;

/// Little enough for any Kafka, and enough for failed runs of every workflow.
const RECORDS: u64 = 60_000;

/// How long the visits may take together on a busy machine; the browser's driver ends them then, and says which.
const VISITS_LIMIT: StdDuration = StdDuration::from_secs(10 * 60);

/// How long the driver may take beyond that.
const REPORT_LIMIT: StdDuration = StdDuration::from_secs(60);

/// How long it may take to end its browser when it is stopped.
const GRACE: StdDuration = StdDuration::from_secs(20);

#[tokio::test]
async fn the_page_shows_the_right_numbers_in_every_state() {
    if let Some(why) = shortcoming(&Environment::read()) {
        say::line(format_args!("skipped: the page in a browser: {why}"));
        return;
    }
    let now = Utc::now();
    let to = BucketSize::Day.floor(now);
    let from = to - Duration::days(DAYS);
    let stack = Stack::start().await;
    let until = BucketSize::Hour.floor(now);
    let begin = to - Duration::days(HISTORY_DAYS);
    let history = History { seed: 1, records: RECORDS, partitions: stack.partitions(), from: begin, until };
    let records: Vec<Produced> = history.records().collect();
    stack.produce(records.iter().cloned()).await;
    // It stays, so that the page has numbers that are complete until just now.
    let consumer = stack.consumer().start().await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;

    let expected = summary(&stack, from, to).await;
    let page = page::built();
    let api =
        stack.api().set("DASHBOARD_DIR", page.to_str().expect("a checkout's path is text")).serve().await;
    visit(&stack, &format!("http://{}", api.address()), &expected).await;
    assert_eq!(api.stop().await, Some(0));
    assert_eq!(consumer.stop().await, Some(0));
}

/// Why there is no visit, in a sentence; `None` where there is one.
fn shortcoming(environment: &Environment) -> Option<String> {
    let missing = page::build_shortcoming(environment).or_else(|| page::browser_shortcoming(environment));
    missing.or_else(|| {
        let ready = page::built().join("index.html").exists() && page::is_fetched(&page::folder());
        (!ready)
            .then(|| "it is not built (npm ci and npm run build in dashboard/, or cargo verify)".to_owned())
    })
}

/// The part of a summary that the visits compare with the page, by SQL alone.
async fn summary(stack: &Stack, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let query = "
        select name, plan_name,
               sum(orders_created)::float8,
               round(100 * sum(payments_successful) / sum(payments_total), 1)::float8,
               round(100 * sum(workflows_failed) / sum(workflows_total), 1)::float8,
               round(sum(total_execution_time_ms) / sum(workflows_total), 1)::float8,
               round(100 * sum(messages_delivered) / sum(messages_sent), 1)::float8
        from org_quarter_metrics join organizations using (organization_id)
        where organization_id = $1 and quarter_bucket >= $2 and quarter_bucket < $3
        group by name, plan_name";
    let row = stack.client().await.query_one(query, &[&ORGANIZATION, &from, &to]).await.expect("sums");
    let (name, plan): (String, String) = (row.get(0), row.get(1));
    let keys = [
        "orders_created",
        "payment_success_rate",
        "workflow_failure_rate",
        "avg_execution_time_ms",
        "message_delivery_rate",
    ];
    let kpis: Vec<Value> = (2..)
        .zip(keys)
        .map(|(place, key)| json!({ "key": key, "value": row.get::<_, f64>(place) }))
        .collect();
    json!({
        "organizationId": ORGANIZATION,
        "organizationName": name,
        "plan": { "name": plan },
        "range": { "from": text(from), "to": text(to) },
        "kpis": kpis,
    })
}

/// Has Playwright visit the page, and ends the story with all it says when something isn't as it must be.
async fn visit(stack: &Stack, url: &str, expected: &Value) {
    let environment = stack.services().environment();
    let browser = page::browser(environment).expect("looked for above");
    let log = stack.services().run().join(format!("{}-visits.log", stack.name()));
    // What `npm run e2e` runs, but as a child of ours, which ends its browser when it is stopped.
    let program = Program::new("playwright", page::folder().join("node_modules/.bin/playwright"), &log)
        .folder(page::folder())
        .args(["test", "--global-timeout", &VISITS_LIMIT.as_millis().to_string()])
        .inherit(environment)
        .env("E2E_URL", url)
        .env("E2E_TOKEN", Token::of(ORGANIZATION).sign())
        .env("E2E_EMPTY_TOKEN", Token::of("org_without_records").sign())
        .env("E2E_EXPECTED", expected.to_string())
        .env("CHROMIUM", browser)
        .end_by(rustix::process::Signal::INT, GRACE);
    let mut driver = Process::start(program).expect("Playwright was fetched");
    let ended = driver.wait(VISITS_LIMIT + REPORT_LIMIT).await;
    let words = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(ended.as_ref().is_ok_and(std::process::ExitStatus::success), "{ended:?}\n{words}");
}
