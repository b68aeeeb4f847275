package bifrost.connect.jdbc.rows;

import java.sql.ResultSet;
import java.sql.SQLException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * A column as a field of a record.
 *
 * @param index of the column in the result, from 1
 */
record Column(String name, int index, Schema schema, Reader reader) {
    /** Reads the value of a column from the current row. */
    interface Reader {
        /** The value, or null. */
        Object read(ResultSet row, int index) throws SQLException;
    }

    /** The type of a column with the way to read it; the schema is not complete yet. */
    record Type(SchemaBuilder schema, Reader reader) {}

    /** Reads a primitive value, which has no null. */
    static Reader unlessNull(Reader reader) {
        return (row, index) -> {
            Object value = reader.read(row, index);
            return row.wasNull() ? null : value;
        };
    }

    Object of(ResultSet row) throws SQLException {
        return reader.read(row, index);
    }
}
