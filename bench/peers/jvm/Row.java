package peers;

/** A row of a table of counters: the whole totals so far, so that writing it twice does no harm. */
public record Row(String organization, long bucket, long[] counters) implements Comparable<Row> {
    /** By key: two writers that upsert the same rows in different order would deadlock. */
    @Override
    public int compareTo(Row other) {
        int order = organization.compareTo(other.organization);
        return order != 0 ? order : Long.compare(bucket, other.bucket);
    }
}
