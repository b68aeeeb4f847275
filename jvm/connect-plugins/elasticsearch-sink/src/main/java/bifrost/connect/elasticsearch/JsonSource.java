package bifrost.connect.elasticsearch;

import bifrost.connect.data.FieldValues;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Date;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Writes values as JSON documents. Dates and times become milliseconds (since 1970 or midnight), decimals become
 * numbers, bytes become base64.
 */
final class JsonSource {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final boolean compactsMaps;

    JsonSource(boolean compactsMaps) {
        this.compactsMaps = compactsMaps;
    }

    /** @throws DataException the value is not an object */
    byte[] of(SinkRecord record) {
        Object value = record.value();
        boolean isObject = value instanceof Struct || value instanceof Map<?, ?> map && isObject(map, record.valueSchema() != null);
        if (!isObject) {
            throw new DataException("has a value of type " + value.getClass().getSimpleName() + ", which is not an object");
        }
        ByteArrayBuilder bytes = new ByteArrayBuilder();
        try (JsonGenerator out = FACTORY.createGenerator(bytes)) {
            write(out, value, record.valueSchema() != null);
        } catch (IOException impossible) { // the stream is in memory
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }

    private void write(JsonGenerator out, Object value, boolean hasSchema) throws IOException {
        if (value == null) {
            out.writeNull();
        } else if (value instanceof String text) {
            out.writeString(text);
        } else if (value instanceof Struct struct) {
            writeStruct(out, struct);
        } else if (value instanceof Map<?, ?> map) {
            writeMap(out, map, hasSchema);
        } else if (value instanceof Collection<?> items) {
            out.writeStartArray();
            for (Object item : items) {
                write(out, item, hasSchema);
            }
            out.writeEndArray();
        } else {
            writePrimitive(out, value);
        }
    }

    private void writeStruct(JsonGenerator out, Struct struct) throws IOException {
        out.writeStartObject();
        for (Field field : struct.schema().fields()) {
            out.writeFieldName(field.name());
            write(out, FieldValues.of(struct, field), true);
        }
        out.writeEndObject();
    }

    private void writeMap(JsonGenerator out, Map<?, ?> map, boolean hasSchema) throws IOException {
        boolean isObject = isObject(map, hasSchema);
        if (isObject) {
            out.writeStartObject();
        } else {
            out.writeStartArray();
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (isObject) {
                out.writeFieldName((String) entry.getKey());
                write(out, entry.getValue(), hasSchema);
            } else {
                writePair(out, entry, hasSchema);
            }
        }
        if (isObject) {
            out.writeEndObject();
        } else {
            out.writeEndArray();
        }
    }

    private void writePair(JsonGenerator out, Map.Entry<?, ?> entry, boolean hasSchema) throws IOException {
        out.writeStartObject();
        out.writeFieldName("key");
        write(out, entry.getKey(), hasSchema);
        out.writeFieldName("value");
        write(out, entry.getValue(), hasSchema);
        out.writeEndObject();
    }

    /** Whether a map becomes an object. Without a schema it always does: it was one when JsonConverter read it. */
    private boolean isObject(Map<?, ?> map, boolean hasSchema) {
        return (compactsMaps || !hasSchema) && map.keySet().stream().allMatch(String.class::isInstance);
    }

    private static void writePrimitive(JsonGenerator out, Object value) throws IOException {
        if (value instanceof Boolean flag) {
            out.writeBoolean(flag);
        } else if (value instanceof Float number) {
            out.writeNumber(number);
        } else if (value instanceof Double || value instanceof BigDecimal) {
            out.writeNumber(((Number) value).doubleValue());
        } else if (value instanceof BigInteger number) {
            out.writeNumber(number);
        } else if (value instanceof Number number) {
            out.writeNumber(number.longValue());
        } else if (value instanceof Date date) {
            out.writeNumber(date.getTime());
        } else if (value instanceof byte[] bytes) {
            out.writeBinary(bytes);
        } else if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            out.writeBinary(bytes);
        } else {
            throw new DataException("has a value of type " + value.getClass().getName() + ", which JSON cannot represent");
        }
    }
}
