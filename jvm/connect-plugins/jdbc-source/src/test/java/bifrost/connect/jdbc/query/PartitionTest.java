package bifrost.connect.jdbc.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bifrost.connect.jdbc.database.TableId;
import java.sql.Timestamp;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.Test;

/** The form of stored partitions and offsets. */
class PartitionTest {
    private static final Map<String, String> TABLE = Map.of("protocol", "1", "table", "demo.public.orders");

    @Test
    void partitionsNameTheWholeTable() {
        assertEquals(TABLE, Partition.of(new TableId("demo", "public", "orders")));
        assertEquals(
                Map.of("protocol", "1", "table", "demo.foobar"), Partition.of(new TableId("demo", null, "foobar")));
        assertEquals(Map.of("query", "query"), Partition.of(null));
    }

    @Test
    void partitionsHaveTheOrderOfThoseThatConnectReads() {
        Map<String, String> partition = Partition.of(new TableId("demo", null, "foobar"));
        assertEquals(HashMap.class, partition.getClass());
        for (List<String> stored : List.of(List.of("protocol", "table"), List.of("table", "protocol"))) {
            Map<String, String> read = new HashMap<>(); // not a copy of a map: that may have another order
            stored.forEach(key -> read.put(key, TABLE.get(key)));
            assertEquals(List.copyOf(read.keySet()), List.copyOf(partition.keySet()));
        }
    }

    @Test
    void offsetsKeepNanoseconds() {
        Timestamp time = new Timestamp(1_500_000_000_123L);
        time.setNanos(123_456_789);
        Map<String, Object> offset = new Position(time, 7L).asOffset();
        assertEquals(Map.of("timestamp", 1_500_000_000_123L, "timestamp_nanos", 123_456_789L, "incrementing", 7L), offset);
        assertEquals(new Position(time, 7L), Position.of(offset));
        assertEquals(Position.START, Position.of(null));
        assertEquals(new Position(null, 7L), Position.of(Map.of("incrementing", 7)));
    }

    @Test
    void offsetsOfClientsAreChecked() {
        Partition.check(TABLE, Map.of("incrementing", 7));
        Partition.check(TABLE, Map.of("timestamp", 1L, "timestamp_nanos", 999_999_999L));
        Partition.check(TABLE, null);
        Partition.check(Map.of("query", "query"), Map.of("incrementing", 7L));
        for (List<Map<String, ?>> wrong : List.<List<Map<String, ?>>>of(
                List.of(Map.of("table", "orders"), Map.of()),
                List.of(Map.of("protocol", "2", "table", "orders"), Map.of()),
                List.of(Map.of("query", "orders"), Map.of()),
                List.of(TABLE, Map.of("incrementing", "7")),
                List.of(TABLE, Map.of("incrementing", 7.5)),
                List.of(TABLE, Map.of("timestamp_nanos", 1)),
                List.of(TABLE, Map.of("timestamp", 1, "timestamp_nanos", 1_000_000_000)),
                List.of(TABLE, Map.of("position", 1)))) {
            String message = assertThrows(ConnectException.class, () -> Partition.check(wrong.get(0), wrong.get(1)))
                    .getMessage();
            assertTrue(message.contains("offset") || message.contains("partition"), message);
        }
    }
}
