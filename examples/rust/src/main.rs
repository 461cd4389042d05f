//! Publishes orders, payments, workflow runs and messages of three organizations. Everything is sent twice and counts once.

use anyhow::Context as _;
use prost::Message as _;
use prost_types::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::time::{Duration, SystemTime};
use v1::{Event, MessageDelivery, OrderCreated, PaymentAttempted, WorkflowTerminal};
use v1::{event::Body, message_delivery::Status, payment_attempted, workflow_terminal};

#[allow(clippy::all)] // generated
mod v1 {
    include!(concat!(env!("OUT_DIR"), "/business_metrics.v1.rs"));
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", setting("KAFKA_BROKERS", "localhost:9092"))
        .set("partitioner", "murmur2_random") // as Java's clients partition; librdkafka's own default differs
        .set("enable.idempotence", "true") // and acks=all
        .set("delivery.timeout.ms", "30000")
        .create()?;
    for organization in ["acme", "globex", "café"] {
        let records = happened(organization, SystemTime::now().into());
        // As after a timeout: again, unchanged.
        for (topic, value) in records.iter().chain(&records) {
            // The key is the id in UTF-8, and nothing around it.
            let record = FutureRecord::to(topic).key(organization).payload(value);
            let delivery = producer.send(record, Duration::from_secs(30)).await.map_err(|(error, _)| error);
            let delivery =
                delivery.context("not everything was delivered: send it again later, unchanged")?;
            println!("{topic}: {delivery:?}");
        }
    }
    Ok(())
}

/// What happened: topics and values. Each time is taken once, when it happens, and kept for every re-send.
fn happened(organization: &str, at: Timestamp) -> [(String, Vec<u8>); 5] {
    let (organization_id, at) = (organization.to_owned(), Some(at));
    let event = |body| {
        let organization_id = organization_id.clone();
        Event { event_id: "1001".into(), organization_id, occurred_at: at, body: Some(body) }.encode_to_vec()
    };
    let outcome = payment_attempted::Outcome::Successful.into();
    let run = WorkflowTerminal {
        execution_id: "run-77".into(),
        organization_id: organization_id.clone(),
        workflow_id: "invoice-sync".into(),
        workflow_name: "Invoice sync".into(),
        outcome: workflow_terminal::Outcome::Failed.into(),
        finished_at: at,
        execution_time_ms: 1840,
        error_message: "the invoice has no address".into(),
    };
    // All records about a message have the same `sent_at`: when it was sent.
    let message = |status: Status| {
        let (message_id, channel) = ("message-5".into(), "email".into());
        let (organization_id, status) = (organization_id.clone(), status.into());
        MessageDelivery { message_id, organization_id, status, sent_at: at, occurred_at: at, channel }
            .encode_to_vec()
    };
    let events = setting("EVENTS_TOPIC", "business-metrics.events.v1");
    let messages = setting("MESSAGE_DELIVERIES_TOPIC", "business-metrics.message-deliveries.v1");
    [
        (events.clone(), event(Body::OrderCreated(OrderCreated { order_id: "1001".into() }))),
        (events, event(Body::PaymentAttempted(PaymentAttempted { payment_id: "1001".into(), outcome }))),
        (setting("WORKFLOW_TERMINALS_TOPIC", "business-metrics.workflow-terminals.v1"), run.encode_to_vec()),
        (messages.clone(), message(Status::Sent)),
        (messages, message(Status::Delivered)),
    ]
}

fn setting(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.into())
}
