package peers;

import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * One run over topics into a database: first the warm-up, then the one that is measured, in the same Java machine. Its
 * clock starts with the first record read: what comes before, group joining and all, isn't counted.
 */
public final class Run {
    /** The run under way: there is one at a time, and its parts are in this Java machine. */
    private static volatile Run current;

    public final String brokers;
    public final String group;
    public final List<String> topics;
    public final String jdbcUrl;
    public final Path stateFolder;
    public final int threads;
    private final LongAdder read = new LongAdder();
    private final AtomicBoolean started = new AtomicBoolean();

    private Run(Map<String, String> environment, String prefix) {
        brokers = environment.get("KAFKA_BROKERS");
        group = environment.get(prefix + "GROUP_ID");
        topics = List.of(environment.get(prefix + "TOPICS").split(","));
        jdbcUrl = jdbc(URI.create(environment.get(prefix + "DATABASE_URL")));
        stateFolder = Path.of(environment.get("STATE_DIR"), prefix + "state");
        threads = Integer.parseInt(environment.get("THREADS"));
    }

    /** The run that gets the Java machine going. */
    public static Run warmUp() {
        current = new Run(System.getenv(), "WARM_UP_");
        return current;
    }

    /** The run that is measured. */
    public static Run measured() {
        current = new Run(System.getenv(), "");
        return current;
    }

    /** Notes that a record was read. */
    public static void noteRecord() {
        Run run = current;
        run.read.increment();
        if (!run.started.get() && run.started.compareAndSet(false, true)) {
            run.startClock();
        }
    }

    /** Waits until the warm-up has read as many records as there are for it. */
    public void awaitWarmth() throws InterruptedException {
        long records = Long.parseLong(System.getenv("WARM_UP_RECORDS"));
        while (read.sum() < records) {
            Thread.sleep(50);
        }
    }

    /** Whoever measures reads the time from the table. */
    private void startClock() {
        try (Connection connection = DriverManager.getConnection(jdbcUrl)) {
            connection.createStatement().execute("insert into peer_starts values (clock_timestamp())");
        } catch (SQLException error) {
            throw new IllegalStateException("the start can't be noted", error);
        }
    }

    /** From {@code postgres://user:password@host:port/database}. */
    private static String jdbc(URI url) {
        String[] credentials = url.getUserInfo().split(":", 2);
        return "jdbc:postgresql://" + url.getAuthority().split("@")[1] + url.getPath()
                + "?user=" + credentials[0] + "&password=" + credentials[1];
    }
}
