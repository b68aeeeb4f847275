package bifrost.connect.jdbc;

import bifrost.connect.config.Finding;
import bifrost.connect.config.PluginVersion;
import bifrost.connect.config.VendorKeys;
import bifrost.connect.jdbc.config.JdbcSourceConfig;
import bifrost.connect.jdbc.config.JdbcSourceKeys;
import bifrost.connect.jdbc.config.Mode;
import bifrost.connect.jdbc.database.Database;
import bifrost.connect.jdbc.database.TableId;
import bifrost.connect.jdbc.database.Tables;
import bifrost.connect.jdbc.query.Partition;
import bifrost.connect.jdbc.query.TrackingColumns;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.util.ConnectorUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the rows of tables, or of a statement, to topics; the tables are distributed over the tasks. */
public final class JdbcSourceConnector extends SourceConnector {
    private static final Logger LOG = LoggerFactory.getLogger(JdbcSourceConnector.class);

    private Map<String, String> given;
    private JdbcSourceConfig config;
    private TableMonitor monitor;

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public ConfigDef config() {
        return JdbcSourceKeys.DEFINITION;
    }

    /** Checks each key, keys that depend on each other, and that the database has what they name. */
    @Override
    public Config validate(Map<String, String> properties) {
        Map<String, String> set = VendorKeys.withoutNulls(properties);
        Config result = super.validate(set);
        if (Finding.areNone(result)) {
            JdbcSourceConfig.conflicts(set).forEach(conflict -> conflict.addTo(result));
        }
        if (Finding.areNone(result)) {
            checkDatabase(new JdbcSourceConfig(set)).ifPresent(finding -> finding.addTo(result));
        }
        return result;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = VendorKeys.withoutNulls(properties);
        config = new JdbcSourceConfig(given);
        JdbcSourceKeys.warn(LOG, given);
        if (!config.selection.isQuery()) {
            monitor = new TableMonitor(config, context);
            monitor.start();
        }
    }

    @Override
    public Class<? extends Task> taskClass() {
        return JdbcSourceTask.class;
    }

    /** Without a table, one task starts and fails, so that the status names the reason. */
    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        if (config.selection.isQuery()) {
            return List.of(given);
        }
        List<TableId> tables = monitor.tables();
        if (tables.isEmpty()) {
            return List.of(ofTask(List.of()));
        }
        int groups = Math.min(maxTasks, tables.size());
        return ConnectorUtils.groupPartitions(tables, groups).stream().map(this::ofTask).toList();
    }

    @Override
    public void stop() {
        if (monitor != null) {
            monitor.stop();
        }
    }

    /** Rows of the same time may be written twice after a restart, and bulk mode reads all rows again. */
    @Override
    public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> properties) {
        Mode mode = new JdbcSourceConfig(VendorKeys.withoutNulls(properties)).tracking.mode();
        return mode.hasIncrementing ? ExactlyOnceSupport.SUPPORTED : ExactlyOnceSupport.UNSUPPORTED;
    }

    /** Accepts offsets that the tasks understand. */
    @Override
    public boolean alterOffsets(Map<String, String> properties, Map<Map<String, ?>, Map<String, ?>> offsets) {
        offsets.forEach(Partition::check);
        return true;
    }

    private Map<String, String> ofTask(List<TableId> tables) {
        Map<String, String> task = new HashMap<>(given);
        task.put("tables", TableId.join(tables));
        return task;
    }

    private static Optional<Finding> checkDatabase(JdbcSourceConfig config) {
        try (Database database = new Database(config.connecting)) {
            try {
                database.connection();
                if (!config.selection.whitelist().isEmpty()) {
                    for (TableId table : Tables.selected(database, config.selection)) {
                        TrackingColumns.ofTable(database, table, config.tracking);
                    }
                }
                return Optional.empty();
            } catch (SQLException problem) {
                return Optional.of(
                        new Finding("connection.url", database.place() + ": " + database.describe(problem)));
            } catch (ConnectException problem) {
                String key = problem.getMessage().contains("timestamp.column.name")
                        ? "timestamp.column.name"
                        : "incrementing.column.name";
                return Optional.of(new Finding(key, problem.getMessage()));
            }
        }
    }
}
