package bifrost.connect.s3;

/**
 * The end of the wait after a failed request, shared by all partitions of a task. Only one partition then probes the
 * store: a store that hangs would otherwise delay each of them by a timeout.
 */
final class Outage {
    private long endMillis;

    /** No partition sends a request before this time, in milliseconds since 1970. */
    void begin(long time) {
        endMillis = time;
    }

    /** The milliseconds left to wait at this time; zero or negative if a request may be sent. */
    long remaining(long now) {
        return endMillis - now;
    }
}
