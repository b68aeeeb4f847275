package bifrost.connect.spooldir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Makes the rows of one file into keys and values; which column is which field, its header says. */
final class RowMapper {
    private final Columns columns;
    private final Schema keySchema;
    private final Schema valueSchema;
    private final int[] keyColumns;
    private final int[] valueColumns;
    private final int width;

    /**
     * Places the schemas' fields.
     *
     * @param keySchema {@code null} for no key
     * @throws IllegalArgumentException the header lacks a column that a schema needs, or names one twice
     */
    RowMapper(Columns columns, Schema keySchema, Schema valueSchema, List<String> header, boolean caseSensitive) {
        this.columns = columns;
        this.keySchema = keySchema;
        this.valueSchema = valueSchema;
        List<String> names = header.stream().map(name -> folded(name, caseSensitive)).toList();
        width = names.size();
        keyColumns = keySchema == null ? new int[0] : places(keySchema, names, caseSensitive);
        valueColumns = places(valueSchema, names, caseSensitive);
    }

    Schema keySchema() {
        return keySchema;
    }

    Schema valueSchema() {
        return valueSchema;
    }

    /**
     * Refuses a row that is not as wide as the header.
     *
     * @throws IllegalArgumentException it is not
     */
    void check(String[] row) {
        if (row.length != width) {
            throw new IllegalArgumentException(row.length + " columns where " + width + " are expected");
        }
    }

    /** The key of a row, {@code null} without a key schema. */
    Struct key(String[] row) {
        return keySchema == null ? null : struct(keySchema, keyColumns, row);
    }

    /** The value of a row. */
    Struct value(String[] row) {
        return struct(valueSchema, valueColumns, row);
    }

    private Struct struct(Schema schema, int[] places, String[] row) {
        Struct struct = new Struct(schema);
        List<Field> fields = schema.fields();
        for (int index = 0; index < places.length; index++) {
            Field field = fields.get(index);
            String text = places[index] < 0 ? null : row[places[index]];
            try {
                struct.put(field, columns.value(field.schema(), text));
            } catch (IllegalArgumentException problem) {
                throw new IllegalArgumentException("column " + field.name() + ": " + problem.getMessage());
            }
        }
        return struct;
    }

    private static int[] places(Schema schema, List<String> names, boolean caseSensitive) {
        List<String> missing = new ArrayList<>();
        int[] places = new int[schema.fields().size()];
        Arrays.fill(places, -1);
        for (Field field : schema.fields()) {
            String name = folded(field.name(), caseSensitive);
            places[field.index()] = names.indexOf(name);
            if (names.indexOf(name) != names.lastIndexOf(name)) {
                throw new IllegalArgumentException("the column " + field.name() + " is there twice");
            }
            if (places[field.index()] < 0 && !field.schema().isOptional() && field.schema().defaultValue() == null) {
                missing.add(field.name());
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("the header lacks " + String.join(", ", missing));
        }
        return places;
    }

    private static String folded(String name, boolean caseSensitive) {
        String trimmed = name == null ? "" : name.trim();
        return caseSensitive ? trimmed : trimmed.toLowerCase(Locale.ROOT);
    }
}
