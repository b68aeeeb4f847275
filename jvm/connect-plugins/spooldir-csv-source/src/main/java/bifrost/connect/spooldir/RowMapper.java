package bifrost.connect.spooldir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Converts the rows of one file to keys and values. The file's header assigns columns to fields. */
final class RowMapper {
    private final ColumnParser columns;
    private final Schema keySchema;
    private final Schema valueSchema;
    private final int[] keyColumns;
    private final int[] valueColumns;
    private final int width;

    /**
     * Finds the column of every field.
     *
     * @param keySchema {@code null} for records without a key
     * @throws IllegalArgumentException the header lacks a column that a schema requires, or names one twice
     */
    RowMapper(ColumnParser columns, Schema keySchema, Schema valueSchema, List<String> header, boolean caseSensitive) {
        this.columns = columns;
        this.keySchema = keySchema;
        this.valueSchema = valueSchema;
        List<String> names = header.stream().map(name -> normalized(name, caseSensitive)).toList();
        width = names.size();
        keyColumns = keySchema == null ? new int[0] : columnIndexes(keySchema, names, caseSensitive);
        valueColumns = columnIndexes(valueSchema, names, caseSensitive);
    }

    Schema keySchema() {
        return keySchema;
    }

    Schema valueSchema() {
        return valueSchema;
    }

    /**
     * Checks that a row has as many columns as the header.
     *
     * @throws IllegalArgumentException it has more or fewer
     */
    void check(String[] row) {
        if (row.length != width) {
            throw new IllegalArgumentException(row.length + " columns where " + width + " are expected");
        }
    }

    /** The key of a row; {@code null} without a key schema. */
    Struct key(String[] row) {
        return keySchema == null ? null : struct(keySchema, keyColumns, row);
    }

    /** The value of a row. */
    Struct value(String[] row) {
        return struct(valueSchema, valueColumns, row);
    }

    private Struct struct(Schema schema, int[] columnIndexes, String[] row) {
        Struct struct = new Struct(schema);
        List<Field> fields = schema.fields();
        for (int index = 0; index < columnIndexes.length; index++) {
            Field field = fields.get(index);
            String text = columnIndexes[index] < 0 ? null : row[columnIndexes[index]];
            try {
                struct.put(field, columns.value(field.schema(), text));
            } catch (IllegalArgumentException problem) {
                throw new IllegalArgumentException("column " + field.name() + ": " + problem.getMessage());
            }
        }
        return struct;
    }

    private static int[] columnIndexes(Schema schema, List<String> names, boolean caseSensitive) {
        List<String> missing = new ArrayList<>();
        int[] columnIndexes = new int[schema.fields().size()];
        Arrays.fill(columnIndexes, -1);
        for (Field field : schema.fields()) {
            String name = normalized(field.name(), caseSensitive);
            columnIndexes[field.index()] = names.indexOf(name);
            if (names.indexOf(name) != names.lastIndexOf(name)) {
                throw new IllegalArgumentException("the header has the column " + field.name() + " more than once");
            }
            if (columnIndexes[field.index()] < 0 && !field.schema().isOptional() && field.schema().defaultValue() == null) {
                missing.add(field.name());
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("the header lacks " + String.join(", ", missing));
        }
        return columnIndexes;
    }

    /** Whether a header names a field. */
    static boolean isSameName(String name, String field, boolean caseSensitive) {
        return normalized(name, caseSensitive).equals(normalized(field, caseSensitive));
    }

    private static String normalized(String name, boolean caseSensitive) {
        String trimmed = name == null ? "" : name.trim();
        return caseSensitive ? trimmed : trimmed.toLowerCase(Locale.ROOT);
    }
}
