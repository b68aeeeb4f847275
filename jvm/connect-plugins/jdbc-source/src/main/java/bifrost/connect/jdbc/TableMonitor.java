package bifrost.connect.jdbc;

import bifrost.connect.jdbc.config.JdbcSourceConfig;
import bifrost.connect.jdbc.database.Database;
import bifrost.connect.jdbc.database.TableId;
import bifrost.connect.jdbc.database.Tables;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.connector.ConnectorContext;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists the selected tables at an interval, and has the tasks configured again when they changed. */
final class TableMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(TableMonitor.class);

    private final JdbcSourceConfig config;
    private final ConnectorContext context;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile List<TableId> tables = List.of();

    TableMonitor(JdbcSourceConfig config, ConnectorContext context) {
        this.config = config;
        this.context = context;
    }

    /**
     * Lists the tables, then again at the interval in a thread of the monitor.
     *
     * @throws ConnectException the database refuses it, or did not answer any of the attempts
     */
    void start() {
        tables = firstList();
        Thread thread = new Thread(this::run, "jdbc-source-tables");
        thread.setDaemon(true);
        thread.start();
    }

    /** The tables of the last list. */
    List<TableId> tables() {
        return tables;
    }

    void stop() {
        stopped.countDown();
    }

    private List<TableId> firstList() {
        for (int attempt = 1; ; attempt++) {
            try (Database database = new Database(config.connecting)) {
                try {
                    return list(database);
                } catch (SQLException problem) {
                    String text = database.place() + ": " + database.describe(problem);
                    if (Database.isPermanent(problem) || attempt >= config.connecting.attempts()) {
                        throw new ConnectException(text + "; tables could not be listed, attempt " + attempt + " of "
                                + config.connecting.attempts());
                    }
                    LOG.warn("{}; the next attempt follows in {} ms", text, config.connecting.backoff().toMillis());
                }
            }
            if (isStoppedWithin(config.connecting.backoff())) {
                throw new ConnectException("stopped before the tables were listed");
            }
        }
    }

    private void run() {
        while (!isStoppedWithin(config.tablePollInterval)) {
            try (Database database = new Database(config.connecting)) {
                try {
                    List<TableId> found = list(database);
                    if (!found.equals(tables)) {
                        LOG.info("the selected tables changed from {} to {}", names(tables), names(found));
                        tables = found;
                        context.requestTaskReconfiguration();
                    }
                } catch (SQLException problem) {
                    LOG.warn("{}: {}; tables are listed again later", database.place(), database.describe(problem));
                } catch (RuntimeException problem) {
                    // Without this thread, the connector would run and notice no table any more.
                    context.raiseError(problem);
                    return;
                }
            }
        }
    }

    private List<TableId> list(Database database) throws SQLException {
        List<TableId> found = Tables.selected(database, config.selection);
        Set<String> ambiguous = Tables.ambiguousNames(found);
        if (!ambiguous.isEmpty()) {
            throw new ConnectException("several tables are named " + String.join(", ", ambiguous) + " and would be written"
                    + " to the same topic: select one by table.whitelist, catalog.pattern or schema.pattern");
        }
        List<String> missing = Tables.missing(found, config.selection);
        if (!missing.isEmpty()) {
            LOG.warn("{}: no table is named {} (table.whitelist)", database.place(), String.join(", ", missing));
        }
        return found;
    }

    private boolean isStoppedWithin(Duration time) {
        try {
            return stopped.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private static List<String> names(List<TableId> tables) {
        return tables.stream().map(TableId::fullName).toList();
    }
}
