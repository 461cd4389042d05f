"""Publishes orders, payments, workflow runs and messages of three organizations. Everything is sent twice and counts once."""

import os
import sys

from confluent_kafka import Producer
from google.protobuf.timestamp_pb2 import Timestamp

from business_metrics.v1.records_pb2 import Event, MessageDelivery, PaymentAttempted, WorkflowTerminal

EVENTS = os.environ.get("EVENTS_TOPIC", "business-metrics.events.v1")
RUNS = os.environ.get("WORKFLOW_TERMINALS_TOPIC", "business-metrics.workflow-terminals.v1")
MESSAGES = os.environ.get("MESSAGE_DELIVERIES_TOPIC", "business-metrics.message-deliveries.v1")

producer = Producer({
    "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
    "partitioner": "murmur2_random",  # as Java's clients partition; librdkafka's own default differs
    "enable.idempotence": True,  # and acks=all: what a client retries by itself makes no copy
    "delivery.timeout.ms": 30_000,
})
undelivered = []


def happened(organization, at):
    """What happened, each with its topic. Each time is taken once, when it happens, and kept for every re-send."""
    about = {"organization_id": organization}
    order = Event(event_id="1001", occurred_at=at, order_created={"order_id": "1001"}, **about)
    paid = {"payment_id": "1001", "outcome": PaymentAttempted.OUTCOME_SUCCESSFUL}
    payment = Event(event_id="1001", occurred_at=at, payment_attempted=paid, **about)
    run = WorkflowTerminal(
        execution_id="run-77",
        workflow_id="invoice-sync",
        workflow_name="Invoice sync",
        outcome=WorkflowTerminal.OUTCOME_FAILED,
        finished_at=at,
        execution_time_ms=1840,
        error_message="the invoice has no address",
        **about,
    )
    # All records about a message have the same sent_at: when it was sent.
    message = {"message_id": "message-5", "channel": "email", "sent_at": at, **about}
    sent = MessageDelivery(status=MessageDelivery.STATUS_SENT, occurred_at=at, **message)
    delivered = MessageDelivery(status=MessageDelivery.STATUS_DELIVERED, occurred_at=at, **message)
    return [(EVENTS, order), (EVENTS, payment), (RUNS, run), (MESSAGES, sent), (MESSAGES, delivered)]


def reported(error, message):
    """Called when a record is delivered, or when the client has given up."""
    place = f"{message.topic()}/{message.partition()}"
    if error:
        undelivered.append(message)
        print(f"{place}: {error}", file=sys.stderr)
    else:
        print(f"{place}@{message.offset()}")


def publish(topic, record):
    key, value = record.organization_id.encode(), record.SerializeToString()
    while True:
        try:
            producer.produce(topic, key=key, value=value, on_delivery=reported)
            return
        except BufferError:  # the client's queue is full
            producer.poll(1)


for organization in ["acme", "globex", "café"]:
    now = Timestamp()
    now.GetCurrentTime()
    records = happened(organization, now)
    for topic, record in records + records:  # as after a timeout: again, unchanged
        publish(topic, record)

if producer.flush(60) > 0 or undelivered:
    sys.exit("not everything was delivered: send it again later, unchanged")
