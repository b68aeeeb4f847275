package bifrost.connect.s3.format;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.apache.avro.JsonProperties;
import org.apache.avro.Schema;
import org.apache.kafka.connect.data.Field;

/** Names and defaults as Avro allows them. */
final class AvroNames {
    private AvroNames() {}

    /** Letters, digits and underscores, not beginning with a digit. */
    static String name(String name) {
        String clean = name.replaceAll("[^A-Za-z0-9_]", "_");
        return clean.isEmpty() || Character.isDigit(clean.charAt(0)) ? "_" + clean : clean;
    }

    static String namespace(String namespace) {
        return Arrays.stream(namespace.split("\\.")).map(AvroNames::name).collect(Collectors.joining("."));
    }

    /** A field; what readers take for one that is missing is kept where it is a plain value, or null. */
    static Schema.Field field(Field field, Schema type) {
        Object value = field.schema().defaultValue();
        String name = name(field.name());
        if (value == null) {
            return field.schema().isOptional()
                    ? new Schema.Field(name, type, field.schema().doc(), JsonProperties.NULL_VALUE)
                    : new Schema.Field(name, type, field.schema().doc());
        }
        return new Schema.Field(name, type, field.schema().doc(), plain(value));
    }

    private static Object plain(Object value) {
        if (value instanceof Byte || value instanceof Short) {
            return ((Number) value).intValue();
        }
        boolean isPlain = value instanceof String || value instanceof Boolean
                || value instanceof Integer || value instanceof Long || value instanceof Float || value instanceof Double;
        return isPlain ? value : null;
    }
}
