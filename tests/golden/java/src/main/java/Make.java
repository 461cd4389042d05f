import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import java.io.FileInputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serializer;

/** Prints a value as a serializer for Kafka makes it: name, version, message, class of the serializer, settings as key=value. */
public final class Make {
  private static final String TIME = "{ seconds: 1772013600 nanos: 250000000 }";

  public static void main(String[] args) throws Exception {
    String name = args[0];
    Map<String, Object> settings = new HashMap<>();
    for (int at = 4; at < args.length; at++) {
      String[] setting = args[at].split("=", 2);
      settings.put(setting[0], setting[1]);
    }
    @SuppressWarnings("unchecked")
    Serializer<Message> serializer = (Serializer<Message>) Class.forName(args[3]).getDeclaredConstructor().newInstance();
    serializer.configure(settings, false);
    RecordHeaders headers = new RecordHeaders();
    byte[] value = serializer.serialize("golden", headers, message(args[2], name));
    List<String> told = new ArrayList<>();
    for (Header header : headers) {
      told.add("{\"name\": \"%s\", \"hex\": \"%s\"}".formatted(header.key(), hex(header.value())));
    }
    System.out.printf(
        "{\"name\": \"%s\", \"version\": \"%s\", \"headers\": [%s], \"value\": \"%s\"}%n",
        name, args[1], String.join(", ", told), hex(value));
    serializer.close();
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static Message message(String type, String name) throws Exception {
    String ids = "organization_id: 'golden' ";
    String text = ids + switch (type) {
      case "Event" -> "event_id: '" + name + "' occurred_at " + TIME + " order_created { order_id: 'o-1' }";
      case "WorkflowTerminal" -> "execution_id: '" + name + "' workflow_id: 'w-1' workflow_name: 'Import' outcome: OUTCOME_SUCCESS"
          + " finished_at " + TIME + " execution_time_ms: 5";
      default -> "message_id: '" + name + "' status: STATUS_SENT sent_at " + TIME + " occurred_at " + TIME + " channel: 'email'";
    };
    DynamicMessage.Builder builder = DynamicMessage.newBuilder(descriptor(type));
    TextFormat.merge(text, builder);
    return builder.build();
  }

  private static Descriptor descriptor(String type) throws Exception {
    List<FileDescriptor> known = new ArrayList<>();
    try (FileInputStream file = new FileInputStream("../records.binpb")) {
      for (FileDescriptorProto proto : FileDescriptorSet.parseFrom(file).getFileList()) {
        known.add(FileDescriptor.buildFrom(proto, known.toArray(new FileDescriptor[0])));
      }
    }
    return known.get(known.size() - 1).findMessageTypeByName(type);
  }
}
