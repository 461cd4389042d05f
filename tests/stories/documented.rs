//! The documentation's code blocks do what they say: each is run or parsed, or the table says why it is only shown.

use crate::deploying;
use crate::encryption;
use crate::procedures;
use crate::sign_in;
use crate::telling::{count, counted, orders, orders_created, orders_in, plain, text, yesterday};
use crate::webhooks;
use domain::Counters;
use load::murmur2::partition_of;
use load::{Kind, Message, Produced};
use machine::environment::Environment;
use machine::{say, workspace};
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::Value;
use stack::wait::{self, Seen};
use std::path::Path;
use std::time::Duration;
use tests::documented::{Block, Check, Row, blocks, complaints};
use tests::{Ended, Stack, Token};
use tokio_postgres::SimpleQueryMessage;

/// The partition and offset that the documentation names.
const PARTITION: i32 = 4;
const OFFSET: i64 = 4711;

/// Enough for that partition.
const PARTITIONS: i32 = 5;

/// The secret that the documented token is signed with.
/// In place of a secret that is made at random: the API has the same.
const SECRET: &str = "a secret of this story, and of it alone";

/// The time in the documented JSON, which is too old by now to be counted.
const FINISHED_AT: &str = "2026-02-25T10:00:00.25Z";

/// How long the documented receiver may take to start, and to say what it got.
const RECEIVER_LIMIT: Duration = Duration::from_secs(30);

/// The files of stories that run blocks.
const FILES: [&str; 8] = [
    include_str!("documented.rs"),
    include_str!("deploying.rs"),
    include_str!("encryption/pages.rs"),
    include_str!("encryption/redis.rs"),
    include_str!("procedures.rs"),
    include_str!("recount.rs"),
    include_str!("restores.rs"),
    include_str!("traces.rs"),
];

/// How each block is checked; those about deploying, procedures and encryption have tables of their own.
const TABLE: &[Row] = &[
    row("README.md", "sudo apt-get update", Check::Shown("it installs packages, as root")),
    row("README.md", "Kafka       127.0.0.1", Check::Shown("what cargo demo prints")),
    row("README.md", "python3 -m grpc_tools", Check::Run("a_record_published_by_python_is_counted")),
    row("README.md", "from confluent_kafka", Check::Run("a_record_published_by_python_is_counted")),
    row("README.md", "printf 'acme|", Check::Run("a_record_published_by_kcat_is_counted")),
    row("README.md", "export JWT_HS256_SECRET=", Check::Run("the_token_signed_by_python_opens_the_summary")),
    row("docs/api.md", "RateLimit-Policy:", Check::Shown("an answer's headers")),
    row("docs/api.md", "{\n  \"type\": \"alert.opened\"", Check::Parse),
    row(
        "docs/api.md",
        "import base64, hmac, http.server",
        Check::Run("the_receiver_in_python_takes_messages_and_refuses_forged_ones"),
    ),
    row("docs/api.md", "{\"thresholds\":", Check::Run("the_documented_thresholds_are_set")),
    row("docs/api.md", "{\"run\":", Check::Run("the_documented_link_is_set")),
    row("docs/api.md", "rate × w", Check::Shown("a formula")),
    row("docs/api.md", "import { Client", Check::Run("the_example_for_typescript_is_compiled_and_asks")),
    row("docs/api.md", "import os", Check::Run("the_example_for_python_asks")),
    row("docs/api.md", "{\n  \"workflow\"", Check::Parse),
    row("docs/api.md", "{\n  \"failed\"", Check::Parse),
    row("docs/api.md", "API=http", Check::Run("the_forms_of_answers_are_given")),
    row("docs/api.md", "npx --package", Check::Shown("it fetches a linter from its registry")),
    row("docs/operating.md", "consumer doctor", Check::Run("the_doctor_finds_no_fault")),
    row("docs/operating.md", "consumer progress show", Check::Run("a_partition_is_reset_and_counted_again")),
    row("docs/operating.md", "consumer dead-letters list", Check::Run("a_dead_letter_is_shown_and_redriven")),
    row("docs/operating.md", "consumer check-topic", Check::Run("refusals_are_told_as_documented")),
    row("docs/operating.md", "consumer audit", Check::Run("the_audit_finds_that_the_books_agree")),
    row("docs/operating.md", "select a.pid", Check::Run("the_query_for_locks_names_who_holds_one")),
    row(
        "docs/operating.md",
        "consumer recount",
        Check::Run("the_recount_finds_that_the_tables_are_equal_to_the_log"),
    ),
    row("docs/operating.md", "begin;", Check::Run("the_documented_correction_makes_the_books_agree")),
    row("docs/operating.md", "select topic", Check::Run("the_query_for_progress_shows_every_partition")),
    row(
        "docs/operating.md",
        "select organization_id, hour_bucket",
        Check::Run("the_query_for_more_delivered_than_sent_names_hours"),
    ),
    row("docs/providers.md", "{\"personalizations\"", Check::Parse),
    row("docs/providers.md", "{\"messaging_product\"", Check::Parse),
    row("docs/operating.md", "JWT_JWKS_URL=", Check::Run("the_page_is_told_the_documented_sign_in")),
    row(
        "docs/operating.md",
        "psql --set",
        Check::Shown("it asks for passwords; each story's database is made by the same file"),
    ),
    row("docs/page-tasks.md", "cd dashboard", Check::Shown("it waits for a person's commands")),
    row("docs/performance.md", "until pid=", Check::Shown("it needs perf, inferno and a running benchmark")),
    row("docs/producing.md", "{\"executionId\"", Check::Run("the_json_of_a_run_is_counted")),
    row("docs/producing.md", "consumer check-record", Check::Run("refusals_are_told_as_documented")),
    row("docs/producing.md", "curl --fail-with-body", Check::Run("refusals_are_told_as_documented")),
    row("docs/producing.md", "select rejected_at", Check::Run("the_query_for_refusals_finds_them")),
    row("docs/scaling.md", "organization (the key)", Check::Shown("a drawing")),
    row("docs/tracing.md", "process topic", Check::Shown("a drawing")),
    row("docs/tracing.md", "GET /metrics/summary", Check::Shown("a drawing")),
    row("docs/tracing.md", "OTEL_", Check::Run("the_documented_settings_of_traces_are_accepted")),
    row("docs/tracing.md", "printf 'acme|", Check::Run("a_documented_trace_is_continued_by_both_services")),
];

pub const fn row(file: &'static str, begins: &'static str, check: Check) -> Row {
    Row { file, begins, check }
}

#[test]
fn every_block_is_in_the_table_and_every_story_of_the_table_is_told() {
    let mut wrong = complaints(&documented(), &table());
    wrong.extend(table().iter().filter_map(|row| match row.check {
        Check::Run(story) => {
            let told = FILES.iter().any(|file| file.contains(&format!("blocks_of({story:?})")));
            (!told).then(|| format!("no story here runs the blocks of {story:?}"))
        }
        Check::Parse | Check::Shown(_) => None,
    }));
    assert!(wrong.is_empty(), "see TABLE in tests/stories/documented.rs:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_block_is_accepted_by_the_parser_of_its_language() {
    let stack = Stack::start().await;
    let mut wrong = Vec::new();
    for block in documented() {
        wrong.extend(parser_error(&stack, &block).await.map(|error| format!("{block}: {error}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_record_published_by_kcat_is_counted() {
    if lacks("the example of kcat", "kcat") {
        return;
    }
    let stack = Stack::start().await;
    for block in blocks_of("a_record_published_by_kcat_is_counted") {
        run(&stack, &block).await;
    }
    assert_eq!(stack.ends()[&place_of_acme(&stack)], 1, "one record, where Java's partitioner puts its key");
    count(&stack).await;
    let payment = Counters { payments_total: 1, payments_successful: 1, ..Counters::default() };
    stack.counts("acme").await.are(payment);
}

#[tokio::test]
async fn a_record_published_by_python_is_counted() {
    let stack = Stack::start().await;
    let packages = stack.consumer().shell("python3 -c 'import confluent_kafka, grpc_tools'").run().await;
    if packages.code != Some(0) {
        return say::line(
            "skipped: the example of Python, for python3 has no confluent_kafka or no grpc_tools",
        );
    }
    for block in blocks_of("a_record_published_by_python_is_counted") {
        run(&stack, &block).await;
    }
    assert_eq!(stack.ends()[&place_of_acme(&stack)], 1, "one record, where Java's partitioner puts its key");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(1));
}

#[tokio::test]
async fn the_token_signed_by_python_opens_the_summary() {
    if lacks("the example of a token", "python3") || lacks("the example of a token", "curl") {
        return;
    }
    let stack = Stack::start().await;
    let api = stack.api().set("JWT_HS256_SECRET", SECRET).serve().await;
    let address = format!("http://{}", api.address());
    for block in blocks_of("the_token_signed_by_python_opens_the_summary") {
        let here = Block { text: block.text.replace("http://127.0.0.1:8080", &address), ..block };
        let secret = format!("'{SECRET}'");
        let here = Block { text: here.text.replace("$(openssl rand -hex 32)", &secret), ..here };
        let summary: Value = serde_json::from_str(&run(&stack, &here).await.output).expect("JSON");
        assert_eq!(summary["organizationId"], "acme", "{summary:#}");
    }
    assert_eq!(api.stop().await, Some(0));
}

/// What the examples of clients print: a KPI, and a problem.
const CLIENT_SAID: [&str; 2] = ["Orders Created", "400 timezone"];

/// A documented example of a client, asking a real API by this script.
async fn ask_by_client(stack: &Stack, block: &Block, script: &str) {
    let api = stack.api().serve().await;
    let here = block.text.replace("http://127.0.0.1:8080", &format!("http://{}", api.address()));
    let clients = workspace::root().join("clients");
    let launch = stack.api().set("CLIENTS", clients.to_str().expect("a checkout's path is text"));
    let launch = launch.set("TOKEN", Token::of("acme").sign()).set("BLOCK", here).shell(script);
    let ended = launch.run().await;
    assert_eq!(ended.code, Some(0), "{block}: {ended:#?}");
    assert!(CLIENT_SAID.iter().all(|said| ended.output.contains(said)), "{block}: {ended:#?}");
}

#[tokio::test]
async fn the_example_for_typescript_is_compiled_and_asks() {
    const BUILT: &str = "clients/typescript/dist/index.js";
    if lacks("the example for TypeScript", "node") {
        return;
    }
    if !workspace::root().join(BUILT).exists() {
        return say::line(format_args!(
            "skipped: the example for TypeScript, for there is no {BUILT} (npm ci, npm run build)"
        ));
    }
    let script = "
        mkdir node_modules && ln -s \"$CLIENTS/typescript\" node_modules/business-metrics-client
        printf %s \"$BLOCK\" > example.mts
        \"$CLIENTS/typescript/node_modules/.bin/tsc\" --target es2023 --module nodenext --strict --skipLibCheck \\
            --typeRoots \"$CLIENTS/typescript/node_modules/@types\" --types node example.mts
        node example.mjs";
    let stack = Stack::start().await;
    for block in blocks_of("the_example_for_typescript_is_compiled_and_asks") {
        ask_by_client(&stack, &block, script).await;
    }
}

#[tokio::test]
async fn the_example_for_python_asks() {
    if lacks("the example for Python", "python3") {
        return;
    }
    let script =
        "export PYTHONPATH=\"$CLIENTS/python/src\" MYPYPATH=\"$CLIENTS/python/src\" PYTHONDONTWRITEBYTECODE=1
        printf %s \"$BLOCK\" > example.py
        ! command -v mypy || mypy --strict --cache-dir .mypy example.py >&2
        python3 example.py";
    let stack = Stack::start().await;
    for block in blocks_of("the_example_for_python_asks") {
        ask_by_client(&stack, &block, script).await;
    }
}

#[tokio::test]
async fn the_receiver_in_python_takes_messages_and_refuses_forged_ones() {
    if lacks("the example of a receiver", "python3") {
        return;
    }
    let stack = Stack::start().await;
    let api = webhooks::telling(&stack).serve().await;
    let port = stack::port::free().expect("a port");
    let url = format!("http://127.0.0.1:{port}/");
    let (path, secret) = webhooks::endpoint(&api, "acme", &url).await;
    for block in blocks_of("the_receiver_in_python_takes_messages_and_refuses_forged_ones") {
        let script = block.text.replace("9000", &port.to_string());
        let launch = stack.consumer().set("BLOCK", script).set("WEBHOOK_SECRETS", &*secret);
        let receiver = launch.shell("exec python3 -c \"$BLOCK\"").begin();
        let listens = wait::until("the receiver to listen", RECEIVER_LIMIT, async || {
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            Ok(Seen::when(connected.is_ok(), receiver.log_tail()))
        });
        listens.await.expect("a receiver");
        let test = async || webhooks::send(&api, "POST", &format!("{path}/test"), "acme", None).await.json();
        let tested = test().await;
        assert_eq!(
            (&tested["state"], &tested["lastStatus"]),
            (&"delivered".into(), &204.into()),
            "{tested:#}"
        );
        let said = wait::until("the receiver to say what it got", RECEIVER_LIMIT, async || {
            Ok(Seen::when(receiver.log_tail().contains("webhook.test"), receiver.log_tail()))
        });
        said.await.expect("the message's type");
        // Two replacements later its secret signs nothing any more.
        for _ in 0..2 {
            webhooks::send(&api, "POST", &format!("{path}/secret"), "acme", None).await;
        }
        assert_eq!(test().await["lastStatus"], 401);
    }
}

#[tokio::test]
async fn the_documented_thresholds_are_set() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let token = format!("Bearer {}", Token::of("acme").claim("scope", "settings:write").sign());
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    for block in blocks_of("the_documented_thresholds_are_set") {
        let set = api.send(("PUT", "/settings/thresholds", &block.text), &headers).await;
        assert_eq!(
            (set.status, &set.json()["alerts"][0]["own"]["critical"]),
            (200, &90.into()),
            "{}",
            set.body
        );
    }
}

#[tokio::test]
async fn the_documented_link_is_set() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let token = format!("Bearer {}", Token::of("acme").claim("scope", "settings:write").sign());
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    for block in blocks_of("the_documented_link_is_set") {
        let set = api.send(("PUT", "/settings/links", &block.text), &headers).await;
        let document: Value = serde_json::from_str(&block.text).expect("JSON");
        assert_eq!((set.status, &set.json()["run"]), (200, &document["run"]), "{}", set.body);
    }
}

#[tokio::test]
async fn the_forms_of_answers_are_given() {
    if lacks("the examples of forms", "curl") {
        return;
    }
    let stack = counted(orders("acme", 10)).await;
    let api = stack.api().serve().await;
    let token = format!("TOKEN='{}'\n", tests::Token::of("acme").sign());
    for block in blocks_of("the_forms_of_answers_are_given") {
        let address = format!("http://{}", api.address());
        let here = token.clone() + &block.text.replace("http://127.0.0.1:8080", &address);
        let said = run(&stack, &Block { text: here, ..block }).await.output;
        assert!(said.contains("\"workflowId\",\"workflowName\""), "{said}");
    }
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn the_doctor_finds_no_fault() {
    let stack = Stack::start().await;
    if !stack.kafka().is_real() {
        return;
    }
    for block in blocks_of("the_doctor_finds_no_fault") {
        let said = run(&stack, &block).await.output;
        assert!(said.contains(", faults 0") && said.contains("the settings can be used"), "{said}");
        let json = std::fs::read_to_string(stack.folder().join("doctor.json")).expect("a document");
        let report: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(report["faults"], 0, "{report:#}");
    }
}

#[tokio::test]
async fn a_partition_is_reset_and_counted_again() {
    let stack = Stack::with_partitions(PARTITIONS).await;
    stack.produce(orders_in(PARTITION, "acme", 0..10)).await;
    count(&stack).await;
    for block in blocks_of("a_partition_is_reset_and_counted_again") {
        let said = run(&stack, &block).await.output;
        assert!(said.starts_with("TOPIC") && said.contains(&stack.topics().events), "{said}");
    }
    let next = "select next_offset from consumer_progress where topic = $1 and kafka_partition = $2";
    let row = stack.client().await.query_one(next, &[&stack.topics().events, &PARTITION]).await;
    assert_eq!(row.expect("a partition's progress").get::<_, Option<i64>>(0), Some(0));
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(10));
}

#[tokio::test]
async fn a_dead_letter_is_shown_and_redriven() {
    let stack = refused_by_the_clock(Message::order("acme", "o1", yesterday())).await;
    for block in blocks_of("a_dead_letter_is_shown_and_redriven") {
        let said = run(&stack, &block).await.output;
        assert!(said.contains("1 would be redriven\n1 redriven\n"), "{said}");
    }
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(1));
}

#[tokio::test]
async fn the_query_for_progress_shows_every_partition() {
    let at = yesterday();
    let run = Message::workflow("acme", "w1", at, Outcome::Success, 100);
    let message = Message::delivery("acme", "m1", at, at, Status::Sent);
    let stack = Stack::with_partitions(1).await;
    stack.produce(plain(vec![Message::order("acme", "o1", at), run, message])).await;
    count(&stack).await;
    for block in blocks_of("the_query_for_progress_shows_every_partition") {
        assert_eq!(rows(&stack, &block).await, stack.topics().all().len());
    }
}

#[tokio::test]
async fn the_query_for_locks_names_who_holds_one() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    client.batch_execute("begin; lock table ledger_segments in access share mode").await.expect("a lock");
    for block in blocks_of("the_query_for_locks_names_who_holds_one") {
        assert_eq!(rows(&stack, &block).await, 1);
    }
}

#[tokio::test]
async fn the_query_for_more_delivered_than_sent_names_hours() {
    let at = chrono::Utc::now() - chrono::TimeDelta::hours(2);
    let delivered = |n: i32| Message::delivery("acme", &format!("m{n}"), at, at, Status::Delivered);
    let stack = counted(plain((0..25).map(delivered))).await;
    for block in blocks_of("the_query_for_more_delivered_than_sent_names_hours") {
        assert_eq!(rows(&stack, &block).await, 1);
    }
}

#[tokio::test]
async fn the_query_for_refusals_finds_them() {
    let stack = refused_by_the_clock(Message::order("acme", "o1", yesterday())).await;
    for block in blocks_of("the_query_for_refusals_finds_them") {
        assert_eq!(rows(&stack, &block).await, 1);
    }
}

#[tokio::test]
async fn refusals_are_told_as_documented() {
    if lacks("the examples of refusals", "curl") {
        return;
    }
    let stack = counted(orders("acme", 10)).await;
    let order = Message::order("acme", "o1", yesterday()).encode();
    std::fs::write(stack.folder().join("order.bin"), order).expect("a record");
    let api = stack.api().serve().await;
    let token = Token::of("acme").claim("scope", "refusals:read").sign();
    for block in blocks_of("refusals_are_told_as_documented") {
        let here = block.text.replace("http://127.0.0.1:8080", &format!("http://{}", api.address()));
        let said = run(&stack, &Block { text: format!("TOKEN='{token}'\n{here}"), ..block }).await.output;
        let parts = ["would be counted", "\"records\":0"];
        assert!(parts.iter().any(|part| said.contains(part)), "{said}");
    }
}

#[tokio::test]
async fn the_page_is_told_the_documented_sign_in() {
    let stack = Stack::start().await;
    for block in blocks_of("the_page_is_told_the_documented_sign_in") {
        let launch = stack.api().without("JWT_HS256_SECRET").set("DASHBOARD_DIR", sign_in::built(&stack));
        let settings = block.text.lines().filter_map(|line| line.split_once('='));
        // Nobody answers at the documented address of keys, without which the page is served all the same.
        let api = settings.fold(launch, |launch, (name, value)| launch.set(name, value)).serve().await;
        let told = api.get_with("/overview/settings.json", &[]).await.json();
        assert_eq!(told["signIn"]["scope"], "openid profile", "{block}: {told}");
        assert_eq!(told["accessContact"], "metrics-team@example.com", "{block}: {told}");
    }
}

#[tokio::test]
async fn the_json_of_a_run_is_counted() {
    let stack = Stack::start().await;
    for block in blocks_of("the_json_of_a_run_is_counted") {
        assert!(block.text.contains(FINISHED_AT), "{block}");
        let json = block.text.replace(FINISHED_AT, &text(yesterday()));
        let record = Produced::garbage(Kind::Workflow, "acme", json.into_bytes());
        let headers = vec![("content-type", b"application/json".to_vec())];
        stack.produce([Produced { headers, ..record }]).await;
    }
    count(&stack).await;
    let run = Counters {
        workflows_total: 1,
        workflows_failed: 1,
        total_execution_time_ms: 1840,
        ..Counters::default()
    };
    stack.counts("acme").await.are(run);
}

fn table() -> Vec<Row> {
    TABLE.iter().chain(deploying::ROWS).chain(procedures::ROWS).chain(encryption::ROWS).copied().collect()
}

/// All blocks of the README and of `docs/`, but for those of the alerts' pages, which run elsewhere.
fn documented() -> Vec<Block> {
    let mut files = vec!["README.md".to_owned()];
    add_markdown("docs", &mut files);
    files.retain(|file| !crate::alerts::is_of_an_alert(file));
    let read = |file: &String| {
        let text = std::fs::read_to_string(workspace::root().join(file)).expect("a document");
        blocks(file, &text)
    };
    files.iter().flat_map(read).collect()
}

/// Adds the Markdown files below a folder, relative to the checkout.
fn add_markdown(folder: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(workspace::root().join(folder)).expect("a folder of documents") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            add_markdown(&path, files);
        } else if Path::new(&path).extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

/// The blocks that the table leaves to a story, in their order.
pub fn blocks_of(story: &'static str) -> Vec<Block> {
    let rows = table().into_iter().filter(|row| row.check == Check::Run(story));
    let documented = documented();
    rows.map(|row| documented.iter().find(|block| row.names(block)).expect("a block for the row").clone())
        .collect()
}

/// Runs a block in the story's folder, as the consumer's operator would. It must succeed.
pub async fn run(stack: &Stack, block: &Block) -> Ended {
    let script = here(stack, block);
    let launch = match &*block.language {
        "sh" => stack.consumer().shell(&script),
        "python" => stack.consumer().set("BLOCK", script).shell("printf %s \"$BLOCK\" | python3 -"),
        language => panic!("{block}: no story runs {language}"),
    };
    let ended = launch.run().await;
    assert_eq!(ended.code, Some(0), "{block}: {ended:#?}");
    ended
}

/// A block's text with this story's places instead of the documented ones. Nothing else is changed.
fn here(stack: &Stack, block: &Block) -> String {
    let protocol = workspace::root().join("proto/proto");
    let places = [
        ("localhost:9092", stack.kafka().brokers()),
        ("business-metrics.events.v1", &stack.topics().events),
        ("proto/proto", protocol.to_str().expect("a checkout's path is text")),
    ];
    places.iter().fold(block.text.clone(), |text, (documented, here)| text.replace(documented, here))
}

/// How many rows a documented query finds.
async fn rows(stack: &Stack, block: &Block) -> usize {
    let answers = stack.client().await.simple_query(&block.text).await;
    let answers = answers.unwrap_or_else(|error| panic!("{block}: {error:?}"));
    answers.iter().filter(|answer| matches!(answer, SimpleQueryMessage::Row(_))).count()
}

/// What the parser of a block's language says against it.
async fn parser_error(stack: &Stack, block: &Block) -> Option<String> {
    let parser = match &*block.language {
        "" => return None,
        "json" => return serde_json::from_str::<Value>(&block.text).err().map(|error| error.to_string()),
        "sql" => return rows_error(stack, block).await,
        "sh" => "bash -n",
        "python" => "python3 -c 'import ast, sys; ast.parse(sys.stdin.read())'",
        // No block of this language has types of its own.
        "ts" => "node --input-type=module --check -",
        language => return Some(format!("no parser for {language:?} is known here")),
    };
    let program = parser.split(' ').next().unwrap_or_default();
    if lacks(&format!("parsing {block}"), program) {
        return None;
    }
    let script = format!("printf %s \"$BLOCK\" | {parser}");
    let ended = stack.consumer().set("BLOCK", &*block.text).shell(&script).run().await;
    (ended.code != Some(0)).then_some(ended.errors)
}

async fn rows_error(stack: &Stack, block: &Block) -> Option<String> {
    stack.client().await.simple_query(&block.text).await.err().map(|error| format!("{error:?}"))
}

/// Whether this machine lacks a program; then it says what is skipped for it.
pub fn lacks(what: &str, program: &str) -> bool {
    let missing = Environment::read().find(program).is_none();
    if missing {
        say::line(format_args!("skipped: {what}, for there is no {program} here"));
    }
    missing
}

/// The topic and partition of the records that the documentation publishes.
fn place_of_acme(stack: &Stack) -> (String, i32) {
    (stack.topics().events.clone(), partition_of(b"acme", stack.partitions()))
}

/// A stack with a dead letter where the documentation has one. Its record can be counted now.
async fn refused_by_the_clock(message: Message) -> Stack {
    let stack = Stack::with_partitions(PARTITIONS).await;
    let insert = "insert into dead_letters (topic, kafka_partition, kafka_offset, key, headers, payload, reason, \
                  detail, organization_id) values ($1, $2, $3, 'acme', '[]', $4, 'from_the_future', '', 'acme')";
    let (topic, payload) = (&stack.topics().events, message.encode());
    let inserted = stack.client().await.execute(insert, &[topic, &PARTITION, &OFFSET, &payload]).await;
    inserted.expect("a dead letter");
    stack
}
