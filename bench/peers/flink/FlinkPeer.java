package peers;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple5;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Flink in a cluster inside this Java machine, checkpoints exactly once; see README.md. */
public final class FlinkPeer {
    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(10);
    /** What crosses between the tasks: organization, id, seconds, change, execution time. */
    private static final TypeInformation<Tuple5<String, String, Long, Integer, Long>> COUNTED =
            Types.TUPLE(Types.STRING, Types.STRING, Types.LONG, Types.INT, Types.LONG);

    private FlinkPeer() {}

    /** Takes the name of a state backend: {@code rocksdb} or {@code hashmap}. */
    public static void main(String[] arguments) throws Exception {
        Run warmUp = Run.warmUp();
        JobClient job = start(warmUp, arguments[0]);
        warmUp.awaitWarmth();
        job.cancel().get();
        try {
            start(Run.measured(), arguments[0]).getJobExecutionResult().get();
        } catch (ExecutionException error) {
            // The cluster's threads would keep the Java machine alive.
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static JobClient start(Run run, String backend) throws Exception {
        Configuration configuration = configuration(run, backend);
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(run.threads, configuration);
        environment.enableCheckpointing(CHECKPOINT_INTERVAL.toMillis(), CheckpointingMode.EXACTLY_ONCE);
        KafkaSource<Tuple5<String, String, Long, Integer, Long>> source =
                KafkaSource.<Tuple5<String, String, Long, Integer, Long>>builder()
                        .setBootstrapServers(run.brokers)
                        .setGroupId(run.group)
                        .setTopics(run.topics)
                        .setStartingOffsets(OffsetsInitializer.earliest())
                        .setDeserializer(new Decoding(run.topics, COUNTED))
                        .setProperty("partition.discovery.interval.ms", "-1")
                        .setProperty("isolation.level", "read_committed")
                        .setProperty("max.poll.records", "10000")
                        .setProperty("max.partition.fetch.bytes", Integer.toString(4 << 20))
                        .setProperty("receive.buffer.bytes", Integer.toString(1 << 20))
                        .build();
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "records")
                .keyBy(counted -> counted.f0, Types.STRING)
                .transform("count", TypeInformation.of(Totals.class), new Counting())
                .sinkTo(new TablesSink(run.jdbcUrl));
        return environment.executeAsync(run.group);
    }

    private static Configuration configuration(Run run, String backend) {
        String folder = run.stateFolder.toUri().toString();
        return new Configuration()
                .set(StateBackendOptions.STATE_BACKEND, backend)
                .set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder + "checkpoints")
                .set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem")
                .set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true)
                .set(RocksDBOptions.LOCAL_DIRECTORIES, run.stateFolder.resolve("rocksdb").toString())
                .set(RocksDBOptions.PREDEFINED_OPTIONS, "FLASH_SSD_OPTIMIZED")
                .set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512))
                .set(PipelineOptions.OBJECT_REUSE, true)
                // A failure is to end the run, not to be hidden by a fresh start.
                .set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
    }
}
