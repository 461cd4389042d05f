// Publishes orders, payments, workflow runs and messages of three organizations. Everything is sent twice and counts once.
import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampNow } from "@bufbuild/protobuf/wkt";
import { Kafka, logLevel, Partitioners, type TopicMessages } from "kafkajs";
import {
  EventSchema,
  MessageDelivery_Status,
  MessageDeliverySchema,
  PaymentAttempted_Outcome,
  WorkflowTerminal_Outcome,
  WorkflowTerminalSchema,
} from "./generated/business_metrics/v1/records_pb.js";

const { env } = process;
const EVENTS = env.EVENTS_TOPIC ?? "business-metrics.events.v1";
const RUNS = env.WORKFLOW_TERMINALS_TOPIC ?? "business-metrics.workflow-terminals.v1";
const MESSAGES = env.MESSAGE_DELIVERIES_TOPIC ?? "business-metrics.message-deliveries.v1";

/** What happened, by topic. Each time is taken once, when it happens, and kept for every re-send. */
function happened(organizationId: string, at: Timestamp): TopicMessages[] {
  const event = { eventId: "1001", organizationId, occurredAt: at };
  const order = create(EventSchema, { ...event, body: { case: "orderCreated", value: { orderId: "1001" } } });
  const paid = { paymentId: "1001", outcome: PaymentAttempted_Outcome.SUCCESSFUL };
  const payment = create(EventSchema, { ...event, body: { case: "paymentAttempted", value: paid } });
  const run = create(WorkflowTerminalSchema, {
    executionId: "run-77",
    organizationId,
    workflowId: "invoice-sync",
    workflowName: "Invoice sync",
    outcome: WorkflowTerminal_Outcome.FAILED,
    finishedAt: at,
    executionTimeMs: 1840n,
    errorMessage: "the invoice has no address",
  });
  // All records about a message have the same sentAt: when it was sent.
  const message = { messageId: "message-5", organizationId, channel: "email", sentAt: at, occurredAt: at };
  const sent = create(MessageDeliverySchema, { ...message, status: MessageDelivery_Status.SENT });
  const delivered = create(MessageDeliverySchema, { ...message, status: MessageDelivery_Status.DELIVERED });
  // A key that is a string is sent in UTF-8, with nothing around it.
  const record = (value: Uint8Array) => ({ key: organizationId, value: Buffer.from(value) });
  return [
    { topic: EVENTS, messages: [order, payment].map((it) => record(toBinary(EventSchema, it))) },
    { topic: RUNS, messages: [record(toBinary(WorkflowTerminalSchema, run))] },
    { topic: MESSAGES, messages: [sent, delivered].map((it) => record(toBinary(MessageDeliverySchema, it))) },
  ];
}

const kafka = new Kafka({
  brokers: (env.KAFKA_BROKERS ?? "localhost:9092").split(","),
  logLevel: logLevel.ERROR,
});
const producer = kafka.producer({
  createPartitioner: Partitioners.DefaultPartitioner, // as Java's clients partition; LegacyPartitioner differs
  idempotent: true, // and acks=all
  maxInFlightRequests: 1,
});
await producer.connect();
for (const organization of ["acme", "globex", "café"]) {
  const records = happened(organization, timestampNow());
  for (const topicMessages of [records, records]) {
    // As after a timeout: again, unchanged. It throws if a record was not delivered: then send all of it again later.
    const places = await producer.sendBatch({ topicMessages });
    places.forEach((it) => console.log(`${it.topicName}/${it.partition}@${it.baseOffset}`));
  }
}
await producer.disconnect();
