package bifrost.connect.s3;

/** While the store is away, one partition finds out that it is back: a store that hangs would hold up each of them. */
final class Outage {
    private long until;

    /** The store is not asked before this time, in milliseconds. */
    void begin(long time) {
        until = time;
    }

    /** How many milliseconds are left at this time; none or less when it may be asked. */
    long left(long now) {
        return until - now;
    }
}
