package bifrost.connect.jdbc.query;

import java.sql.Timestamp;
import java.util.HashMap;
import java.util.Map;

/**
 * How far a table was read. As an offset it has the keys of the vendor's plugin: {@code timestamp} (milliseconds since
 * 1970), {@code timestamp_nanos} (nanoseconds within the second), {@code incrementing}.
 *
 * @param timestamp may be null
 * @param incrementing may be null
 */
public record Position(Timestamp timestamp, Long incrementing) {
    /** Before the first row. */
    public static final Position START = new Position(null, null);

    static final String TIMESTAMP = "timestamp";
    static final String NANOS = "timestamp_nanos";
    static final String INCREMENTING = "incrementing";

    /** The position of an offset; the start for null. */
    public static Position of(Map<String, ?> offset) {
        if (offset == null) {
            return START;
        }
        Long millis = number(offset, TIMESTAMP);
        Timestamp timestamp = millis == null ? null : new Timestamp(millis);
        Long nanos = number(offset, NANOS);
        if (timestamp != null && nanos != null) {
            timestamp.setNanos(nanos.intValue());
        }
        return new Position(timestamp, number(offset, INCREMENTING));
    }

    /** This position as an offset. */
    public Map<String, Object> asOffset() {
        Map<String, Object> offset = new HashMap<>();
        if (timestamp != null) {
            offset.put(TIMESTAMP, timestamp.getTime());
            offset.put(NANOS, (long) timestamp.getNanos());
        }
        if (incrementing != null) {
            offset.put(INCREMENTING, incrementing);
        }
        return offset;
    }

    private static Long number(Map<String, ?> offset, String key) {
        return offset.get(key) instanceof Number found ? found.longValue() : null;
    }
}
