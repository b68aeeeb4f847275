package bifrost.connect.jdbc.query;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Tracking;
import bifrost.connect.jdbc.database.Database;
import bifrost.connect.jdbc.database.TableId;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * The columns by which new rows are found.
 *
 * @param incrementing empty if the mode has none
 * @param timestamps empty if the mode has none
 */
public record TrackingColumns(String incrementing, List<String> timestamps) {
    /** What a tracking column contains. */
    enum Kind {
        INCREMENTING(
                "incrementing.column.name",
                "integers",
                Set.of(Types.TINYINT, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.NUMERIC, Types.DECIMAL)),
        TIMESTAMP("timestamp.column.name", "times", Set.of(Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE));

        private static final Duration DAY = Duration.ofDays(1);

        /** The key that names the column. */
        final String key;

        private final String values;
        private final Set<Integer> types;

        Kind(String key, String values, Set<Integer> types) {
            this.key = key;
            this.values = values;
            this.types = types;
        }

        /**
         * Checks a column of a table or query.
         *
         * @param type of {@link Types}
         * @throws ConnectException by its values, rows would not be found
         */
        void check(String column, String source, int type, Duration delay) {
            boolean isDay = this == TIMESTAMP && type == Types.DATE;
            // A day that is over has no changes any more.
            if (types.contains(type) || isDay && delay.compareTo(DAY) >= 0) {
                return;
            }
            String reason = isDay
                    ? ": changes later on the day of the last poll would be lost; set timestamp.delay.interval.ms to "
                            + DAY.toMillis() + " or more to read each day when it is over"
                    : "";
            throw new ConnectException(
                    key + ": column " + column + " of " + source + " does not contain " + values + reason);
        }
    }

    private record TableColumn(String name, int type, boolean isNullable, boolean isAutoIncrement) {}

    /** The columns as the configuration names them; a query is not checked before it runs. */
    static TrackingColumns ofQuery(Tracking tracking) {
        return new TrackingColumns(
                tracking.mode().hasIncrementing ? tracking.incrementing() : "",
                tracking.mode().hasTimestamp ? tracking.timestamps() : List.of());
    }

    /**
     * The columns of a table.
     *
     * @throws ConnectException the table lacks one, or it has values that hide rows
     */
    public static TrackingColumns ofTable(Database database, TableId table, Tracking tracking) throws SQLException {
        List<TableColumn> columns = columns(database, table);
        TrackingColumns named = ofQuery(tracking);
        if (columns.isEmpty()) {
            return named; // The statement itself fails, with the database's reason.
        }
        String incrementing = "";
        if (tracking.mode().hasIncrementing) {
            incrementing = incrementing(columns, table, tracking);
        }
        List<TableColumn> timestamps = new ArrayList<>();
        for (String name : named.timestamps) {
            timestamps.add(find(columns, table, name, Kind.TIMESTAMP, tracking));
        }
        if (tracking.requiresNonNull() && !timestamps.isEmpty()
                && timestamps.stream().allMatch(TableColumn::isNullable)) {
            throw nullable(table, String.join(", ", named.timestamps), Kind.TIMESTAMP);
        }
        return new TrackingColumns(incrementing, timestamps.stream().map(TableColumn::name).toList());
    }

    private static String incrementing(List<TableColumn> columns, TableId table, Tracking tracking) {
        if (tracking.incrementing().isEmpty()) {
            return columns.stream()
                    .filter(TableColumn::isAutoIncrement)
                    .map(TableColumn::name)
                    .findFirst()
                    .orElseThrow(() -> new ConnectException(
                            table.fullName() + " has no auto-increment column; set incrementing.column.name"));
        }
        TableColumn found = find(columns, table, tracking.incrementing(), Kind.INCREMENTING, tracking);
        if (tracking.requiresNonNull() && found.isNullable) {
            throw nullable(table, found.name, Kind.INCREMENTING);
        }
        return found.name;
    }

    private static TableColumn find(
            List<TableColumn> columns, TableId table, String name, Kind kind, Tracking tracking) {
        TableColumn found = columns.stream()
                .filter(column -> column.name.equals(name))
                .findFirst()
                .or(() -> columns.stream().filter(column -> column.name.equalsIgnoreCase(name)).findFirst())
                .orElseThrow(() -> new ConnectException(kind.key + ": " + table.fullName() + " has no column " + name
                        + "; its columns are "
                        + columns.stream().map(TableColumn::name).collect(Collectors.joining(", "))));
        kind.check(found.name, table.fullName(), found.type, tracking.delay());
        return found;
    }

    private static ConnectException nullable(TableId table, String names, Kind kind) {
        return new ConnectException(kind.key + ": " + names + " of " + table.fullName()
                + " may be null, and rows with null would never be read; declare NOT NULL, or set validate.non.null=false");
    }

    private static List<TableColumn> columns(Database database, TableId table) throws SQLException {
        DatabaseMetaData metadata = database.connection().getMetaData();
        String escape = metadata.getSearchStringEscape();
        List<TableColumn> found = new ArrayList<>();
        try (ResultSet rows = metadata.getColumns(
                table.catalog(), escaped(table.schema(), escape), escaped(table.name(), escape), "%")) {
            while (rows.next()) {
                found.add(new TableColumn(
                        rows.getString("COLUMN_NAME"),
                        rows.getInt("DATA_TYPE"),
                        rows.getInt("NULLABLE") != DatabaseMetaData.columnNoNulls,
                        "YES".equalsIgnoreCase(rows.getString("IS_AUTOINCREMENT"))));
            }
        }
        return found;
    }

    /** A name as a pattern that matches only itself. */
    private static String escaped(String name, String escape) {
        return name == null || escape == null || escape.isEmpty()
                ? name
                : name.replace(escape, escape + escape).replace("_", escape + "_").replace("%", escape + "%");
    }
}
