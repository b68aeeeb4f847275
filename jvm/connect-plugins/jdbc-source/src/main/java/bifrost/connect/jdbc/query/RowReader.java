package bifrost.connect.jdbc.query;

import bifrost.connect.jdbc.config.JdbcSourceConfig;
import bifrost.connect.jdbc.config.JdbcSourceConfig.Tracking;
import bifrost.connect.jdbc.config.Mode;
import bifrost.connect.jdbc.database.Database;
import bifrost.connect.jdbc.database.TableId;
import bifrost.connect.jdbc.query.TrackingColumns.Kind;
import bifrost.connect.jdbc.rows.RowMapper;
import java.math.BigDecimal;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.source.SourceRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the new rows of one table, or of the query, poll by poll. A poll may take several batches. */
public final class RowReader {
    private static final Logger LOG = LoggerFactory.getLogger(RowReader.class);

    private final JdbcSourceConfig config;
    private final TableId table;
    private final Mode mode;
    private TrackingColumns columns;
    private RowMapper mapper;
    private PreparedStatement statement;
    private ResultSet rows;
    private Calendar zone;
    private Row next;
    private Position delivered;

    private record Row(Struct value, Position position) {}

    /**
     * A reader that continues after a position.
     *
     * @param table null to read the query
     */
    public RowReader(JdbcSourceConfig config, TableId table, Position position) {
        this.config = config;
        this.table = table;
        this.mode = config.tracking.mode();
        this.delivered = position;
    }

    /** The table, or `the query`, for messages. */
    public String name() {
        return table == null ? "the query" : table.fullName();
    }

    /** Whether the result of a poll has more rows. */
    public boolean isOpen() {
        return next != null;
    }

    /** Starts a poll. */
    public void open(Database database) throws SQLException {
        String quote = config.selection.quotes() ? database.quote() : "";
        if (columns == null) {
            columns = table == null
                    ? TrackingColumns.ofQuery(config.tracking)
                    : TrackingColumns.ofTable(database, table, config.tracking);
        }
        Timestamp now = mode.hasTimestamp ? database.now() : null;
        database.endTransaction();
        delivered = withInitial(delivered, now);
        zone = database.calendar();
        String from = table == null ? config.selection.query() : SelectStatement.all(table, quote);
        SelectStatement select = new SelectStatement(mode, from, config.selection.suffix(), quote, columns);
        statement = database.prepare(select.text(), config.batchRows);
        select.bind(statement, delivered, before(now), zone);
        rows = statement.executeQuery();
        useColumnsOf(rows.getMetaData(), database);
        next = fetch();
    }

    /** The next rows, at most so many. After the last row of a poll the reader is no longer open. */
    public List<SourceRecord> read(int most) throws SQLException {
        List<SourceRecord> batch = new ArrayList<>();
        Position position = delivered;
        while (next != null && batch.size() < most) {
            Row row = next;
            next = fetch();
            // Rows of the same time may be found in any order, so none of them is passed before all are read.
            if (mode != Mode.TIMESTAMP || next == null || !next.position.equals(row.position)) {
                position = row.position;
            }
            batch.add(record(row.value, position));
        }
        if (next == null) {
            close();
        }
        delivered = position;
        return batch;
    }

    /** Ends a poll; the next one continues after the last batch. */
    public void close() {
        next = null;
        try {
            if (statement != null) {
                statement.close();
            }
        } catch (SQLException closedBefore) {
            LOG.debug("{}: the statement was closed before", name());
        }
        statement = null;
        rows = null;
    }

    private Position withInitial(Position position, Timestamp now) {
        Tracking tracking = config.tracking;
        Timestamp timestamp = position.timestamp();
        if (mode.hasTimestamp && timestamp == null) {
            Long initial = tracking.timestampInitial();
            timestamp = initial != null && initial == -1 ? now : new Timestamp(initial == null ? 0 : initial);
        }
        Long incrementing = position.incrementing();
        if (mode.hasIncrementing && incrementing == null) {
            incrementing = tracking.incrementingInitial();
        }
        return new Position(mode.hasTimestamp ? timestamp : null, mode.hasIncrementing ? incrementing : null);
    }

    private Timestamp before(Timestamp now) {
        return now == null ? null : new Timestamp(now.getTime() - config.tracking.delay().toMillis());
    }

    /** Keeps the schema of the last poll while it stays the same, so that converters find it in their caches. */
    private void useColumnsOf(ResultSetMetaData result, Database database) throws SQLException {
        for (String name : columns.timestamps()) {
            requireColumn(result, name, Kind.TIMESTAMP);
        }
        if (!columns.incrementing().isEmpty()) {
            requireColumn(result, columns.incrementing(), Kind.INCREMENTING);
        }
        String schemaName = table == null ? null : table.name();
        RowMapper found = new RowMapper(name(), schemaName, result, config.types, database.dialect());
        if (mapper == null || !mapper.schema().equals(found.schema())) {
            mapper = found;
            if (!found.ignored().isEmpty()) {
                LOG.warn("{}: columns of these types are not read: {}", name(), String.join(", ", found.ignored()));
            }
        }
    }

    private void requireColumn(ResultSetMetaData result, String column, Kind kind) throws SQLException {
        for (int index = 1; index <= result.getColumnCount(); index++) {
            if (result.getColumnLabel(index).equalsIgnoreCase(column)) {
                if (table == null) { // those of a table were checked before
                    kind.check(column, name(), result.getColumnType(index), config.tracking.delay());
                }
                return;
            }
        }
        throw new ConnectException(kind.key + ": " + name() + " returns no column " + column);
    }

    private Row fetch() throws SQLException {
        if (!rows.next()) {
            return null;
        }
        Position position = position();
        try {
            return new Row(mapper.record(rows), position);
        } catch (DataException problem) {
            throw new ConnectException(problem.getMessage() + place(position));
        }
    }

    private String place(Position position) {
        return mode == Mode.BULK ? "" : "; the row has " + position.asOffset();
    }

    private Position position() throws SQLException {
        Timestamp timestamp = null;
        for (String name : columns.timestamps()) {
            timestamp = timestamp == null ? rows.getTimestamp(name, zone) : timestamp;
        }
        BigDecimal incrementing =
                columns.incrementing().isEmpty() ? null : rows.getBigDecimal(columns.incrementing());
        try {
            Long number = incrementing == null ? lastNumber(timestamp) : Long.valueOf(incrementing.longValueExact());
            return new Position(timestamp, number);
        } catch (ArithmeticException problem) {
            throw new ConnectException("incrementing.column.name: " + name() + " has " + columns.incrementing() + "="
                    + incrementing + ", which is not an integer of 64 bits");
        }
    }

    /** The number of the row before, if that has the same time: some databases return rows without a number last. */
    private Long lastNumber(Timestamp timestamp) {
        Position last = next == null ? delivered : next.position;
        boolean isSameTime = timestamp != null && timestamp.equals(last.timestamp());
        return mode.hasIncrementing && isSameTime ? last.incrementing() : null;
    }

    private SourceRecord record(Struct value, Position position) {
        String topic = table == null ? config.topicPrefix : config.topicPrefix + table.name();
        Map<String, ?> partition = mode == Mode.BULK ? Partition.withoutOffset(table) : Partition.of(table);
        Map<String, ?> offset = mode == Mode.BULK ? null : position.asOffset();
        return new SourceRecord(partition, offset, topic, value.schema(), value);
    }
}
