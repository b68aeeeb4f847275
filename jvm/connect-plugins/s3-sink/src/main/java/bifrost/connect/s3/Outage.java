package bifrost.connect.s3;

/**
 * The end of the wait after a failed request, shared by all partitions of a task. Only one partition then probes the
 * store: a store that hangs would otherwise delay each of them by a timeout.
 */
final class Outage {
    private long beganMillis;
    private long lengthMillis;

    /** No partition sends a request for so long from this time on, in milliseconds since 1970. */
    void begin(long now, long length) {
        beganMillis = now;
        lengthMillis = length;
    }

    /** The milliseconds left to wait at this time; zero or negative if a request may be sent. */
    long remaining(long now) {
        long elapsed = now - beganMillis;
        return elapsed < 0 ? 0 : lengthMillis - elapsed; // a clock that was set back must not prolong the wait by hours
    }
}
