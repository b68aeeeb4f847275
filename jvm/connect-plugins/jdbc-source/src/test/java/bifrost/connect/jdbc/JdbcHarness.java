package bifrost.connect.jdbc;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.connect.connector.ConnectorContext;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceConnectorContext;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** A connector and its tasks with a database in memory and a simulated worker. */
final class JdbcHarness implements AutoCloseable {
    final Map<String, String> settings = new HashMap<>();
    final List<SourceRecord> records = new ArrayList<>();

    /** The stored offsets by partition. */
    final Map<Map<String, ?>, Map<String, Object>> offsets = new HashMap<>();

    /** How often the connector had its tasks configured again. */
    volatile int reconfigurations;

    /** The error of a worker that cannot have tasks configured again. */
    volatile RuntimeException refusal;

    /** What the connector reported as the reason of its failure. */
    volatile Exception failure;

    /** What the connector configured its tasks with. */
    List<Map<String, String>> configs = List.of();

    private final Connection connection;
    private final List<JdbcSourceTask> tasks = new ArrayList<>();
    private JdbcSourceConnector connector;

    JdbcHarness(String mode) throws SQLException {
        String url = "jdbc:h2:mem:" + UUID.randomUUID();
        connection = DriverManager.getConnection(url + ";DB_CLOSE_DELAY=-1");
        settings.putAll(Map.of(
                "connection.url", url, "mode", mode, "topic.prefix", "db-", "poll.interval.ms", "1", "table.types", "BASE TABLE",
                "schema.pattern", "PUBLIC"));
    }

    JdbcHarness with(String name, String value) {
        settings.put(name, value);
        return this;
    }

    void sql(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : statements) {
                statement.execute(text);
            }
        }
    }

    /** Starts the connector with its tasks, at most so many. */
    void start(int maxTasks) {
        connector = new JdbcSourceConnector();
        connector.initialize(connectorContext());
        connector.start(settings);
        startTasks(maxTasks);
    }

    /** Starts the tasks of a started connector again, as after it requested that. */
    void startTasks(int maxTasks) {
        stopTasks();
        configs = connector.taskConfigs(maxTasks);
        for (Map<String, String> config : configs) {
            JdbcSourceTask task = new JdbcSourceTask();
            task.initialize(taskContext());
            task.start(config);
            tasks.add(task);
        }
    }

    void stopTasks() {
        tasks.forEach(JdbcSourceTask::stop);
        tasks.clear();
    }

    int tasks() {
        return tasks.size();
    }

    /** Polls every task once and stores what it returned; the number of records. */
    int poll() throws InterruptedException {
        int found = 0;
        for (JdbcSourceTask task : tasks) {
            List<SourceRecord> batch = task.poll();
            if (batch != null) {
                found += batch.size();
                store(batch);
            }
        }
        return found;
    }

    /** Polls until that many records arrived since the start of the harness, and some times more. */
    void pollUntil(int count) throws InterruptedException {
        pollUntil(() -> records.size() >= count);
        for (int more = 0; more < 3; more++) {
            poll();
        }
    }

    void pollUntil(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not so within 20 s; " + records.size() + " records");
            }
            if (poll() == 0) {
                TimeUnit.MILLISECONDS.sleep(2);
            }
        }
    }

    void pollUntilReconfigured() throws InterruptedException {
        pollUntil(() -> reconfigurations > 0);
    }

    /** The values of a column in all records. */
    List<Object> column(String name) {
        return records.stream().map(record -> value(record).get(name)).toList();
    }

    static Struct value(SourceRecord record) {
        return (Struct) record.value();
    }

    /** Stops everything; what was stored stays. */
    void stop() {
        stopTasks();
        if (connector != null) {
            connector.stop();
        }
    }

    @Override
    public void close() throws SQLException {
        stop();
        sql("SHUTDOWN");
    }

    @SuppressWarnings("unchecked")
    private void store(List<SourceRecord> batch) {
        for (SourceRecord record : batch) {
            records.add(record);
            offsets.put(record.sourcePartition(), (Map<String, Object>) record.sourceOffset());
        }
    }

    private OffsetStorageReader reader() {
        return new OffsetStorageReader() {
            @Override
            public <T> Map<String, Object> offset(Map<String, T> partition) {
                return offsets.get(partition);
            }

            @Override
            public <T> Map<Map<String, T>, Map<String, Object>> offsets(Collection<Map<String, T>> partitions) {
                throw new AssertionError("unexpected call");
            }
        };
    }

    private SourceTaskContext taskContext() {
        return new SourceTaskContext() {
            @Override
            public Map<String, String> configs() {
                return settings;
            }

            @Override
            public OffsetStorageReader offsetStorageReader() {
                return reader();
            }

            @Override
            public org.apache.kafka.common.metrics.PluginMetrics pluginMetrics() {
                throw new AssertionError("unexpected call");
            }
        };
    }

    private ConnectorContext connectorContext() {
        return new SourceConnectorContext() {
            @Override
            public void requestTaskReconfiguration() {
                if (refusal != null) {
                    throw refusal;
                }
                reconfigurations++;
            }

            @Override
            public void raiseError(Exception problem) {
                failure = problem;
            }

            @Override
            public OffsetStorageReader offsetStorageReader() {
                return reader();
            }

            @Override
            public org.apache.kafka.common.metrics.PluginMetrics pluginMetrics() {
                throw new AssertionError("unexpected call");
            }
        };
    }
}
