package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** Creates the mapping of an index from a Connect schema. */
final class IndexMapping {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final Set<String> DATES = Set.of(Date.LOGICAL_NAME, Time.LOGICAL_NAME, Timestamp.LOGICAL_NAME);
    private static final int KEYWORD_LENGTH = 256;

    private final boolean compactsMaps;

    IndexMapping(boolean compactsMaps) {
        this.compactsMaps = compactsMaps;
    }

    /** The body of the mapping. Strings become text fields, with the whole value in the subfield {@code .keyword}. */
    ObjectNode of(Schema schema) {
        return field(schema);
    }

    private ObjectNode field(Schema schema) {
        if (schema.name() != null && DATES.contains(schema.name())) {
            return typed("date");
        }
        if (Decimal.LOGICAL_NAME.equals(schema.name())) {
            return typed("double");
        }
        return switch (schema.type()) {
            case BOOLEAN -> typed("boolean");
            case INT8 -> typed("byte");
            case INT16 -> typed("short");
            case INT32 -> typed("integer");
            case INT64 -> typed("long");
            case FLOAT32 -> typed("float");
            case FLOAT64 -> typed("double");
            case BYTES -> typed("binary");
            case STRING -> text();
            case ARRAY -> field(schema.valueSchema());
            case MAP -> map(schema);
            case STRUCT -> struct(schema);
        };
    }

    private ObjectNode struct(Schema schema) {
        ObjectNode mapping = JSON.objectNode();
        ObjectNode properties = mapping.putObject("properties");
        for (Field field : schema.fields()) {
            properties.set(field.name(), field(field.schema()));
        }
        return mapping;
    }

    private ObjectNode map(Schema schema) {
        if (compactsMaps && schema.keySchema().type() == Schema.Type.STRING) {
            return typed("object");
        }
        ObjectNode mapping = typed("nested");
        ObjectNode properties = mapping.putObject("properties");
        properties.set("key", field(schema.keySchema()));
        properties.set("value", field(schema.valueSchema()));
        return mapping;
    }

    private static ObjectNode text() {
        ObjectNode mapping = typed("text");
        mapping.putObject("fields").putObject("keyword").put("type", "keyword").put("ignore_above", KEYWORD_LENGTH);
        return mapping;
    }

    private static ObjectNode typed(String type) {
        return JSON.objectNode().put("type", type);
    }
}
