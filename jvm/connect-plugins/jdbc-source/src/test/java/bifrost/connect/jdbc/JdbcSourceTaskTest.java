package bifrost.connect.jdbc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.h2.tools.Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which rows each mode finds, and where it continues. */
class JdbcSourceTaskTest {
    private JdbcHarness harness;

    @BeforeEach
    void make() throws SQLException {
        harness = new JdbcHarness("incrementing").with("incrementing.column.name", "ID");
        harness.sql(
                "CREATE TABLE ORDERS (ID INT AUTO_INCREMENT PRIMARY KEY, NOTE VARCHAR, AT TIMESTAMP(9) NOT NULL"
                        + " DEFAULT TIMESTAMP '2020-01-01 00:00:00', CHANGED TIMESTAMP(9))",
                "INSERT INTO ORDERS (NOTE) VALUES ('a'), ('b'), ('c')");
    }

    @AfterEach
    void remove() throws SQLException {
        harness.close();
    }

    @Test
    void bulkReadsAllRowsAtEveryPoll() throws Exception {
        harness.with("mode", "bulk").start(1);
        harness.pollUntil(6);
        assertEquals(List.of("a", "b", "c", "a", "b", "c"), harness.column("NOTE").subList(0, 6));
        assertNull(harness.records.get(0).sourceOffset());
    }

    @Test
    void incrementingReadsNewRowsOnly() throws Exception {
        harness.start(1);
        harness.pollUntil(3);
        harness.sql("UPDATE ORDERS SET NOTE = 'z'", "DELETE FROM ORDERS WHERE ID = 1");
        harness.sql("INSERT INTO ORDERS (NOTE) VALUES ('d')");
        harness.pollUntil(4);
        assertEquals(List.of("a", "b", "c", "d"), harness.column("NOTE"));
        assertEquals("db-ORDERS", harness.records.get(0).topic());
        assertNull(harness.records.get(0).key());
        assertEquals("ORDERS", harness.records.get(0).valueSchema().name());
    }

    @Test
    void aRestartContinuesAfterTheLastRow() throws Exception {
        harness.with("batch.max.rows", "2").start(1);
        assertEquals(2, harness.poll());
        harness.stop();
        harness.start(1);
        harness.pollUntil(3);
        assertEquals(List.of(1, 2, 3), harness.column("ID"));
        assertEquals(Map.of("incrementing", 3L), harness.offsets.values().iterator().next());
        assertEquals("1", harness.offsets.keySet().iterator().next().get("protocol"));
    }

    @Test
    void theAutoIncrementColumnIsFound() throws Exception {
        harness.with("incrementing.column.name", "").start(1);
        harness.pollUntil(3);
        harness.stop();
        harness.sql("DROP TABLE ORDERS", "CREATE TABLE PLAIN (ID INT PRIMARY KEY)");
        harness.start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertTrue(message.endsWith("PLAIN has no auto-increment column; set incrementing.column.name"), message);
    }

    @Test
    void incrementingInitialSkipsRows() throws Exception {
        harness.with("incrementing.initial", "2").start(1);
        harness.pollUntil(1);
        assertEquals(List.of(3), harness.column("ID"));
    }

    @Test
    void timestampReadsChangedRows() throws Exception {
        harness.with("mode", "timestamp").with("timestamp.column.name", "CHANGED,AT").start(1);
        harness.pollUntil(3);
        harness.sql("UPDATE ORDERS SET NOTE = 'z', CHANGED = TIMESTAMP '2020-01-02 00:00:00' WHERE ID = 2");
        harness.pollUntil(4);
        assertEquals("z", harness.column("NOTE").get(3));
        assertEquals(4, harness.records.size());
    }

    @Test
    void rowsOfTheSameTimeAreNotLostByARestart() throws Exception {
        harness.with("mode", "timestamp").with("timestamp.column.name", "AT").with("batch.max.rows", "2").start(1);
        assertEquals(2, harness.poll());
        harness.stop();
        harness.start(1);
        harness.pollUntil(5);
        assertEquals(List.of(1, 2, 1, 2, 3), harness.column("ID"));
    }

    @Test
    void timestampInitialSkipsEarlierChanges() throws Exception {
        harness.sql("UPDATE ORDERS SET AT = TIMESTAMP '2021-01-01 00:00:00' WHERE ID = 3");
        harness.with("mode", "timestamp").with("timestamp.column.name", "AT").with("timestamp.initial", "1600000000000");
        harness.start(1);
        harness.pollUntil(1);
        assertEquals(List.of(3), harness.column("ID"));
        harness.stop();
        harness.offsets.clear();
        harness.with("timestamp.initial", "-1").start(1);
        harness.poll();
        assertEquals(1, harness.records.size());
    }

    @Test
    void theDelayKeepsRecentChangesBack() throws Exception {
        harness.sql("UPDATE ORDERS SET AT = DATEADD(SECOND, -100, CURRENT_TIMESTAMP) WHERE ID = 3");
        harness.with("mode", "timestamp").with("timestamp.column.name", "AT");
        harness.with("timestamp.delay.interval.ms", "3600000").start(1);
        harness.pollUntil(2);
        assertEquals(List.of(1, 2), harness.column("ID"));
    }

    @Test
    void timestampAndIncrementingOrderRowsOfTheSameTime() throws Exception {
        harness.with("mode", "timestamp+incrementing").with("timestamp.column.name", "AT").with("batch.max.rows", "2");
        harness.start(1);
        assertEquals(2, harness.poll());
        harness.stop();
        harness.start(1);
        harness.pollUntil(3);
        harness.sql("UPDATE ORDERS SET AT = TIMESTAMP '2020-01-01 00:00:00.000000001' WHERE ID = 1");
        harness.pollUntil(4);
        assertEquals(List.of(1, 2, 3, 1), harness.column("ID"));
        Map<String, Object> offset = harness.offsets.values().iterator().next();
        assertEquals(Map.of("timestamp", 1577836800000L, "timestamp_nanos", 1L, "incrementing", 1L), offset);
    }

    @Test
    void aRowWithoutANumberDoesNotRepeatThoseOfItsTime() throws Exception {
        harness.sql(
                "SET DEFAULT_NULL_ORDERING HIGH", // as in PostgreSQL
                "CREATE TABLE LOOSE (ID INT, AT TIMESTAMP)",
                "INSERT INTO LOOSE VALUES (1, TIMESTAMP '2020-01-01 00:00:00'), (NULL, TIMESTAMP '2020-01-01 00:00:00')");
        harness.with("mode", "timestamp+incrementing").with("timestamp.column.name", "AT").with("table.whitelist", "LOOSE");
        harness.with("validate.non.null", "false").start(1);
        harness.pollUntil(2);
        harness.sql("INSERT INTO LOOSE VALUES (2, TIMESTAMP '2020-01-01 00:00:00')");
        harness.pollUntil(3);
        assertEquals(Arrays.asList(1, null, 2), harness.column("ID"));
    }

    @Test
    void aDayIsReadWhenItIsOver() throws Exception {
        harness.sql(
                "CREATE TABLE DAYS (ID INT NOT NULL, ON_DAY DATE NOT NULL)",
                "INSERT INTO DAYS VALUES (1, DATE '2020-01-01'), (2, DATE '2020-01-01'), (3, CURRENT_DATE)");
        harness.with("mode", "timestamp").with("timestamp.column.name", "ON_DAY").with("table.whitelist", "DAYS");
        harness.with("timestamp.delay.interval.ms", "86400000").start(1);
        harness.pollUntil(2);
        assertEquals(List.of(1, 2), harness.column("ID"));
    }

    @Test
    void timesAreReadInTheZoneOfTheDatabase() throws Exception {
        harness.with("mode", "timestamp").with("timestamp.column.name", "AT").with("db.timezone", "America/New_York");
        harness.start(1);
        harness.pollUntil(3);
        assertEquals(1577836800000L + 5 * 3_600_000L, harness.offsets.values().iterator().next().get("timestamp"));
    }

    @Test
    void aNullableColumnIsRefusedUnlessAllowed() throws Exception {
        harness.with("mode", "timestamp").with("timestamp.column.name", "CHANGED").start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertTrue(message.contains("CHANGED of ") && message.contains("validate.non.null=false"), message);
        harness.stop();
        harness.with("validate.non.null", "false").start(1);
        harness.poll();
        assertEquals(0, harness.records.size());
    }

    @Test
    void aQueryHasATopicOfItsOwn() throws Exception {
        harness.with("query", "SELECT O.ID, O.NOTE AS TEXT FROM ORDERS O").with("topic.prefix", "joined").start(4);
        assertEquals(1, harness.tasks());
        harness.pollUntil(3);
        assertEquals("joined", harness.records.get(0).topic());
        assertEquals(List.of("a", "b", "c"), harness.column("TEXT"));
        assertEquals(Map.of("query", "query"), harness.records.get(0).sourcePartition());
        assertNull(harness.records.get(0).valueSchema().name());
    }

    @Test
    void aQueryWithoutTheColumnIsRefused() throws Exception {
        harness.with("query", "SELECT * FROM (SELECT ID AS NUMBER, ID FROM ORDERS) WHERE ID > 0 --")
                .with("query.suffix", "").with("mode", "bulk").start(1);
        harness.pollUntil(3);
        harness.stop();
        harness.with("query", "SELECT NOTE FROM ORDERS").with("mode", "incrementing").start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertEquals("incrementing.column.name: the query returns no column ID", message);
    }

    @Test
    void aQueryWhoseColumnHidesRowsIsRefused() throws Exception {
        harness.with("query", "SELECT * FROM (SELECT CAST(ID AS VARCHAR) AS ID, CAST(AT AS DATE) AS AT FROM ORDERS)");
        harness.start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertEquals("incrementing.column.name: column ID of the query does not contain integers", message);
        harness.stop();
        harness.with("mode", "timestamp").with("timestamp.column.name", "AT").start(1);
        message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertTrue(message.startsWith("timestamp.column.name: column AT of the query does not contain times: "), message);
    }

    @Test
    void querySuffixEndsEveryStatement() throws Exception {
        harness.with("query.suffix", "FETCH FIRST 2 ROWS ONLY").start(1);
        assertEquals(2, harness.poll());
        harness.pollUntil(3);
        assertEquals(List.of(1, 2, 3), harness.column("ID"));
    }

    @Test
    void identifiersAreQuotedUnlessNever() throws Exception {
        harness.sql("CREATE TABLE \"Order by\" (ID INT PRIMARY KEY)", "INSERT INTO \"Order by\" VALUES (7)");
        harness.with("table.whitelist", "Order by").with("topic.prefix", "").start(1);
        harness.pollUntil(1);
        assertEquals("Order by", harness.records.get(0).topic());
        harness.stop();
        harness.with("table.whitelist", "ORDERS").with("quote.sql.identifiers", "never");
        harness.with("incrementing.column.name", "id").with("schema.pattern", "%").start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertTrue(message.contains("SQLSTATE 42"), message); // the name of the database in memory needs quotes
    }

    @Test
    void tablesAreSelectedByListsPatternsAndTypes() throws Exception {
        harness.sql(
                "CREATE VIEW RECENT AS SELECT * FROM ORDERS WHERE ID = 3",
                "CREATE SCHEMA ARCHIVE", "CREATE TABLE ARCHIVE.OLD (ID INT PRIMARY KEY)", "INSERT INTO ARCHIVE.OLD VALUES (9)");
        harness.with("validate.non.null", "false").with("table.types", "view").start(1);
        harness.pollUntil(1);
        harness.stop();
        harness.with("table.types", "BASE TABLE").with("schema.pattern", "ARCH%").with("catalog.pattern", "%").start(1);
        harness.pollUntil(2);
        harness.stop();
        harness.with("table.blacklist", "OLD").with("schema.pattern", "PUB_IC").start(1);
        harness.pollUntil(5);
        assertEquals(
                List.of("db-RECENT", "db-OLD", "db-ORDERS", "db-ORDERS", "db-ORDERS"),
                harness.records.stream().map(record -> record.topic()).toList());
        harness.stop();
        harness.with("catalog.pattern", "");
        assertThrows(ConnectException.class, () -> harness.start(1));
    }

    @Test
    void aNewColumnIsReadAtTheNextPoll() throws Exception {
        harness.start(1);
        harness.pollUntil(3);
        Schema first = harness.records.get(0).valueSchema();
        harness.sql("ALTER TABLE ORDERS ADD COLUMN PRICE INT DEFAULT 5", "INSERT INTO ORDERS (NOTE) VALUES ('d')");
        harness.pollUntil(4);
        assertEquals(5, JdbcHarness.value(harness.records.get(3)).get("PRICE"));
        assertNull(first.field("PRICE"));
        harness.sql("INSERT INTO ORDERS (NOTE) VALUES ('e')");
        harness.pollUntil(5);
        assertTrue(harness.records.get(3).valueSchema() == harness.records.get(4).valueSchema());
    }

    @Test
    void tablesOfATaskArePolledInTurn() throws Exception {
        harness.sql("CREATE TABLE B (ID INT PRIMARY KEY)", "INSERT INTO B VALUES (1), (2)");
        harness.start(1);
        harness.pollUntil(5);
        assertEquals(2, harness.offsets.size());
    }

    @Test
    void pollIntervalMsIsTheTimeBetweenPolls() throws Exception {
        harness.with("mode", "bulk").with("poll.interval.ms", "3600000").start(1);
        harness.pollUntil(3);
        long start = System.nanoTime();
        harness.poll();
        assertEquals(3, harness.records.size());
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(10), "a poll may not wait long");
    }

    @Test
    void theConnectionIsOpenedAgainAfterARestartOfTheDatabase() throws Exception {
        String name = harness.settings.get("connection.url").substring("jdbc:h2:".length());
        Server server = Server.createTcpServer("-tcpPort", "0").start();
        int port = server.getPort();
        harness.with("connection.url", "jdbc:h2:tcp://127.0.0.1:" + port + "/" + name);
        harness.with("connection.attempts", "1000").with("connection.backoff.ms", "1").with("batch.max.rows", "2").start(1);
        assertEquals(2, harness.poll());
        server.stop();
        harness.poll(); // the driver may have fetched the last row before
        harness.poll();
        harness.poll();
        server = Server.createTcpServer("-tcpPort", String.valueOf(port)).start();
        harness.pollUntil(3);
        harness.sql("INSERT INTO ORDERS (NOTE) VALUES ('d')");
        harness.pollUntil(4);
        assertEquals(List.of(1, 2, 3, 4), harness.column("ID"));
        server.stop();
        harness.stop();
    }

    @Test
    void theTaskFailsAfterAllAttempts() throws Exception {
        String name = harness.settings.get("connection.url").substring("jdbc:h2:".length());
        Server server = Server.createTcpServer("-tcpPort", "0").start();
        harness.with("connection.url", "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/" + name + ";PASSWORD=hunter22");
        harness.settings.put("connection.attempts", "2");
        harness.with("connection.backoff.ms", "1");
        String refused = assertThrows(ConnectException.class, () -> harness.start(1)).getMessage();
        assertTrue(refused.contains("SQLSTATE 28000") && !refused.contains("hunter22"), refused);
        harness.with("connection.url", "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/" + name).start(1);
        harness.pollUntil(3);
        server.stop();
        String message = assertThrows(ConnectException.class, () -> harness.pollUntil(() -> false)).getMessage();
        assertTrue(message.endsWith("; all 2 attempts failed"), message);
    }

    @Test
    void aStatementThatTheDatabaseRefusesFailsTheTaskImmediately() throws Exception {
        harness.with("query", "SELECT * FROM NOWHERE").with("mode", "bulk").start(1);
        String message = assertThrows(ConnectException.class, harness::poll).getMessage();
        assertTrue(message.startsWith("the query of jdbc:h2:mem:") && message.contains("NOWHERE"), message);
    }

    @Test
    void theIsolationOfTransactionsCanBeChosen() throws Exception {
        harness.with("transaction.isolation.mode", "serializable").with("connection.user", "").with(
                "connection.password", "").with("dialect.name", "GenericDatabaseDialect").start(1);
        harness.pollUntil(3);
    }
}
