package bifrost.connect.jdbc.rows;

import bifrost.connect.jdbc.config.JdbcSourceConfig;
import bifrost.connect.jdbc.database.Dialect;
import bifrost.connect.jdbc.rows.Column.Type;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.connect.data.SchemaBuilder;

/** The type of a field by that of its column, as the vendor's plugin maps them. */
final class ColumnTypes {
    private ColumnTypes() {}

    /** The type of a column; empty if a record cannot contain it, for example an array. */
    static Optional<Type> of(ResultSetMetaData columns, int index, JdbcSourceConfig.Types types, Dialect dialect)
            throws SQLException {
        boolean isSigned = columns.isSigned(index);
        return switch (columns.getColumnType(index)) {
            case Types.BOOLEAN, Types.BIT -> Optional.of(bit(columns, index, dialect));
            case Types.TINYINT -> Optional.of(isSigned ? NumberTypes.int8() : NumberTypes.int16());
            case Types.SMALLINT -> Optional.of(isSigned ? NumberTypes.int16() : NumberTypes.int32());
            case Types.INTEGER -> Optional.of(isSigned ? NumberTypes.int32() : NumberTypes.int64());
            case Types.BIGINT -> Optional.of(NumberTypes.int64());
            case Types.REAL -> Optional.of(NumberTypes.float32());
            case Types.FLOAT, Types.DOUBLE -> Optional.of(NumberTypes.float64());
            case Types.NUMERIC, Types.DECIMAL -> Optional.of(decimal(columns, index, types, dialect));
            case Types.CHAR, Types.VARCHAR, Types.LONGVARCHAR, Types.NCHAR, Types.NVARCHAR, Types.LONGNVARCHAR,
                    Types.CLOB, Types.NCLOB, Types.DATALINK, Types.SQLXML, Types.OTHER, Types.ROWID ->
                Optional.of(text());
            case Types.BINARY, Types.VARBINARY, Types.LONGVARBINARY, Types.BLOB -> Optional.of(bytes());
            case Types.DATE -> Optional.of(TimeTypes.date());
            case Types.TIME -> Optional.of(time(columns, index, dialect));
            case Types.TIME_WITH_TIMEZONE -> Optional.of(text());
            case Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE -> Optional.of(TimeTypes.timestamp(types));
            default -> Optional.empty();
        };
    }

    /** Databases report booleans as bits and bits as booleans, and bits of any length; the names of the types differ. */
    private static Type bit(ResultSetMetaData columns, int index, Dialect dialect) throws SQLException {
        String name = columns.getColumnTypeName(index).toLowerCase(Locale.ROOT);
        int length = columns.getPrecision(index);
        return switch (dialect) {
            case POSTGRESQL -> name.startsWith("bool") || length == 1 ? bool() : text();
            case MYSQL -> length <= 1 ? NumberTypes.bit() : bytes();
            case GENERIC -> name.startsWith("bool") ? bool() : NumberTypes.bit();
        };
    }

    /** PostgreSQL's times with a zone are reported as those without, and MySQL's may be longer than a day. */
    private static Type time(ResultSetMetaData columns, int index, Dialect dialect) throws SQLException {
        if (columns.getColumnTypeName(index).equalsIgnoreCase("timetz")) {
            return text();
        }
        return dialect == Dialect.MYSQL ? TimeTypes.timeOfText() : TimeTypes.time();
    }

    /** PostgreSQL alone has numbers without a precision, and reports 0 as theirs. */
    private static Type decimal(ResultSetMetaData columns, int index, JdbcSourceConfig.Types types, Dialect dialect)
            throws SQLException {
        int precision = columns.getPrecision(index);
        boolean hasPrecision = dialect != Dialect.POSTGRESQL || precision > 0;
        return NumberTypes.decimal(
                types.numbers(), hasPrecision ? Math.max(1, precision) : 0, columns.getScale(index));
    }

    private static Type bool() {
        return new Type(SchemaBuilder.bool(), Column.unlessNull((row, index) -> row.getBoolean(index)));
    }

    private static Type text() {
        return new Type(SchemaBuilder.string(), (row, index) -> row.getString(index));
    }

    private static Type bytes() {
        return new Type(SchemaBuilder.bytes(), (row, index) -> row.getBytes(index));
    }
}
