package bifrost.connect.jdbc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.sql.SQLException;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Columns as fields. */
class RowTypesTest {
    private JdbcHarness harness;

    @BeforeEach
    void make() throws SQLException {
        harness = new JdbcHarness("bulk").with("poll.interval.ms", "3600000");
    }

    @AfterEach
    void remove() throws SQLException {
        harness.close();
    }

    @Test
    void everyTypeHasAField() throws Exception {
        Struct row = onlyRow(
                "B BOOLEAN, I8 TINYINT, I16 SMALLINT, I32 INT NOT NULL, I64 BIGINT, F32 REAL, F64 DOUBLE, TEXT VARCHAR,"
                        + " LONGER CLOB, BYTES VARBINARY, BINARY_LONG BLOB, ON_DAY DATE, ON_HOUR TIME(3), AT TIMESTAMP(3), ID UUID",
                "TRUE, 1, 2, 3, 4, 1.5, 2.5, 'x', 'y', X'01FF', X'02', DATE '2020-02-29', TIME '01:02:03.004',"
                        + " TIMESTAMP '2020-01-01 00:00:00.005', '9e6a0a5c-7d0e-4c5e-9f0e-1f2a3b4c5d6e'");
        assertEquals(true, row.get("B"));
        assertEquals(
                List.of((byte) 1, (short) 2, 3, 4L, 1.5f, 2.5, "x", "y"),
                List.of(row.get("I8"), row.get("I16"), row.get("I32"), row.get("I64"), row.get("F32"), row.get("F64"),
                        row.get("TEXT"), row.get("LONGER")));
        assertArrayEquals(new byte[] {1, -1}, (byte[]) row.get("BYTES"));
        assertArrayEquals(new byte[] {2}, (byte[]) row.get("BINARY_LONG"));
        assertEquals(new Date(18321L * 86_400_000L), row.get("ON_DAY"));
        assertEquals(new Date(3_723_004L), row.get("ON_HOUR"));
        assertEquals(new Date(1577836800005L), row.get("AT"));
        assertEquals("org.apache.kafka.connect.data.Date", row.schema().field("ON_DAY").schema().name());
        assertEquals("org.apache.kafka.connect.data.Time", row.schema().field("ON_HOUR").schema().name());
        assertEquals("org.apache.kafka.connect.data.Timestamp", row.schema().field("AT").schema().name());
        assertFalse(row.schema().field("I32").schema().isOptional());
        assertTrue(row.schema().field("I64").schema().isOptional());
    }

    @Test
    void nullsStayNull() throws Exception {
        Struct row = onlyRow("I INT, T VARCHAR, D DATE, H TIME, AT TIMESTAMP, N DECIMAL(5, 2), B BOOLEAN",
                "NULL, NULL, NULL, NULL, NULL, NULL, NULL");
        row.schema().fields().forEach(field -> assertNull(row.get(field), field.name()));
    }

    @Test
    void numericMappingChoosesTheTypesOfNumbers() throws Exception {
        Map<String, List<Object>> expected = Map.of(
                "none", List.of(new BigDecimal("12"), new BigDecimal("1234567890"), new BigDecimal("1.50"),
                        new BigDecimal("2.50"), new BigDecimal("7")),
                "precision_only", List.of((byte) 12, 1234567890L, new BigDecimal("1.50"), new BigDecimal("2.50"),
                        new BigDecimal("7")),
                "best_fit", List.of((byte) 12, 1234567890L, 1.5, new BigDecimal("2.50"), new BigDecimal("7")),
                "best_fit_eager_double", List.of((byte) 12, 1234567890L, 1.5, 2.5, new BigDecimal("7")));
        harness.sql(
                "CREATE TABLE T (A NUMERIC(2), B NUMERIC(10), C NUMERIC(5, 2), D NUMERIC(30, 2), E NUMERIC(30))",
                "INSERT INTO T VALUES (12, 1234567890, 1.5, 2.5, 7)");
        for (Map.Entry<String, List<Object>> mapping : expected.entrySet()) {
            harness.with("numeric.mapping", mapping.getKey());
            assertEquals(mapping.getValue(), values(next()), mapping.getKey());
        }
        harness.settings.remove("numeric.mapping");
        harness.with("numeric.precision.mapping", "true");
        assertEquals(expected.get("precision_only"), values(next()));
    }

    @Test
    void timestampGranularityKeepsMoreDigits() throws Exception {
        harness.sql("CREATE TABLE T (AT TIMESTAMP(9))", "INSERT INTO T VALUES (TIMESTAMP '2020-01-01 00:00:00.123456789')");
        Map<String, Object> expected = Map.of(
                "connect_logical", new Date(1577836800123L),
                "micros_long", 1577836800123456L,
                "micros_string", "1577836800123456",
                "micros_iso_datetime_string", "2020-01-01T00:00:00.123456",
                "nanos_long", 1577836800123456789L,
                "nanos_string", "1577836800123456789",
                "nanos_iso_datetime_string", "2020-01-01T00:00:00.123456789");
        for (Map.Entry<String, Object> granularity : expected.entrySet()) {
            harness.with("timestamp.granularity", granularity.getKey());
            assertEquals(granularity.getValue(), next().get("AT"), granularity.getKey());
        }
    }

    @Test
    void aTypeWithoutAFieldIsLeftOut() throws Exception {
        Struct row = onlyRow("ID INT, TAGS INT ARRAY", "1, ARRAY[1, 2]");
        assertEquals(List.of("ID"), row.schema().fields().stream().map(field -> field.name()).toList());
        assertEquals(Schema.OPTIONAL_INT32_SCHEMA, row.schema().field("ID").schema());
    }

    @Test
    void twoColumnsOfTheSameNameAreRefused() throws Exception {
        harness.with("query", "SELECT 1 AS ID, 2 AS ID").start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertEquals("the query: two columns are named ID; give one of them an alias", message);
    }

    private Struct onlyRow(String columns, String values) throws Exception {
        harness.sql("CREATE TABLE T (" + columns + ")", "INSERT INTO T VALUES (" + values + ")");
        return next();
    }

    /** The row that a new start of the connector reads. */
    private Struct next() throws InterruptedException {
        harness.stop();
        harness.records.clear();
        harness.start(1);
        harness.pollUntil(() -> harness.records.size() == 1);
        return JdbcHarness.value(harness.records.get(0));
    }

    private static List<Object> values(Struct row) {
        return row.schema().fields().stream().map(row::get).toList();
    }
}
