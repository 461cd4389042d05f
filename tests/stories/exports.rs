//! Answers for other programs than the page: the series of one workflow, failures in groups, lists as CSV, and all failures at once.

use crate::telling::{counted, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::Message;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Answer, Api, Stack, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";

/// A run of a workflow, with the message that it ended with.
fn run(id: usize, workflow: &str, at: DateTime<Utc>, outcome: Outcome, error: &str) -> Message {
    let millis = 100 + id as u64 * 7;
    let mut message = Message::workflow("acme", &format!("e{id}"), at, outcome, millis);
    if let Message::Workflow(run) = &mut message {
        (run.workflow_id, run.workflow_name) = (workflow.to_owned(), workflow.to_uppercase());
        error.clone_into(&mut run.error_message);
    }
    message
}

/// An API whose answers are never old.
async fn uncached(stack: &Stack) -> Api {
    let api = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "0s");
    api.set("RATE_LIMIT_PER_SECOND", "0").serve().await
}

async fn ask(api: &Api, path: &str, accept: &str) -> Answer {
    let token = format!("Bearer {}", Token::of("acme").sign());
    let answer = api.get_with(path, &[("authorization", &token), ("accept", accept)]).await;
    assert_eq!(answer.status, 200, "{path} {accept}: {}", answer.body);
    answer
}

/// The hours from noon of the day before on, as a query.
fn hours(count: i64) -> String {
    format!("from={}&to={}&granularity=hour", text(yesterday()), text(yesterday() + Duration::hours(count)))
}

fn sum(points: &Value, member: &str) -> i64 {
    points.as_array().expect("a list").iter().map(|point| point[member].as_i64().expect("a number")).sum()
}

/// How many runs the series are made of.
const RUNS: usize = 400;

/// How a run ends.
fn outcome_of(run: usize) -> Outcome {
    [Outcome::Success, Outcome::Failed, Outcome::Success, Outcome::FailedSafetyLimit][run / 3 % 4]
}

/// Which workflow's it is.
fn workflow_of(run: usize) -> &'static str {
    ["a", "b", "c/ü"][run % 3]
}

/// When it ends: in five hours, or in the same ones two days before.
fn end_of(run: usize) -> DateTime<Utc> {
    yesterday() + Duration::minutes(run as i64 * 3 % 300) - Duration::days((run as i64 % 2) * 2)
}

/// Holds the hours of a workflow's series against its runs.
fn check_hours(series: &Value, name: &str) {
    let hours = series.as_array().expect("a list");
    assert_eq!(hours.len(), 5);
    for (hour, point) in (0..).zip(hours) {
        let start = yesterday() + Duration::hours(hour);
        let is_within = |n: &usize| (start..start + Duration::hours(1)).contains(&end_of(*n));
        let within: Vec<_> = (0..RUNS).filter(|n| workflow_of(*n) == name).filter(is_within).collect();
        let having = |outcome| within.iter().filter(|n| outcome_of(**n) == outcome).count();
        let (failed, limit) = (having(Outcome::Failed), having(Outcome::FailedSafetyLimit));
        let time: usize = within.iter().map(|n| 100 + n * 7).sum();
        for (member, expected) in [
            ("workflows_total", within.len()),
            ("workflows_failed", failed + limit),
            ("workflows_failed_safety_limit", limit),
            ("workflows_successful", within.len() - failed - limit),
            ("total_execution_time_ms", time),
        ] {
            assert_eq!(point[member], json!(expected), "{member} of {name}: {point}");
        }
        assert_eq!(point["bucket"], text(start));
    }
}

#[tokio::test]
async fn the_series_of_a_workflow_has_its_runs_and_all_of_them_add_up_to_the_organizations() {
    let runs = (0..RUNS).map(|n| run(n, workflow_of(n), end_of(n), outcome_of(n), "x"));
    let stack = counted(plain(runs)).await;
    let api = uncached(&stack).await;
    let all = ask(&api, &format!("/metrics/trends?{}", hours(5)), "*/*").await.json();
    let mut totals = BTreeMap::new();
    for (name, escaped) in [("a", "a"), ("b", "b"), ("c/ü", "c%2F%C3%BC")] {
        let one = ask(&api, &format!("/metrics/trends?{}&workflow={escaped}", hours(5)), "*/*").await.json();
        assert_eq!(one["workflow"], json!({ "workflowId": name, "workflowName": name.to_uppercase() }));
        check_hours(&one["series"], name);
        for member in ["workflows_total", "workflows_failed", "total_execution_time_ms"] {
            *totals.entry(member).or_insert(0) += sum(&one["series"], member);
        }
        // Days are those of the roll-ups; they have what the hours have.
        let from = yesterday() - Duration::days(3);
        let days = format!(
            "from={}&to={}&granularity=day&workflow={escaped}",
            text(from),
            text(yesterday() + Duration::days(1))
        );
        let days = ask(&api, &format!("/metrics/trends?{days}&compare=none"), "*/*").await.json();
        assert_eq!(
            sum(&days["series"], "workflows_total"),
            (0..RUNS).filter(|n| workflow_of(*n) == name).count() as i64
        );
        let ago = format!("{}&workflow={escaped}&compare=previous_week", hours(5));
        let compared = ask(&api, &format!("/metrics/trends?{ago}"), "*/*").await.json();
        assert_eq!(compared["previousSeries"].as_array().map(Vec::len), Some(5), "{compared}");
        assert_eq!(sum(&compared["previousSeries"], "workflows_total"), 0, "{compared}");
    }
    for (member, total) in totals {
        assert_eq!(sum(&all["series"], member), total, "{member}");
    }
    let nobody = ask(&api, &format!("/metrics/trends?{}&workflow=nobody", hours(5)), "*/*").await.json();
    assert_eq!(nobody["workflow"]["workflowName"], Value::Null);
    assert_eq!(
        (nobody["series"].as_array().map(Vec::len), sum(&nobody["series"], "workflows_total")),
        (Some(5), 0)
    );
    // In this zone hours begin at a quarter past.
    let path = format!("/metrics/trends?{}&workflow=a&timezone=Asia/Kathmandu", hours(5));
    let nepal = ask(&api, &path, "*/*").await.json();
    assert_eq!(
        (&nepal["exactFrom"], nepal["series"][0]["bucket"].as_str()),
        (&nepal["range"]["to"], Some(&*text(yesterday() - Duration::minutes(45))))
    );
}

#[tokio::test]
async fn failures_that_differ_by_numbers_are_one_group_and_what_is_in_none_is_said() {
    let at = |n: usize| yesterday() + Duration::minutes(n as i64);
    let message = |n: usize| match n % 4 {
        0 | 1 => format!("order {} not found", 1_000 + n),
        2 => format!("upstream answered 503 for {n:08x}-7d2c-4a51-9a0e-0f6d1d8c2f11"),
        _ => String::new(),
    };
    let outcome = |n: usize| if n.is_multiple_of(8) { Outcome::FailedSafetyLimit } else { Outcome::Failed };
    let mut runs: Vec<_> =
        (0..40).map(|n| run(n, ["a", "b"][n % 2], at(n), outcome(n), &message(n))).collect();
    runs.extend((40..50).map(|n| run(n, "a", at(n), Outcome::Success, "")));
    let stack = counted(plain(runs)).await;
    let api = uncached(&stack).await;
    let groups = async |more: &str| {
        ask(&api, &format!("/metrics/failure-groups?{}{more}", hours(1)), "*/*").await.json()
    };
    let all = groups("").await;
    let shown = |answer: &Value| -> Vec<(String, i64)> {
        let groups = answer["groups"].as_array().expect("a list").iter();
        groups
            .map(|group| {
                (
                    group["pattern"].as_str().expect("text").to_owned(),
                    group["count"].as_i64().expect("a number"),
                )
            })
            .collect()
    };
    let patterns = ["order # not found", "", "upstream answered # for #"];
    let expected = |counts: [i64; 3]| patterns.map(str::to_owned).into_iter().zip(counts).collect::<Vec<_>>();
    assert_eq!(shown(&all), expected([20, 10, 10]), "{all:#}");
    assert_eq!((&all["failed"], &all["grouped"], all.get("groupedFrom")), (&json!(40), &json!(40), None));
    let first = &all["groups"][0];
    assert_eq!((&first["message"], &first["executionId"]), (&json!("order 1037 not found"), &json!("e37")));
    assert_eq!((&first["firstSeen"], &first["lastSeen"]), (&json!(text(at(0))), &json!(text(at(37)))));
    assert_eq!(first["outcomes"], json!(["FAILED", "FAILED_SAFETY_LIMIT"]));
    let workflows = json!([{ "workflowId": "a", "workflowName": "A", "count": 10 }, { "workflowId": "b", "workflowName": "B", "count": 10 }]);
    assert_eq!((&first["workflowCount"], &first["workflows"]), (&json!(2), &workflows));

    // One workflow's, and page by page.
    let of_one = groups("&workflow=b").await;
    assert_eq!(
        (shown(&of_one), &of_one["failed"]),
        (vec![("".to_owned(), 10), (patterns[0].to_owned(), 10)], &json!(20)),
        "{of_one:#}"
    );
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = groups(&format!("&limit=1{cursor}")).await;
        seen.extend(shown(&page));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, shown(&all));
    assert_eq!(groups("&workflow=nobody").await["groups"], json!([]));

    let in_group: Vec<_> = (0..40).rev().filter(|n| n % 4 < 2).map(|n| (n, message(n))).collect();
    leads_to_its_failures(&api, first, &in_group).await;

    // The older half is kept no longer, as after FAILURE_RETENTION_DAYS.
    let delete = "delete from workflow_failures where finished_at < $1";
    assert_eq!(stack.client().await.execute(delete, &[&at(20)]).await.expect("a deletion"), 20);
    let rest = groups("").await;
    assert_eq!(
        (&rest["failed"], &rest["grouped"], &rest["groupedFrom"]),
        (&json!(40), &json!(20), &json!(text(at(20))))
    );
}

/// A group leads to its failures, page by page, whole and newest first; half of them are of the workflow `b`.
async fn leads_to_its_failures(api: &Api, group: &Value, expected: &[(usize, String)]) {
    let of_group = async |more: &str| {
        let path =
            format!("/metrics/failures?{}&group={}{more}", hours(1), group["key"].as_str().expect("a key"));
        ask(api, &path, "*/*").await.json()
    };
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = of_group(&format!("&limit=7{cursor}")).await;
        seen.extend(page["failures"].as_array().expect("a list").clone());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let text = |failure: &Value, name: &str| failure[name].as_str().expect("a text").to_owned();
    let seen: Vec<_> = seen.iter().map(|one| (text(one, "executionId"), text(one, "errorMessage"))).collect();
    let expected: Vec<_> = expected.iter().map(|(n, message)| (format!("e{n}"), message.clone())).collect();
    assert_eq!(seen, expected);
    let of_b = of_group("&workflow=b&limit=100").await;
    assert_eq!(of_b["failures"].as_array().map(Vec::len), Some(expected.len() / 2), "{of_b:#}");
}

/// The rows of a CSV, without its header, and the header.
fn table(answer: &Answer) -> (Vec<Vec<String>>, Vec<String>) {
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(answer.header("vary").contains("accept,"), "{}", answer.header("vary"));
    let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
    let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = fields(reader.headers().expect("a header row"));
    (reader.records().map(|record| fields(&record.expect("a row"))).collect(), header)
}

/// A member of an item as its cell shows it.
fn cell(item: &Value, column: &str) -> String {
    match column.split('.').fold(item, |value, member| &value[member]) {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with('=') => format!("'{text}"),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

/// An organization with something in every list.
async fn everything() -> Stack {
    let at = yesterday();
    let mut messages: Vec<_> = (0..30).map(|n| Message::order("acme", &format!("o{n}"), at)).collect();
    messages.extend((0..30).map(|n| Message::payment("acme", &format!("p{n}"), at, n % 3 > 0)));
    messages.extend((0..9).map(|n| Message::delivery("acme", &format!("m{n}"), at, at, Status::Sent)));
    let errors = ["=HYPERLINK(\"http://example.org\")", "no, \"never\"\r\nagain", "plain"];
    let outcome = |n: usize| if n < 25 { Outcome::Failed } else { Outcome::Success };
    messages.extend(
        (0..40)
            .map(|n| run(n, ["a", "b"][n % 2], at + Duration::minutes(n as i64), outcome(n), errors[n % 3])),
    );
    // Of the weeks before: so the silence of the last hours stands out.
    for week in 1..5 {
        let order = |n: i64| {
            Message::order(
                "acme",
                &format!("w{week}-{n}"),
                at - Duration::weeks(week) + Duration::minutes(60 + n),
            )
        };
        messages.extend((0..30).map(order));
    }
    counted(plain(messages)).await
}

#[tokio::test]
async fn every_list_is_given_as_csv_with_the_numbers_of_its_json() {
    let stack = everything().await;
    let api = uncached(&stack).await;
    let lists = [
        ("summary", "", "kpis"),
        ("summary", "&list=alerts", "alerts"),
        ("trends", "&timezone=Europe/Berlin", "series"),
        ("trends", "&list=previousSeries", "previousSeries"),
        ("trends", "&workflow=a", "series"),
        ("workflow-health", "&list=workflows&sort=name", "workflows"),
        ("workflow-health", "&list=recentFailures&limit=7", "recentFailures"),
        ("failures", "&workflow=b", "failures"),
        ("failure-groups", "", "groups"),
        ("delivery-health", "&list=channels", "channels"),
        ("delivery-health", "&list=series", "series"),
        ("insights", "", "insights"),
    ];
    for (path, more, list) in lists {
        let query = format!("{}{more}", hours(3));
        let csv = ask(&api, &format!("/metrics/{path}?{query}"), CSV).await;
        let json_query: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("list=")).collect();
        let json = ask(&api, &format!("/metrics/{path}?{}", json_query.join("&")), "*/*").await.json();
        let (rows, header) = table(&csv);
        let items = json[list].as_array().expect("a list");
        assert!(!items.is_empty() || list == "insights", "{path}{more}: {json:#}");
        assert_eq!(rows.len(), items.len(), "{path}{more}: {}", csv.body);
        for (row, item) in rows.iter().zip(items) {
            let expected: Vec<_> = header.iter().map(|column| cell(item, column)).collect();
            assert_eq!(*row, expected, "{path}{more}");
            // Nothing of the items is left out.
            let tops: Vec<_> = header.iter().filter_map(|column| column.split('.').next()).collect();
            let missing: Vec<_> = item
                .as_object()
                .expect("an object")
                .keys()
                .filter(|key| !tops.contains(&key.as_str()))
                .collect();
            assert!(missing.is_empty(), "{path}{more}: {missing:?}");
        }
        assert!(
            csv.header("content-disposition").starts_with(&format!("attachment; filename=\"{path}")),
            "{}",
            csv.header("content-disposition")
        );
        assert!(!csv.header("etag").is_empty() && csv.header("generated-at").ends_with('Z'));
    }
    let failures = ask(&api, &format!("/metrics/failures?{}", hours(3)), CSV).await.body;
    assert!(failures.contains("\"'=HYPERLINK(\"\"http://example.org\"\")\""), "{failures}");
    assert!(failures.lines().count() > 20 && failures.ends_with("\r\n"));
}

#[tokio::test]
async fn each_form_is_kept_and_tagged_for_itself() {
    let stack = everything().await;
    let api =
        stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("LOCAL_CACHE_TTL", "1h").serve().await;
    let path = format!("/metrics/trends?{}", hours(3));
    let token = format!("Bearer {}", Token::of("acme").sign());
    let with = async |accept: &str, more: (&str, &str)| {
        api.get_with(&path, &[("authorization", &token), ("accept", accept), more]).await
    };
    let nothing = ("x-nothing", "here");
    let (json, csv) = (with("application/json", nothing).await, with(CSV, nothing).await);
    assert!(json.body.starts_with('{') && csv.body.starts_with("\"bucket\""));
    assert_ne!(json.header("etag"), csv.header("etag"));
    for _ in 0..2 {
        for encoding in ["identity", "gzip", "br"] {
            let (json_again, csv_again) = (
                with("application/json", ("accept-encoding", encoding)).await,
                with(CSV, ("accept-encoding", encoding)).await,
            );
            assert_eq!(
                (json_again.header("etag"), csv_again.header("etag")),
                (json.header("etag"), csv.header("etag"))
            );
            assert_eq!(json_again.header("content-type"), "application/json", "{encoding}");
            assert!(csv_again.header("content-type").starts_with(CSV), "{encoding}");
            if encoding == "identity" {
                assert_eq!((&json_again.body, &csv_again.body), (&json.body, &csv.body));
            } else {
                assert_ne!(json_again.body, csv_again.body, "{encoding}");
            }
        }
    }
    assert_eq!(
        api.metric("query_api_answers_total", "from=\"postgresql\"").await,
        1.0,
        "both are made of one answer"
    );
    let known = with(CSV, ("if-none-match", csv.header("etag"))).await;
    assert_eq!((known.status, &*known.body), (304, ""));
    assert_eq!(with(CSV, ("if-none-match", json.header("etag"))).await.status, 200);
    let refused = with("text/html", nothing).await;
    assert_eq!((refused.status, &refused.json()["type"]), (406, &json!("/problems/not-acceptable")));
    assert!(refused.header("vary").contains("accept"), "{:?}", refused.headers);
}

/// The query of the next page that `Link` names.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix("<?")?;
    let (query, rest) = link.split_once('>').expect("a target in angle brackets");
    assert_eq!(rest, "; rel=\"next\"");
    Some(query.to_owned())
}

#[tokio::test]
async fn the_pages_of_a_csv_are_linked() {
    let stack = everything().await;
    let api = uncached(&stack).await;
    // The default range moves with time; that of the next page must not.
    for (path, first, key, count) in [
        ("failures", "limit=7", "executionId", 25),
        ("workflow-health", "list=recentFailures&limit=9", "executionId", 25),
        ("workflow-health", "list=workflows&workflowsLimit=1&sort=name", "workflowId", 2),
        ("failure-groups", "limit=2", "key", 3),
    ] {
        let from = text(yesterday() - Duration::hours(1));
        let (mut seen, mut query) = (Vec::new(), Some(format!("from={from}&granularity=hour&{first}")));
        while let Some(asked) = query {
            let page = ask(&api, &format!("/metrics/{path}?{asked}"), CSV).await;
            let (rows, header) = table(&page);
            let place = header.iter().position(|column| column == key).expect("a column");
            seen.extend(rows.into_iter().map(|mut row| row.swap_remove(place)));
            query = next(&page);
            assert!(query.as_ref().is_none_or(|query| query.contains("&to=")), "{query:?}");
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (count, count), "{path}");
    }
}

/// Failures in the table that no record has made, newest first by their ids.
async fn insert_failures(stack: &Stack, count: i32, message: &str) {
    let insert = "
        insert into workflow_failures (organization_id, execution_id, workflow_id, workflow_name, outcome, error_message,
                                       execution_time_ms, finished_at)
        select 'acme', 'x' || lpad(n::text, 7, '0'), 'w' || n % 7, 'Bulk', 'FAILED', $3, n, $2::timestamptz - n * interval '10 ms'
        from generate_series(1, $1) n";
    let client = stack.client().await;
    client.execute(insert, &[&count, &(yesterday() + Duration::hours(2)), &message]).await.expect("rows");
}

#[tokio::test]
async fn an_export_has_all_failures_of_the_range_and_memory_does_not_grow_with_them() {
    const COUNT: i32 = 20_000;
    let stack = Stack::start().await;
    insert_failures(&stack, COUNT, &"long ".repeat(300)).await;
    let api = uncached(&stack).await;
    ask(&api, &format!("/metrics/failures?{}", hours(2)), "*/*").await;
    let before = api.peak_memory();
    let export = ask(&api, &format!("/metrics/failures?{}", hours(2)), NDJSON).await;
    let grown = api.peak_memory() - before;
    assert_eq!(export.header("content-type"), NDJSON);
    let lines: Vec<Value> =
        export.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: Vec<_> =
        lines.iter().map(|line| line["executionId"].as_str().expect("an id").to_owned()).collect();
    let expected: Vec<_> = (1..=COUNT).map(|n| format!("x{n:07}")).collect();
    assert!(ids == expected, "{} lines, from {:?} to {:?}", ids.len(), ids.first(), ids.last());
    let body = export.body.len() as u64;
    assert!(body > 30 << 20 && grown < body / 2, "{grown} bytes of memory for an export of {body}");
    // A line is the failure as pages have it.
    let page = ask(&api, &format!("/metrics/failures?{}&limit=100", hours(2)), "*/*").await.json();
    assert_eq!(page["failures"].as_array().expect("a list")[..], lines[..100]);
    // And it can go on after any of them.
    let after = format!("{}&cursor={}", hours(2), page["nextCursor"].as_str().expect("a cursor"));
    let rest = ask(&api, &format!("/metrics/failures?{after}"), NDJSON).await;
    assert_eq!(rest.body.lines().count(), lines.len() - 100);
    let of_one = ask(&api, &format!("/metrics/failures?{}&workflow=w3", hours(2)), NDJSON).await;
    assert_eq!(of_one.body.lines().count(), (1..=COUNT).filter(|n| n % 7 == 3).count());
    let none = ask(&api, &format!("/metrics/failures?{}&workflow=nobody", hours(2)), NDJSON).await;
    assert_eq!(none.body, "");
}

#[tokio::test]
async fn an_export_that_breaks_off_is_not_taken_for_a_whole_one() {
    let stack = Stack::start().await;
    insert_failures(&stack, 20_000, &"long ".repeat(300)).await;
    let api = stack.api().set("DATABASE_STATEMENT_TIMEOUT", "1s").serve().await;
    let mut client = TcpStream::connect(api.address()).await.expect("a connection");
    let request = format!(
        "GET /metrics/failures?{} HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {}\r\naccept: {NDJSON}\r\n\r\n",
        hours(2),
        Token::of("acme").sign()
    );
    client.write_all(request.as_bytes()).await.expect("a request");
    // Some of it has come, and the rest waits for this client.
    let mut seen = vec![0; 4_096];
    client.read_exact(&mut seen).await.expect("the beginning");
    assert!(String::from_utf8_lossy(&seen).starts_with("HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen));
    let locker = stack.client().await;
    locker
        .batch_execute("begin; lock table workflow_failures in access exclusive mode")
        .await
        .expect("a lock");
    // The connection may be closed or reset: in neither case has it ended as HTTP says.
    drop(client.read_to_end(&mut seen).await);
    let text = String::from_utf8_lossy(&seen);
    assert!(!text.ends_with("0\r\n\r\n") && text.lines().count() < 20_000, "{} bytes", seen.len());
    locker.batch_execute("rollback").await.expect("no lock");
    let whole = ask(&api, &format!("/metrics/failures?{}", hours(2)), NDJSON).await;
    assert_eq!(whole.body.lines().count(), 20_000, "the next one is whole");
}
