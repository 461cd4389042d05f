package peers;

import com.google.protobuf.CodedInputStream;
import java.io.IOException;

/**
 * A record that counts, decoded by hand: protobuf's wire format read field by field makes less garbage than generated
 * messages, and nothing else of the record is needed.
 *
 * @param id unique within the organization, the sort of record and the milestone
 * @param seconds Unix time of the bucket the record counts in
 */
public record Counted(String organization, String id, long seconds, Change change, long executionMillis) {
    /** Decodes a value of the topic with this place among the three; null for a record that adds nothing. */
    public static Counted decode(int topic, byte[] value) throws IOException {
        CodedInputStream input = CodedInputStream.newInstance(value);
        return switch (topic) {
            case 0 -> event(input);
            case 1 -> workflow(input);
            case 2 -> delivery(input);
            default -> throw new IllegalArgumentException("there are three topics");
        };
    }

    private static Counted event(CodedInputStream input) throws IOException {
        String id = "";
        String organization = "";
        long seconds = 0;
        Change change = null;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            switch (tag >>> 3) {
                case 1 -> id = input.readString();
                case 2 -> organization = input.readString();
                case 3 -> seconds = seconds(input);
                case 10 -> {
                    input.skipField(tag);
                    change = Change.ORDER;
                }
                case 11 -> change = payment(input);
                default -> input.skipField(tag);
            }
        }
        if (change == null) {
            return null;
        }
        // An order and its payment may have the same id.
        String sort = change == Change.ORDER ? "o" : "p";
        return new Counted(organization, sort + id, seconds, change, 0);
    }

    private static Change payment(CodedInputStream input) throws IOException {
        int limit = input.pushLimit(input.readRawVarint32());
        int outcome = 0;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            if (tag >>> 3 == 2) {
                outcome = input.readEnum();
            } else {
                input.skipField(tag);
            }
        }
        input.popLimit(limit);
        return outcome == 1 ? Change.PAYMENT_SUCCESSFUL : Change.PAYMENT_FAILED;
    }

    private static Counted workflow(CodedInputStream input) throws IOException {
        String id = "";
        String organization = "";
        int outcome = 0;
        long seconds = 0;
        long millis = 0;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            switch (tag >>> 3) {
                case 1 -> id = input.readString();
                case 2 -> organization = input.readString();
                case 5 -> outcome = input.readEnum();
                case 6 -> seconds = seconds(input);
                case 7 -> millis = input.readUInt64();
                default -> input.skipField(tag);
            }
        }
        Change change = outcome == 1 ? Change.WORKFLOW_SUCCEEDED : Change.WORKFLOW_FAILED;
        return new Counted(organization, "w" + id, seconds, change, millis);
    }

    private static Counted delivery(CodedInputStream input) throws IOException {
        String id = "";
        String organization = "";
        int status = 0;
        long seconds = 0;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            switch (tag >>> 3) {
                case 1 -> id = input.readString();
                case 2 -> organization = input.readString();
                case 3 -> status = input.readEnum();
                case 4 -> seconds = seconds(input);
                default -> input.skipField(tag);
            }
        }
        return switch (status) {
            case 1 -> new Counted(organization, "s" + id, seconds, Change.MESSAGE_SENT, 0);
            case 2, 3 -> new Counted(organization, "d" + id, seconds, Change.MESSAGE_DELIVERED, 0);
            default -> null;
        };
    }

    private static long seconds(CodedInputStream input) throws IOException {
        int limit = input.pushLimit(input.readRawVarint32());
        long seconds = 0;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            if (tag >>> 3 == 1) {
                seconds = input.readInt64();
            } else {
                input.skipField(tag);
            }
        }
        input.popLimit(limit);
        return seconds;
    }
}
