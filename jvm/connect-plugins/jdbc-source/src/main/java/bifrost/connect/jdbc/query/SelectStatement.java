package bifrost.connect.jdbc.query;

import bifrost.connect.jdbc.config.Mode;
import bifrost.connect.jdbc.database.TableId;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.Calendar;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The statement that finds the rows after a position.
 *
 * @param from a statement without a WHERE clause
 * @param quote the quote of identifiers, or empty
 */
record SelectStatement(Mode mode, String from, String suffix, String quote, TrackingColumns columns) {
    /** The start of a statement that reads a table. */
    static String all(TableId table, String quote) {
        return "SELECT * FROM " + table.inStatement(quote);
    }

    /** The statement, with parameters that {@link #bind} sets. */
    String text() {
        String condition = switch (mode) {
            case BULK -> "";
            case INCREMENTING -> " WHERE " + incrementing() + " > ? ORDER BY " + incrementing() + " ASC";
            case TIMESTAMP ->
                " WHERE %1$s > ? AND %1$s < ? ORDER BY %1$s ASC".formatted(timestamp());
            case TIMESTAMP_INCREMENTING ->
                " WHERE %1$s < ? AND ((%1$s = ? AND %2$s > ?) OR %1$s > ?) ORDER BY %1$s ASC, %2$s ASC"
                        .formatted(timestamp(), incrementing());
        };
        return from + condition + (suffix.isEmpty() ? "" : " " + suffix);
    }

    /**
     * Sets the parameters.
     *
     * @param after the rows after this position are found
     * @param end the rows changed before this time are found
     */
    void bind(PreparedStatement statement, Position after, Timestamp end, Calendar zone) throws SQLException {
        switch (mode) {
            case BULK -> { }
            case INCREMENTING -> statement.setLong(1, after.incrementing());
            case TIMESTAMP -> {
                statement.setTimestamp(1, after.timestamp(), zone);
                statement.setTimestamp(2, end, zone);
            }
            case TIMESTAMP_INCREMENTING -> {
                statement.setTimestamp(1, end, zone);
                statement.setTimestamp(2, after.timestamp(), zone);
                statement.setLong(3, after.incrementing());
                statement.setTimestamp(4, after.timestamp(), zone);
            }
        }
    }

    private String incrementing() {
        return TableId.quoted(columns.incrementing(), quote);
    }

    private String timestamp() {
        List<String> names =
                columns.timestamps().stream().map(name -> TableId.quoted(name, quote)).toList();
        return names.size() == 1 ? names.get(0) : names.stream().collect(Collectors.joining(",", "COALESCE(", ")"));
    }
}
