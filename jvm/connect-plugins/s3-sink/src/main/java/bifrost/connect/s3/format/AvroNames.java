package bifrost.connect.s3.format;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.apache.avro.JsonProperties;
import org.apache.avro.Schema;
import org.apache.kafka.connect.data.Field;

/** Converts names and defaults to what Avro allows. */
final class AvroNames {
    private AvroNames() {}

    /** Replaces everything but letters, digits and underscores; a digit at the start gets a prefix. */
    static String name(String name) {
        String clean = name.replaceAll("[^A-Za-z0-9_]", "_");
        return clean.isEmpty() || Character.isDigit(clean.charAt(0)) ? "_" + clean : clean;
    }

    static String namespace(String namespace) {
        return Arrays.stream(namespace.split("\\.")).map(AvroNames::name).collect(Collectors.joining("."));
    }

    /** The Avro field; it has a default if that is null, a text, a number or a boolean. */
    static Schema.Field field(Field field, Schema type) {
        Object value = field.schema().defaultValue();
        String name = name(field.name());
        if (value == null) {
            return field.schema().isOptional()
                    ? new Schema.Field(name, type, field.schema().doc(), JsonProperties.NULL_VALUE)
                    : new Schema.Field(name, type, field.schema().doc());
        }
        return new Schema.Field(name, type, field.schema().doc(), simpleDefault(value));
    }

    private static Object simpleDefault(Object value) {
        if (value instanceof Byte || value instanceof Short) {
            return ((Number) value).intValue();
        }
        boolean isSimple = value instanceof String || value instanceof Boolean
                || value instanceof Integer || value instanceof Long || value instanceof Float || value instanceof Double;
        return isSimple ? value : null;
    }
}
