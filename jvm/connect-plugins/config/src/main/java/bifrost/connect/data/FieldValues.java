package bifrost.connect.data;

import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/** Reads fields of records without replacing a null that the record contains. */
public final class FieldValues {
    private FieldValues() {}

    /**
     * The value of a field. {@link Struct#get(Field)} would replace a null by the default of the field; that is right only
     * for a required field, which cannot contain null.
     */
    public static Object of(Struct struct, Field field) {
        return field.schema().isOptional() ? struct.getWithoutDefault(field.name()) : struct.get(field);
    }

    /** Sets required fields that have no value to their default, also in nested records. */
    public static void setRequiredDefaults(Object value) {
        if (value instanceof Struct struct) {
            for (Field field : struct.schema().fields()) {
                Object found = struct.getWithoutDefault(field.name());
                if (found != null) {
                    setRequiredDefaults(found);
                } else if (!field.schema().isOptional()) {
                    struct.put(field, field.schema().defaultValue());
                }
            }
        }
    }
}
