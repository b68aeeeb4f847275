package bifrost.connect.jdbc.query;

import bifrost.connect.jdbc.database.TableId;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.errors.ConnectException;

/** The partitions and offsets that Connect stores, in the form of the vendor's plugin. */
public final class Partition {
    private static final String TABLE = "table";
    private static final String PROTOCOL = "protocol";
    private static final String VERSION = "1";
    private static final String QUERY = "query";
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private Partition() {}

    /**
     * The partition of a table, or of the query for null. Connect finds an offset by the bytes of its partition, and
     * itself reads partitions into hash maps: any other map has another order, or one that changes with every start.
     */
    public static Map<String, String> of(TableId table) {
        Map<String, String> partition = new HashMap<>();
        if (table == null) {
            partition.put(QUERY, QUERY);
        } else {
            partition.put(PROTOCOL, VERSION);
            partition.put(TABLE, table.fullName());
        }
        return partition;
    }

    /** The partition of a table whose offsets are not stored. */
    static Map<String, String> withoutOffset(TableId table) {
        return table == null ? Map.of(QUERY, QUERY) : Map.of(TABLE, table.name());
    }

    /**
     * Checks a partition and its offset that a client wants to set; a null offset removes it.
     *
     * @throws ConnectException the tasks would not find or not understand it
     */
    public static void check(Map<String, ?> partition, Map<String, ?> offset) {
        boolean isTable = partition != null
                && partition.size() == 2
                && VERSION.equals(partition.get(PROTOCOL))
                && partition.get(TABLE) instanceof String;
        if (!isTable && !Map.of(QUERY, QUERY).equals(partition)) {
            throw new ConnectException("partition " + partition + " has another form than {\"protocol\": \"1\", \"table\":"
                    + " \"database.schema.table\"} or {\"query\": \"query\"}");
        }
        if (offset == null) {
            return;
        }
        offset.forEach((key, value) -> checkNumber(key, value));
        if (offset.containsKey(Position.NANOS) && !offset.containsKey(Position.TIMESTAMP)) {
            throw new ConnectException("offset " + offset + ": timestamp_nanos needs timestamp");
        }
    }

    private static void checkNumber(String key, Object value) {
        boolean isInteger = value instanceof Long || value instanceof Integer;
        long number = isInteger ? ((Number) value).longValue() : -1;
        switch (key) {
            case Position.INCREMENTING, Position.TIMESTAMP -> {
                if (!isInteger) {
                    throw new ConnectException("offset: " + key + " must be an integer, not " + value);
                }
            }
            case Position.NANOS -> {
                if (!isInteger || number < 0 || number >= NANOS_PER_SECOND) {
                    throw new ConnectException("offset: " + key + " must be an integer from 0 to 999999999, not " + value);
                }
            }
            default ->
                throw new ConnectException(
                        "offset: " + key + " is unknown; the keys are timestamp, timestamp_nanos and incrementing");
        }
    }
}
