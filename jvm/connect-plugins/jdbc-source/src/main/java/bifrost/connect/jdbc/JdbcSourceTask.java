package bifrost.connect.jdbc;

import bifrost.connect.config.PluginVersion;
import bifrost.connect.jdbc.config.JdbcSourceConfig;
import bifrost.connect.jdbc.database.Database;
import bifrost.connect.jdbc.database.TableId;
import bifrost.connect.jdbc.query.Partition;
import bifrost.connect.jdbc.query.Position;
import bifrost.connect.jdbc.query.RowReader;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Polls its tables one after the other over one connection. After an error it opens the connection again and continues
 * after the last batch that it returned.
 */
public final class JdbcSourceTask extends SourceTask {
    private static final Logger LOG = LoggerFactory.getLogger(JdbcSourceTask.class);

    /** The worker stops and pauses a task between two polls, so none of them may wait long. */
    private static final long LONGEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Deque<DueReader> readers = new ArrayDeque<>();
    private JdbcSourceConfig config;
    private Database database;
    private int failures;
    private long retryAt;

    /** A reader with the time of its next poll, as {@link System#nanoTime}. */
    private record DueReader(RowReader reader, long dueAt) {}

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public void start(Map<String, String> given) {
        config = new JdbcSourceConfig(given);
        database = new Database(config.connecting);
        long now = System.nanoTime();
        retryAt = now;
        for (TableId table : tables()) {
            Map<String, Object> offset = context.offsetStorageReader().offset(Partition.of(table));
            readers.add(new DueReader(new RowReader(config, table, Position.of(offset)), now));
        }
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        DueReader first = readers.getFirst();
        if (!isReached(first.dueAt) || !isReached(retryAt)) {
            return null;
        }
        RowReader reader = first.reader;
        try {
            if (!reader.isOpen()) {
                reader.open(database);
            }
            List<SourceRecord> batch = reader.read(config.batchRows);
            if (!reader.isOpen()) {
                endTransaction();
                readers.removeFirst();
                readers.addLast(new DueReader(reader, System.nanoTime() + config.pollInterval.toNanos()));
            }
            failures = 0;
            return batch.isEmpty() ? null : batch;
        } catch (SQLException problem) {
            reader.close();
            database.close();
            fail(reader, problem);
            return null;
        }
    }

    @Override
    public void stop() {
        stopped.countDown();
        if (database != null) {
            database.close();
        }
    }

    private List<TableId> tables() {
        if (config.selection.isQuery()) {
            List<TableId> query = new ArrayList<>();
            query.add(null);
            return query;
        }
        List<TableId> tables = TableId.split(config.taskTables);
        if (tables.isEmpty()) {
            String selected = config.selection.whitelist().isEmpty()
                    ? "no table"
                    : "no table named " + String.join(", ", config.selection.whitelist());
            throw new ConnectException(database.place() + " has " + selected + " that the user can read; the task starts"
                    + " again when one appears");
        }
        return tables;
    }

    /** Ends the transaction of a poll. Its rows were read, so an error must not discard them. */
    private void endTransaction() {
        try {
            database.endTransaction();
        } catch (SQLException problem) {
            LOG.warn("{}: {}; the connection is opened again", database.place(), database.describe(problem));
            database.close();
        }
    }

    /** Waits for a time, but not long; whether it is reached. */
    private boolean isReached(long time) throws InterruptedException {
        long left = time - System.nanoTime();
        if (left > 0) {
            stopped.await(Math.min(left, LONGEST_WAIT_NANOS), TimeUnit.NANOSECONDS);
        }
        return time - System.nanoTime() <= 0 && stopped.getCount() > 0;
    }

    private void fail(RowReader reader, SQLException problem) {
        failures++;
        String text = reader.name() + " of " + database.place() + ": " + database.describe(problem);
        int attempts = config.connecting.attempts();
        if (Database.isPermanent(problem)) {
            throw new ConnectException(text);
        }
        if (failures >= attempts) {
            throw new ConnectException(text + "; all " + attempts + " attempts failed");
        }
        Duration backoff = config.connecting.backoff();
        LOG.warn("{}; attempt {} of {} failed, the next follows in {} ms", text, failures, attempts, backoff.toMillis());
        retryAt = System.nanoTime() + backoff.toNanos();
    }
}
