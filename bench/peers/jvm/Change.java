package peers;

/** What a record adds to the counters of its organization's hour and day. */
public enum Change {
    ORDER,
    PAYMENT_SUCCESSFUL,
    PAYMENT_FAILED,
    WORKFLOW_SUCCEEDED,
    WORKFLOW_FAILED,
    MESSAGE_SENT,
    MESSAGE_DELIVERED;

    /** The changes by ordinal; {@code values()} copies. */
    public static final Change[] ALL = values();

    /** Adds this change to the eight counters, in the order of the tables' columns. */
    public void addTo(long[] counters, long executionMillis) {
        switch (this) {
            case ORDER -> counters[0]++;
            case PAYMENT_SUCCESSFUL -> {
                counters[1]++;
                counters[2]++;
            }
            case PAYMENT_FAILED -> counters[1]++;
            case WORKFLOW_SUCCEEDED -> {
                counters[3]++;
                counters[5] += executionMillis;
            }
            case WORKFLOW_FAILED -> {
                counters[3]++;
                counters[4]++;
                counters[5] += executionMillis;
            }
            case MESSAGE_SENT -> counters[6]++;
            case MESSAGE_DELIVERED -> counters[7]++;
        }
    }
}
