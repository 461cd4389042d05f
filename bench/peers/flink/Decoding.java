package peers;

import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.tuple.Tuple5;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Decodes a record into a tuple, for which Flink has its fastest serializer. */
final class Decoding implements KafkaRecordDeserializationSchema<Tuple5<String, String, Long, Integer, Long>> {
    private static final long serialVersionUID = 1;

    private final List<String> topics;
    private final TypeInformation<Tuple5<String, String, Long, Integer, Long>> type;

    Decoding(List<String> topics, TypeInformation<Tuple5<String, String, Long, Integer, Long>> type) {
        this.topics = topics;
        this.type = type;
    }

    @Override
    public void deserialize(
            ConsumerRecord<byte[], byte[]> record, Collector<Tuple5<String, String, Long, Integer, Long>> out)
            throws IOException {
        Run.noteRecord();
        Counted counted = Counted.decode(topics.indexOf(record.topic()), record.value());
        if (counted != null) {
            out.collect(Tuple5.of(counted.organization(), counted.id(), counted.seconds(),
                    counted.change().ordinal(), counted.executionMillis()));
        }
    }

    @Override
    public TypeInformation<Tuple5<String, String, Long, Integer, Long>> getProducedType() {
        return type;
    }
}
