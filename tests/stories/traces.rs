//! Traces: a batch is linked to those who produced its records, a request is a part of its client's trace, and whatever becomes
//! of the collector, counting and answering go on.

use crate::documented::{blocks_of, lacks, run};
use crate::requests::line_of;
use crate::telling::{orders, orders_created, yesterday};
use crate::webhooks::{endpoint, send, telling};
use load::{Message, Produced};
use stack::port;
use stack::wait::{self, Seen};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::documented::Block;
use tests::{Api, Collected, Collector, Launch, Member, Receiver, Stack, Token};

/// How long it may take until something is in a metric or in a log.
const SEEN_LIMIT: Duration = Duration::from_secs(60);

/// What the collector is told, and nobody else.
const KEY: &str = "only-the-collector-knows-this";

/// A trace of the story's own, with spans of others in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const UNRECORDED_TRACE: &str = "b7ad6b7169203331b7ad6b7169203331";
const SPAN: &str = "00f067aa0ba902b7";

fn traced<'a>(launch: Launch<'a>, collector: &Collector) -> Launch<'a> {
    launch
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .set("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={KEY}"))
}

/// An order of this number that was produced in this span, if in any.
fn order(number: usize, traceparent: Option<String>) -> Produced {
    let mut order = Produced::plain(Message::order("acme", &format!("o{number}"), yesterday()));
    order.headers.extend(traceparent.map(|span| ("traceparent", span.into_bytes())));
    order
}

fn batches(spans: &[Collected]) -> impl Iterator<Item = &Collected> {
    spans.iter().filter(|span| span.name.starts_with("process"))
}

/// What an attribute of these spans adds up to.
fn sum<'a>(spans: impl Iterator<Item = &'a Collected>, key: &str) -> u64 {
    spans
        .map(|span| span.attribute(key).parse::<u64>().unwrap_or_else(|_| panic!("{key} of {span:#?}")))
        .sum()
}

/// Waits for batches of so many records in all.
async fn until_sent(collector: &Collector, records: u64) -> Vec<Collected> {
    let look = |spans: &[Collected]| {
        let seen = sum(batches(spans), "messaging.batch.message_count");
        (seen >= records).then(|| spans.to_vec())
    };
    collector.until("the spans of batches", look).await
}

/// Waits for the span of a request that was made with this traceparent, and returns it with all that had come until then.
async fn until_answered(collector: &Collector, trace: &str) -> (Collected, Vec<Collected>) {
    let look = |spans: &[Collected]| {
        let is_it = |span: &&Collected| span.trace == trace && span.parent == SPAN;
        spans.iter().find(is_it).map(|request| (request.clone(), spans.to_vec()))
    };
    collector.until("the span of a request", look).await
}

#[tokio::test]
async fn a_batch_is_linked_to_the_spans_that_produced_its_records() {
    let (stack, collector) = (Stack::start().await, Collector::start().await);
    let recorded = |trace: &str, span: u8| Some(format!("00-{trace}-{span:016x}-01"));
    stack
        .produce([
            order(0, recorded(TRACE, 1)),
            order(1, None),
            order(2, recorded(TRACE, 2)),
            order(3, recorded(OTHER_TRACE, 3)),
            order(4, Some(format!("00-{UNRECORDED_TRACE}-{SPAN}-00"))),
            order(5, Some("nonsense".to_owned())),
        ])
        .await;
    let attributes = "deployment.environment.name=story,service.name=counter";
    let consumer =
        traced(stack.consumer(), &collector).set("OTEL_RESOURCE_ATTRIBUTES", attributes).start().await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(6));
    let log = consumer.log_tail();
    // It sends what it has before it ends.
    assert_eq!(consumer.stop().await, Some(0));
    let spans = until_sent(&collector, 6).await;

    let all: Vec<_> = batches(&spans).collect();
    assert_eq!(sum(all.iter().copied(), "business_metrics.records.counted"), 6, "{spans:#?}");
    let links: BTreeSet<_> = all.iter().flat_map(|batch| batch.links.iter().cloned()).collect();
    for (trace, span) in [(TRACE, 1), (OTHER_TRACE, 3)] {
        assert!(links.contains(&format!("{trace}-{span:016x}")), "{links:?}");
    }
    assert!(!links.iter().any(|link| link.starts_with(UNRECORDED_TRACE)), "{links:?}");
    for batch in all {
        assert!(batch.parent.is_empty() && !batch.failed, "{batch:#?}");
        assert_eq!(batch.name, format!("process {}", stack.topics().events));
        for (key, expected) in [
            ("messaging.system", "kafka"),
            ("messaging.operation.type", "process"),
            ("messaging.destination.name", &*stack.topics().events),
            ("messaging.consumer.group.name", stack.name()),
        ] {
            assert_eq!(batch.attribute(key), expected, "{batch:#?}");
        }
        let place = format!("{}/", stack.topics().events);
        assert!(batch.attribute("business_metrics.partitions").starts_with(&place), "{batch:#?}");
        assert_eq!(batch.service, "counter");
        let steps = batch.steps(&spans);
        assert!(
            ["decide", "fold", "write"].iter().all(|step| steps.iter().any(|name| name == step)),
            "{steps:?}"
        );
        let write =
            batch.children(&spans).into_iter().find(|step| step.name == "write").expect("one of them");
        assert!(write.steps(&spans).iter().any(|step| step == "commit"), "{spans:#?}");
    }
    let is_announced = spans.iter().any(|span| span.name == "announce");
    assert_eq!(is_announced, stack.redis().is_some(), "{spans:#?}");
    assert_eq!(collector.header("api-key"), KEY);
    assert!(!collector.has_seen(KEY) && !log.contains(KEY), "a secret is in an attribute or in the log");
    assert!(!collector.has_seen("acme"), "an organization is in a span of a batch");
}

/// A request for the summary with this token and this traceparent. It must succeed.
async fn ask(api: &Api, token: &str, traceparent: &str) -> String {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", &*authorization), ("traceparent", traceparent)];
    let answer = api.get_with("/metrics/summary", &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.header("x-request-id").to_owned()
}

#[tokio::test]
async fn a_request_is_a_part_of_its_clients_trace_and_leads_to_the_batch_it_answers_from() {
    let (stack, collector) = (Stack::start().await, Collector::start().await);
    stack.produce(orders("acme", 10)).await;
    let consumer = traced(stack.consumer(), &collector).start().await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0));
    until_sent(&collector, 10).await;

    let api = traced(stack.api(), &collector).serve().await;
    let token = Token::of("acme").sign();
    let id = ask(&api, &token, &format!("00-{TRACE}-{SPAN}-01")).await;
    let (request, spans) = until_answered(&collector, TRACE).await;
    assert_eq!((&*request.name, &*request.service), ("GET /metrics/summary", "business-metrics-query-api"));
    for (key, expected) in [
        ("http.request.method", "GET"),
        ("http.route", "/metrics/summary"),
        ("http.response.status_code", "200"),
        ("business_metrics.organization", "acme"),
        ("business_metrics.request_id", &*id),
    ] {
        assert_eq!(request.attribute(key), expected, "{request:#?}");
    }
    let child = |of: &Collected, name: &str| {
        let found = of.children(&spans).into_iter().find(|span| span.name == name).cloned();
        found.unwrap_or_else(|| panic!("{} has no {name}: {spans:#?}", of.name))
    };
    assert_eq!(child(&request, "cache").attribute("business_metrics.cache.hits"), "0");
    let load = child(&request, "load");
    for step in ["turn", "connection", "statements", "compose"] {
        child(&load, step);
    }
    assert_eq!(child(&load, "statements").attribute("db.system.name"), "postgresql");
    if stack.redis().is_some() {
        assert_eq!(child(&request, "redis").attribute("business_metrics.cache.hit"), "false");
        let announced = spans.iter().rfind(|span| span.name == "announce").expect("what was announced");
        assert_eq!(load.links, [format!("{}-{}", announced.trace, announced.parent)]);
    }
    let line = line_of(&api, &id).await;
    assert_eq!((&line["trace_id"], &line["organization"]), (&TRACE.into(), &"acme".into()), "{line}");

    ask(&api, &token, &format!("00-{UNRECORDED_TRACE}-{SPAN}-00")).await;
    let refused = ("authorization", "Bearer nonsense");
    let traceparent = format!("00-{OTHER_TRACE}-{SPAN}-01");
    let refusal = api.get_with("/metrics/summary", &[refused, ("traceparent", &traceparent)]).await;
    assert_eq!(refusal.status, 401);
    let (refused, spans) = until_answered(&collector, OTHER_TRACE).await;
    assert_eq!(refused.attribute("http.response.status_code"), "401", "{refused:#?}");
    assert_eq!(refused.attribute("business_metrics.refusal"), "token-invalid", "{refused:#?}");
    assert!(!refused.failed && refused.attribute("business_metrics.organization").is_empty(), "{refused:#?}");
    assert!(
        !spans.iter().any(|span| span.trace == UNRECORDED_TRACE),
        "its client records nothing: {spans:#?}"
    );
    assert_eq!(api.stop().await, Some(0));
    assert!(!collector.has_seen(&token) && !collector.has_seen(KEY), "a secret is in an attribute");
}

#[tokio::test]
async fn a_webhook_carries_the_trace_of_the_request_that_made_it() {
    let (stack, collector, receiver) =
        (Stack::start().await, Collector::start().await, Receiver::start().await);
    let api = traced(telling(&stack), &collector).serve().await;
    let (path, secret) = endpoint(&api, "acme", &receiver.url()).await;
    let tested = send(&api, "POST", &format!("{path}/test"), "acme", None).await;
    assert_eq!(tested.status, 200, "{}", tested.body);
    let carried = receiver.received()[0].traceparent.clone();
    let look = |spans: &[Collected]| {
        let attempt = spans.iter().find(|span| span.traceparent() == carried)?;
        let request = spans.iter().find(|span| span.id == attempt.parent)?;
        Some((attempt.clone(), request.clone()))
    };
    let (attempt, request) = collector.until("the span of an attempt", look).await;
    assert_eq!((&*attempt.name, attempt.attribute("http.response.status_code")), ("POST", "204"));
    assert_eq!(request.name, "POST /settings/webhooks");
    assert!(!collector.has_seen(&secret), "a webhook's secret is in an attribute");
}

/// Waits until so many spans of the member have this outcome, by its metric.
async fn until_spans(member: &Member, outcome: &str, spans: f64) {
    let waiting = wait::until("spans of an outcome", SEEN_LIMIT, async || {
        let seen = member.metric("consumer_spans_total", &format!("outcome=\"{outcome}\"")).await;
        Ok(Seen::when(seen >= spans, format!("{seen} of {spans} are {outcome}")))
    });
    waiting.await.expect("spans of that outcome");
}

#[tokio::test]
async fn while_the_collector_is_away_counting_goes_on_and_the_log_says_so_once() {
    let stack = Stack::start().await;
    let port = port::free().expect("a port");
    let url = format!("http://127.0.0.1:{port}");
    let consumer = stack.consumer().set("OTEL_EXPORTER_OTLP_ENDPOINT", url).start().await;
    for round in 0..3_usize {
        let failed = consumer.metric("consumer_spans_total", "outcome=\"failed\"").await;
        stack.produce((round * 100..(round + 1) * 100).map(|number| order(number, None))).await;
        stack.until_idle().await;
        until_spans(&consumer, "failed", failed + 1.0).await;
    }
    stack.counts("acme").await.are(orders_created(300));
    let said = |what: &str| consumer.log_tail().matches(what).count();
    assert_eq!(said("the collector takes no spans"), 1, "{}", consumer.log_tail());

    let collector = Collector::at(port).await;
    stack.produce((300..400).map(|number| order(number, None))).await;
    until_sent(&collector, 100).await;
    until_spans(&consumer, "sent", 1.0).await;
    let again = wait::until("the log to say that the collector is back", SEEN_LIMIT, async || {
        Ok(Seen::when(said("the collector takes spans again") == 1, consumer.log_tail()))
    });
    again.await.expect("a line");
    assert_eq!(said("the collector takes no spans"), 1, "{}", consumer.log_tail());
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(400));
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_collector_that_takes_connections_and_is_silent_delays_neither_counting_nor_the_end() {
    let stack = Stack::start().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let launch = stack.consumer().set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let consumer = launch.set("OTEL_EXPORTER_OTLP_TIMEOUT", "300").start().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    until_spans(&consumer, "failed", 1.0).await;
    assert!(consumer.log_tail().contains("no answer within 300ms"), "{}", consumer.log_tail());
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn without_an_endpoint_there_are_no_traces_whatever_else_is_set() {
    fn set(launch: Launch<'_>) -> Launch<'_> {
        launch
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", "")
            .set("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={KEY}"))
            .set("OTEL_TRACES_SAMPLER", "always_on")
            .set("OTEL_SERVICE_NAME", "counter")
    }
    let stack = Stack::start().await;
    let (consumer, api) = (set(stack.consumer()).start().await, set(stack.api()).serve().await);
    stack.produce([order(0, Some(format!("00-{TRACE}-{SPAN}-01")))]).await;
    stack.until_idle().await;
    let id = ask(&api, &Token::of("acme").sign(), &format!("00-{TRACE}-{SPAN}-01")).await;
    let line = line_of(&api, &id).await;
    assert!(line["trace_id"].is_null(), "{line}");
    for member in [&consumer, &*api] {
        let metrics = member.admin("/metrics").await.body;
        assert!(!metrics.contains("_spans_total"), "{metrics}");
        assert!(!member.log_tail().contains("traces are sent"), "{}", member.log_tail());
    }
}

#[tokio::test]
async fn a_setting_of_traces_that_is_wrong_is_named_and_its_secret_is_not_shown() {
    let stack = Stack::start().await;
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", KEY),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/authorities.pem"),
        ("OTEL_RESOURCE_ATTRIBUTES", "production"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ] {
        for launch in [stack.consumer(), stack.api()] {
            let launch = launch.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").set(name, value);
            let ended = launch.run().await;
            assert_eq!(ended.code, Some(2), "{name}={value}: {ended:#?}");
            // The command line writes a setting as a flag.
            let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
            let said = ended.output + &ended.errors;
            assert!(said.contains(name) || said.contains(&flag), "{name}: {said}");
            assert!(!said.contains(KEY), "{name}: {said}");
        }
    }
}

fn with_settings<'a>(launch: Launch<'a>, block: &Block) -> Launch<'a> {
    let settings = block.text.lines().filter_map(|line| line.split_once('='));
    settings.fold(launch, |launch, (name, value)| launch.set(name, value))
}

#[tokio::test]
async fn the_documented_settings_of_traces_are_accepted() {
    let stack = Stack::start().await;
    for block in blocks_of("the_documented_settings_of_traces_are_accepted") {
        // Nobody has the documented collector's name here, and nothing waits for it.
        let consumer = with_settings(stack.consumer(), &block).start().await;
        let api = with_settings(stack.api(), &block).serve().await;
        for member in [&consumer, &*api] {
            let said = wait::until("a member to say that it sends traces", SEEN_LIMIT, async || {
                Ok(Seen::when(member.log_tail().contains("traces are sent"), member.log_tail()))
            });
            said.await.expect("a line");
        }
        assert_eq!((consumer.stop().await, api.stop().await), (Some(0), Some(0)));
    }
}

#[tokio::test]
async fn a_documented_trace_is_continued_by_both_services() {
    if lacks("the example of traces", "kcat") || lacks("the example of traces", "curl") {
        return;
    }
    let (stack, collector) = (Stack::start().await, Collector::start().await);
    let consumer = traced(stack.consumer(), &collector).start().await;
    let api = traced(stack.api(), &collector).serve().await;
    for block in blocks_of("a_documented_trace_is_continued_by_both_services") {
        let address = format!("http://{}", api.address());
        let token = Token::of("acme").sign();
        let text = format!("TOKEN='{token}'\n{}", block.text.replace("http://127.0.0.1:8080", &address));
        run(&stack, &Block { text, ..block }).await;
        let spans = until_sent(&collector, 1).await;
        let links: Vec<_> = batches(&spans).flat_map(|batch| batch.links.iter().cloned()).collect();
        assert_eq!(links, [format!("{TRACE}-{SPAN}")], "{spans:#?}");
        let (request, _) = until_answered(&collector, TRACE).await;
        assert_eq!(request.name, "GET /metrics/summary");
    }
    assert_eq!((consumer.stop().await, api.stop().await), (Some(0), Some(0)));
}
