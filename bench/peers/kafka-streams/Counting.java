package peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Counts the records of one partition of each topic. Records are keyed by organization, so an organization's totals are
 * known here alone, and are written to PostgreSQL whole: a write that is repeated after a failure does no harm. Writing
 * is left to a thread of its own, so that the stream's threads don't wait for PostgreSQL.
 *
 * <p>A day is the sum of its hours, so only hours are stored. After a start all totals are written once, because the
 * last ones committed to Kafka may not have reached PostgreSQL.
 */
final class Counting extends ContextualProcessor<byte[], byte[], Void, Void> {
    static final String IDS = "ids";
    static final String TOTALS = "totals";
    /** How long a record may wait to be seen in PostgreSQL. */
    private static final Duration WRITE_EVERY = Duration.ofMillis(500);
    private static final byte[] SEEN = new byte[0];

    private final Run run;
    private KeyValueStore<Bytes, byte[]> ids;
    private KeyValueStore<Bytes, byte[]> stored;
    private Tables tables;
    /** By organization, each hour's totals. */
    private final Map<String, NavigableMap<Long, long[]>> totals = new HashMap<>();
    private final Map<String, Set<Long>> unwritten = new HashMap<>();
    /** The thread that writes, and what it was given last. */
    private final ExecutorService writer = Executors.newSingleThreadExecutor();
    private Future<?> written = CompletableFuture.completedFuture(null);

    Counting(Run run) {
        this.run = run;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        super.init(context);
        ids = context.getStateStore(IDS);
        stored = context.getStateStore(TOTALS);
        try (KeyValueIterator<Bytes, byte[]> all = stored.all()) {
            while (all.hasNext()) {
                restore(all.next());
            }
        }
        try {
            tables = new Tables(run.jdbcUrl);
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
        context.schedule(WRITE_EVERY, PunctuationType.WALL_CLOCK_TIME, time -> {
            // A write that takes longer is not piled upon.
            if (written.isDone()) {
                write();
            }
        });
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Run.noteRecord();
        String topic = context().recordMetadata().orElseThrow().topic();
        Counted counted;
        try {
            counted = Counted.decode(run.topics.indexOf(topic), record.value());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        if (counted == null || ids.putIfAbsent(idKey(counted), SEEN) != null) {
            return;
        }
        String organization = counted.organization();
        long hour = Buckets.start(counted.seconds(), Buckets.HOUR);
        long[] counters = totals.computeIfAbsent(organization, name -> new TreeMap<>())
                .computeIfAbsent(hour, start -> new long[8]);
        counted.change().addTo(counters, counted.executionMillis());
        stored.put(totalKey(organization, hour), encode(counters));
        unwritten.computeIfAbsent(organization, name -> new HashSet<>()).add(hour);
    }

    @Override
    public void close() {
        try {
            write();
            await(written);
            tables.close();
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        } finally {
            writer.shutdown();
        }
    }

    /** Hands the totals that changed to the writer, after the write before has succeeded. */
    private void write() {
        await(written);
        List<Row> hours = new ArrayList<>();
        List<Row> days = new ArrayList<>();
        unwritten.forEach((organization, changed) -> {
            NavigableMap<Long, long[]> all = totals.get(organization);
            changed.forEach(hour -> hours.add(new Row(organization, hour, all.get(hour).clone())));
            changed.stream().map(hour -> Buckets.start(hour, Buckets.DAY)).distinct().forEach(day -> {
                long[] sum = new long[8];
                all.subMap(day, day + Buckets.DAY).values().forEach(counters -> add(sum, counters));
                days.add(new Row(organization, day, sum));
            });
        });
        if (hours.isEmpty()) {
            return;
        }
        unwritten.clear();
        written = writer.submit(() -> {
            tables.write(hours, days);
            return null;
        });
    }

    private static void await(Future<?> write) {
        try {
            write.get();
        } catch (InterruptedException | ExecutionException error) {
            throw new IllegalStateException(error);
        }
    }

    private void restore(KeyValue<Bytes, byte[]> entry) {
        ByteBuffer key = ByteBuffer.wrap(entry.key.get());
        long hour = key.getLong();
        String organization = StandardCharsets.UTF_8.decode(key).toString();
        long[] counters = new long[8];
        ByteBuffer.wrap(entry.value).asLongBuffer().get(counters);
        totals.computeIfAbsent(organization, name -> new TreeMap<>()).put(hour, counters);
        unwritten.computeIfAbsent(organization, name -> new HashSet<>()).add(hour);
    }

    private static void add(long[] sum, long[] counters) {
        for (int place = 0; place < sum.length; place++) {
            sum[place] += counters[place];
        }
    }

    /** NUL can't be part of an id. */
    private static Bytes idKey(Counted counted) {
        return Bytes.wrap((counted.organization() + '\0' + counted.id()).getBytes(StandardCharsets.UTF_8));
    }

    private static Bytes totalKey(String organization, long hour) {
        byte[] name = organization.getBytes(StandardCharsets.UTF_8);
        return Bytes.wrap(ByteBuffer.allocate(8 + name.length).putLong(hour).put(name).array());
    }

    private static byte[] encode(long[] counters) {
        ByteBuffer bytes = ByteBuffer.allocate(64);
        bytes.asLongBuffer().put(counters);
        return bytes.array();
    }
}
