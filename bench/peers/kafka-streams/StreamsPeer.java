package peers;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams, {@code exactly_once_v2}: ids in RocksDB, totals in memory, both in changelogs; see README.md. */
public final class StreamsPeer {
    /** Each commit ends a transaction over all changelogs. PostgreSQL is written more often and doesn't wait for it. */
    private static final int COMMIT_INTERVAL_MS = 5_000;
    private static final int TRANSACTION_TIMEOUT_MS = 60_000;
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(30);

    private StreamsPeer() {}

    public static void main(String[] arguments) throws InterruptedException {
        Run warmUp = Run.warmUp();
        try (KafkaStreams streams = start(warmUp)) {
            warmUp.awaitWarmth();
            streams.close(CLOSE_LIMIT);
        }
        start(Run.measured());
        new CountDownLatch(1).await();
    }

    private static KafkaStreams start(Run run) {
        KafkaStreams streams = new KafkaStreams(topology(run), properties(run));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        streams.start();
        return streams;
    }

    private static Topology topology(Run run) {
        return new Topology()
                .addSource("records", new ByteArrayDeserializer(), new ByteArrayDeserializer(),
                        run.topics.toArray(new String[0]))
                .addProcessor("counting", () -> new Counting(run), "records")
                // Every id is written once and asked for once: a cache before RocksDB would only cost.
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                Stores.persistentKeyValueStore(Counting.IDS), Serdes.Bytes(), Serdes.ByteArray())
                                .withCachingDisabled(),
                        "counting")
                // Totals change with every record: the cache has the changelog get each once a commit.
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                Stores.inMemoryKeyValueStore(Counting.TOTALS), Serdes.Bytes(), Serdes.ByteArray())
                                .withCachingEnabled(),
                        "counting");
    }

    private static Properties properties(Run run) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, run.group);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, run.brokers);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_INTERVAL_MS);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, run.threads);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, run.stateFolder.toString());
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDbMemory.class);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
        properties.put(
                StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), TRANSACTION_TIMEOUT_MS);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 100);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        return properties;
    }
}
