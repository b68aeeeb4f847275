package bifrost.connect.jdbc.rows;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Types;
import bifrost.connect.jdbc.database.Dialect;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;

/** Makes records of the rows of one result. */
public final class RowMapper {
    private static final String CONNECTION_LOST = "08";

    private final String source;
    private final List<Column> columns = new ArrayList<>();
    private final List<String> ignored = new ArrayList<>();
    private final Schema schema;

    /**
     * Reads the columns of a result.
     *
     * @param source the table or query, for messages
     * @param name the name of the schema, or null
     */
    public RowMapper(String source, String name, ResultSetMetaData result, Types types, Dialect dialect)
            throws SQLException {
        this.source = source;
        SchemaBuilder builder = SchemaBuilder.struct().name(name);
        for (int index = 1; index <= result.getColumnCount(); index++) {
            String label = result.getColumnLabel(index);
            Optional<Column.Type> type = ColumnTypes.of(result, index, types, dialect);
            if (type.isEmpty()) {
                ignored.add(label + " (" + result.getColumnTypeName(index) + ")");
            } else if (builder.field(label) != null) {
                throw new ConnectException(source + ": two columns are named " + label + "; give one of them an alias");
            } else {
                SchemaBuilder field = type.get().schema();
                boolean isRequired = result.isNullable(index) == ResultSetMetaData.columnNoNulls;
                Column column = new Column(
                        label, index, (isRequired ? field : field.optional()).build(), type.get().reader());
                builder.field(label, column.schema());
                columns.add(column);
            }
        }
        schema = builder.build();
    }

    public Schema schema() {
        return schema;
    }

    /** The columns of types that a record cannot contain, with their types. */
    public List<String> ignored() {
        return ignored;
    }

    /**
     * The record of the current row.
     *
     * @throws DataException a value does not fit the type of its field
     * @throws SQLException the connection was lost
     */
    public Struct record(ResultSet row) throws SQLException {
        Struct record = new Struct(schema);
        for (Column column : columns) {
            record.put(column.name(), value(column, row));
        }
        return record;
    }

    private Object value(Column column, ResultSet row) throws SQLException {
        Object value;
        try {
            value = column.of(row);
        } catch (ArithmeticException | DateTimeException problem) {
            throw new DataException(source + ": column " + column.name() + ": " + problem.getMessage());
        } catch (SQLException problem) {
            if (String.valueOf(problem.getSQLState()).startsWith(CONNECTION_LOST)) {
                throw problem;
            }
            throw new DataException(source + ": column " + column.name() + ": " + problem.getMessage());
        }
        if (value == null && !column.schema().isOptional()) {
            throw new DataException(source + ": column " + column.name()
                    + " is NOT NULL, but its value cannot be represented, for example a date of zeros; correct the row");
        }
        return value;
    }
}
