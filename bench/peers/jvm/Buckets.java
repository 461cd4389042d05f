package peers;

/** The two sizes of bucket, aligned to the UTC clock. */
public final class Buckets {
    public static final long HOUR = 3_600;
    public static final long DAY = 86_400;

    private Buckets() {}

    /** Start of the bucket of this width, in Unix seconds. */
    public static long start(long seconds, long width) {
        return Math.floorDiv(seconds, width) * width;
    }
}
