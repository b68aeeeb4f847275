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
}
