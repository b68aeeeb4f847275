package bifrost.connect.jdbc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What validate reports, and how the connector divides its work. */
class JdbcSourceConnectorTest {
    private final JdbcSourceConnector connector = new JdbcSourceConnector();
    private JdbcHarness harness;

    @BeforeEach
    void make() throws SQLException {
        harness = new JdbcHarness("incrementing").with("incrementing.column.name", "ID");
        harness.sql("CREATE TABLE ORDERS (ID INT AUTO_INCREMENT PRIMARY KEY, NOTE VARCHAR, AT TIMESTAMP, OLD INT, ON_DAY DATE)");
    }

    @AfterEach
    void remove() throws SQLException {
        harness.close();
    }

    @Test
    void aValidConfigurationIsAccepted() {
        assertEquals(List.of(), problems(Map.of()));
        assertEquals(List.of(), problems(Map.of("table.whitelist", "ORDERS", "dialect.name", "GenericDatabaseDialect")));
        assertEquals(List.of(), problems(Map.of("query", "SELECT * FROM ORDERS", "mode", "bulk")));
        assertEquals(List.of(), problems(Map.of("table.whitelist", "CREATED_LATER")));
        assertEquals(ExactlyOnceSupport.SUPPORTED, connector.exactlyOnceSupport(harness.settings));
        harness.with("mode", "bulk");
        assertEquals(ExactlyOnceSupport.UNSUPPORTED, connector.exactlyOnceSupport(harness.settings));
    }

    @Test
    void wrongValuesAreReported() {
        for (List<String> wrong : List.of(
                List.of("connection.url", "mysql://db:3306/demo"),
                List.of("connection.attempts", "0"),
                List.of("connection.backoff.ms", "-1"),
                List.of("dialect.name", "OracleDatabaseDialect"),
                List.of("db.timezone", "Moon"),
                List.of("transaction.isolation.mode", "CHAOS"),
                List.of("quote.sql.identifiers", "sometimes"),
                List.of("mode", "hourly"),
                List.of("mode", ""),
                List.of("mode", "timestamp"),
                List.of("timestamp.initial", "-2"),
                List.of("timestamp.delay.interval.ms", "-1"),
                List.of("numeric.mapping", "exact"),
                List.of("numeric.precision.mapping", "maybe"),
                List.of("timestamp.granularity", "years"),
                List.of("topic.prefix", "a b"),
                List.of("poll.interval.ms", "-1"),
                List.of("batch.max.rows", "0"),
                List.of("table.poll.interval.ms", "0"),
                List.of("incrementing.initial", "one"),
                List.of("validate.non.null", "perhaps"))) {
            List<String> found = problems(Map.of(wrong.get(0), wrong.get(1)));
            String key = wrong.get(1).equals("timestamp") ? "timestamp.column.name" : wrong.get(0);
            assertTrue(found.size() == 1 && found.get(0).contains(key), wrong + ": " + found);
        }
    }

    @Test
    void keysThatExcludeEachOtherAreReported() {
        assertProblem(
                "table.blacklist: cannot be combined with table.whitelist; remove one of them",
                Map.of("table.whitelist", "ORDERS", "table.blacklist", "OTHER"));
        Map<String, String> times = Map.of("mode", "timestamp", "timestamp.column.name", "AT");
        for (String limit : List.of("LIMIT 5", "fetch first 5 rows only")) {
            Map<String, String> limited = new HashMap<>(Map.of("query.suffix", limit));
            assertEquals(List.of(), problems(limited));
            limited.putAll(times);
            assertProblem("query.suffix: a limit loses rows of the same time with mode=timestamp", limited);
        }
        for (String other : List.of("FOR FETCH ONLY", "/* no limit */")) {
            Map<String, String> suffixed = new HashMap<>(Map.of("query.suffix", other));
            suffixed.putAll(times);
            assertEquals(List.of(), problems(suffixed));
        }
        assertProblem(
                "table.whitelist: cannot be combined with query, which names its tables itself",
                Map.of("table.whitelist", "ORDERS", "query", "SELECT * FROM ORDERS"));
        assertProblem(
                "Missing required configuration \"topic.prefix\", which is required by query, as the name of its topic",
                Map.of("topic.prefix", "", "query", "SELECT * FROM ORDERS"));
        assertProblem(
                "Missing required configuration \"incrementing.column.name\", which is required by mode=incrementing with"
                        + " query",
                Map.of("incrementing.column.name", "", "query", "SELECT * FROM ORDERS"));
    }

    @Test
    void columnsThatHideRowsAreReported() {
        Map<String, String> times = Map.of("mode", "timestamp", "timestamp.column.name", "AT");
        assertProblem("has no column NUMBER; its columns are ID, NOTE, AT, OLD, ON_DAY", ordersWith("incrementing.column.name", "NUMBER"));
        assertProblem("column NOTE of " + table() + " does not contain integers", ordersWith("incrementing.column.name", "NOTE"));
        assertProblem("OLD of " + table() + " may be null", ordersWith("incrementing.column.name", "OLD"));
        Map<String, String> orders = new HashMap<>(times);
        orders.put("table.whitelist", "ORDERS");
        assertProblem("timestamp.column.name: AT of " + table() + " may be null", orders);
        orders.put("validate.non.null", "false");
        assertEquals(List.of(), problems(orders));
        orders.put("timestamp.column.name", "NOTE");
        assertProblem("column NOTE of " + table() + " does not contain times", orders);
        orders.put("timestamp.column.name", "AT,ON_DAY");
        assertProblem("column ON_DAY of " + table() + " does not contain times: changes later on the day", orders);
        orders.put("timestamp.delay.interval.ms", "86400000");
        assertEquals(List.of(), problems(orders));
    }

    @Test
    void aDatabaseThatDoesNotAnswerIsReportedWithoutThePassword() {
        for (String scheme : List.of("mysql", "mariadb", "postgresql")) {
            List<String> found = problems(Map.of(
                    "connection.url", "jdbc:" + scheme + "://127.0.0.1:1/demo?user=u&password=hunter22",
                    "connection.user", "u", "connection.password", "hunter23"));
            assertEquals(1, found.size(), found.toString());
            assertTrue(found.get(0).startsWith("connection.url: jdbc:" + scheme + "://127.0.0.1:1/demo: "), found.get(0));
            assertTrue(found.get(0).contains("SQLSTATE 08"), found.get(0));
            assertFalse(found.get(0).contains("hunter2"), found.get(0));
        }
        assertProblem("connection.url: jdbc:odd://db: no driver accepts this URL", Map.of("connection.url", "jdbc:odd://db"));
    }

    @Test
    void validateReturnsNoPasswords() {
        harness.with("connection.password", "hunter23").with("connection.url", "jdbc:odd://u:hunter22@db?password=hunter22");
        assertFalse(connector.validate(harness.settings).configValues().toString().contains("hunter2"));
    }

    @Test
    void tablesAreDividedAmongTasks() throws SQLException {
        harness.sql("CREATE TABLE B (ID INT PRIMARY KEY)", "CREATE TABLE C (ID INT PRIMARY KEY)");
        harness.start(2);
        assertEquals(2, harness.tasks());
        harness.startTasks(5);
        assertEquals(3, harness.tasks());
        assertTrue(harness.configs.get(2).get("tables").endsWith(".\"PUBLIC\".\"ORDERS\""), harness.configs.toString());
    }

    @Test
    void newAndDroppedTablesAreNoticed() throws Exception {
        harness.with("table.poll.interval.ms", "10").start(3);
        harness.sql("CREATE TABLE B (ID INT PRIMARY KEY)", "INSERT INTO B VALUES (1)");
        harness.pollUntil(() -> harness.reconfigurations == 1);
        harness.startTasks(3);
        harness.pollUntil(1);
        assertEquals("db-B", harness.records.get(0).topic());
        harness.stopTasks();
        harness.sql("DROP TABLE ORDERS");
        harness.pollUntil(() -> harness.reconfigurations == 2);
    }

    @Test
    void theConnectorFailsWhenItCannotNoticeTablesAnyMore() throws Exception {
        harness.refusal = new IllegalStateException("the worker has no leader");
        harness.with("table.poll.interval.ms", "10").start(1);
        harness.sql("CREATE TABLE B (ID INT PRIMARY KEY)");
        harness.pollUntil(() -> harness.failure == harness.refusal);
    }

    @Test
    void withoutATableTheTaskFailsUntilOneAppears() throws Exception {
        harness.with("table.poll.interval.ms", "10").with("table.whitelist", "LATER");
        String message = assertThrows(ConnectException.class, () -> harness.start(1)).getMessage();
        assertTrue(message.contains("has no table named LATER that the user can read"), message);
        harness.sql("CREATE TABLE LATER (ID INT PRIMARY KEY)", "INSERT INTO LATER VALUES (1)");
        harness.pollUntilReconfigured();
        harness.startTasks(1);
        harness.pollUntil(1);
    }

    @Test
    void tablesOfTheSameNameAreRefused() throws SQLException {
        harness.settings.remove("schema.pattern");
        harness.sql("CREATE SCHEMA ARCHIVE", "CREATE TABLE ARCHIVE.ORDERS (ID INT PRIMARY KEY)");
        String message = assertThrows(ConnectException.class, () -> harness.start(1)).getMessage();
        assertTrue(message.startsWith("several tables are named ORDERS"), message);
    }

    @Test
    void aDatabaseThatIsAwayFailsTheStartAfterTheAttempts() {
        harness.with("connection.url", "jdbc:mysql://127.0.0.1:1/demo").with("connection.backoff.ms", "1");
        String message = assertThrows(ConnectException.class, () -> harness.start(1)).getMessage();
        assertTrue(message.endsWith("tables could not be listed, attempt 3 of 3"), message);
    }

    @Test
    void offsetsOfClientsAreChecked() {
        Map<String, String> partition = Map.of("protocol", "1", "table", "demo.foobar");
        assertTrue(connector.alterOffsets(harness.settings, Map.of(partition, Map.of("incrementing", 3))));
        assertThrows(
                ConnectException.class,
                () -> connector.alterOffsets(harness.settings, Map.of(partition, Map.of("incrementing", "three"))));
    }

    private String table() {
        return harness.settings.get("connection.url").substring("jdbc:h2:mem:".length()).toUpperCase() + ".PUBLIC.ORDERS";
    }

    private static Map<String, String> ordersWith(String key, String value) {
        return Map.of("table.whitelist", "ORDERS", key, value);
    }

    private void assertProblem(String expected, Map<String, String> changed) {
        List<String> found = problems(changed);
        assertTrue(found.size() == 1 && found.get(0).contains(expected), changed + ": " + found);
    }

    private List<String> problems(Map<String, String> changed) {
        Map<String, String> given = new HashMap<>(harness.settings);
        given.putAll(changed);
        return connector.validate(given).configValues().stream()
                .map(ConfigValue::errorMessages)
                .flatMap(List::stream)
                .toList();
    }
}
