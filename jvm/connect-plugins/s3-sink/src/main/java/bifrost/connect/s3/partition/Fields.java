package bifrost.connect.s3.partition;

import bifrost.connect.data.FieldValues;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Finds a field in a record's value; dots in the name lead to nested fields. */
final class Fields {
    private Fields() {}

    /** @throws DataException the field is missing or null */
    static Object of(SinkRecord record, String name) {
        Object value = record.value();
        for (String step : name.split("\\.")) {
            value = in(value, step);
        }
        if (value == null) {
            throw new DataException("has no field " + name);
        }
        return value;
    }

    private static Object value(Struct struct, Field field) {
        return field == null ? null : FieldValues.of(struct, field);
    }

    private static Object in(Object value, String name) {
        if (value instanceof Struct struct) {
            return value(struct, struct.schema().field(name));
        }
        return value instanceof Map<?, ?> map ? map.get(name) : null;
    }
}
