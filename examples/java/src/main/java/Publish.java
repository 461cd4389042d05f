import businessmetrics.v1.Event;
import businessmetrics.v1.MessageDelivery;
import businessmetrics.v1.OrderCreated;
import businessmetrics.v1.PaymentAttempted;
import businessmetrics.v1.WorkflowTerminal;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes orders, payments, workflow runs and messages of three organizations. Everything is sent twice and counts once. */
public final class Publish {
    private static final String EVENTS = setting("EVENTS_TOPIC", "business-metrics.events.v1");
    private static final String RUNS = setting("WORKFLOW_TERMINALS_TOPIC", "business-metrics.workflow-terminals.v1");
    private static final String MESSAGES = setting("MESSAGE_DELIVERIES_TOPIC", "business-metrics.message-deliveries.v1");

    public static void main(String[] arguments) throws Exception {
        // The client's defaults are right: it partitions by murmur2, waits for all replicas, and is idempotent.
        Map<String, Object> settings = Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, setting("KAFKA_BROKERS", "localhost:9092"),
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 60_000);
        // The key's serializer writes the id in UTF-8, and nothing around it.
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (String organization : List.of("acme", "globex", "café")) {
                var records = happened(organization, now());
                records.forEach(record -> sent.add(producer.send(record)));
                records.forEach(record -> sent.add(producer.send(record))); // as after a timeout: again, unchanged
            }
            for (var delivery : sent) {
                // Throws if it was not delivered: then send it again later, unchanged.
                System.out.println(delivery.get());
            }
        }
    }

    /** What happened. Each time is taken once, when it happens, and kept for every re-send. */
    private static List<ProducerRecord<String, byte[]>> happened(String organization, Timestamp at) {
        var event = Event.newBuilder().setEventId("1001").setOrganizationId(organization).setOccurredAt(at);
        var order = event.clone().setOrderCreated(OrderCreated.newBuilder().setOrderId("1001"));
        var payment = event.clone().setPaymentAttempted(PaymentAttempted.newBuilder()
                .setPaymentId("1001").setOutcome(PaymentAttempted.Outcome.OUTCOME_SUCCESSFUL));
        var run = WorkflowTerminal.newBuilder().setExecutionId("run-77").setOrganizationId(organization)
                .setWorkflowId("invoice-sync").setWorkflowName("Invoice sync").setFinishedAt(at).setExecutionTimeMs(1840)
                .setOutcome(WorkflowTerminal.Outcome.OUTCOME_FAILED).setErrorMessage("the invoice has no address");
        // All records about a message have the same time of sending.
        var message = MessageDelivery.newBuilder().setMessageId("message-5").setOrganizationId(organization)
                .setChannel("email").setSentAt(at).setOccurredAt(at);
        var sent = message.clone().setStatus(MessageDelivery.Status.STATUS_SENT);
        var delivered = message.clone().setStatus(MessageDelivery.Status.STATUS_DELIVERED);
        return List.of(record(EVENTS, organization, order), record(EVENTS, organization, payment),
                record(RUNS, organization, run), record(MESSAGES, organization, sent),
                record(MESSAGES, organization, delivered));
    }

    private static ProducerRecord<String, byte[]> record(String topic, String key, MessageLite.Builder message) {
        return new ProducerRecord<>(topic, key, message.build().toByteArray());
    }

    private static Timestamp now() {
        Instant now = Instant.now();
        return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
    }

    private static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
