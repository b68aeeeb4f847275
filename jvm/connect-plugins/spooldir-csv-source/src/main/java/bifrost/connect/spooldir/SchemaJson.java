package bifrost.connect.spooldir;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.errors.SchemaBuilderException;

/** Reads and writes Connect schemas in the vendor's JSON form: {@code {"type":"STRUCT","fieldSchemas":{...}}}. */
final class SchemaJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SchemaJson() {}

    /** Reads the struct schema in the value of a configuration key; {@code null} if the value is empty. */
    static Schema read(String key, String text) {
        if (text.isBlank()) {
            return null;
        }
        try {
            Schema schema = schema(JSON.readTree(text));
            if (schema.type() != Schema.Type.STRUCT) {
                throw new ConfigException(key, text, "must be of type STRUCT");
            }
            schema.fields().forEach(SchemaJson::check);
            return schema;
        } catch (JsonProcessingException problem) {
            throw new ConfigException(key, text, "not JSON: " + problem.getOriginalMessage());
        } catch (IllegalArgumentException | SchemaBuilderException problem) {
            throw new ConfigException(key, text, problem.getMessage());
        }
    }

    /** Writes a schema as JSON. */
    static String write(Schema schema) {
        return node(schema).toString();
    }

    private static Schema schema(JsonNode node) {
        String type = node.path("type").asText("").toUpperCase(Locale.ROOT);
        SchemaBuilder builder = new SchemaBuilder(Schema.Type.valueOf(type));
        if (node.hasNonNull("name")) {
            builder.name(node.get("name").asText());
        }
        if (node.path("isOptional").asBoolean()) {
            builder.optional();
        }
        if (node.hasNonNull("version")) {
            builder.version(node.get("version").asInt());
        }
        for (Map.Entry<String, JsonNode> parameter : node.path("parameters").properties()) {
            builder.parameter(parameter.getKey(), parameter.getValue().asText());
        }
        for (Map.Entry<String, JsonNode> field : node.path("fieldSchemas").properties()) {
            builder.field(field.getKey(), schema(field.getValue()));
        }
        if (node.hasNonNull("doc")) {
            builder.doc(node.get("doc").asText());
        }
        if (node.hasNonNull("defaultValue")) {
            builder.defaultValue(constant(builder, node.get("defaultValue").asText()));
        }
        return builder.build();
    }

    private static Object constant(Schema schema, String text) {
        if (schema.name() != null && ColumnParser.LOGICAL.contains(schema.name())) {
            throw new IllegalArgumentException("defaultValue is not supported for " + schema.name());
        }
        return ColumnParser.primitive(schema, text);
    }

    /** Refuses a field whose type a column cannot have. */
    private static void check(Field field) {
        Schema schema = field.schema();
        if (!schema.type().isPrimitive()) {
            throw new IllegalArgumentException(field.name() + ": a column cannot be of type " + schema.type());
        }
        String scale = schema.parameters() == null ? null : schema.parameters().get(Decimal.SCALE_FIELD);
        if (Decimal.LOGICAL_NAME.equals(schema.name()) && (scale == null || !scale.matches("\\d+"))) {
            throw new IllegalArgumentException(field.name() + ": a Decimal needs the parameter scale");
        }
    }

    private static ObjectNode node(Schema schema) {
        ObjectNode node = JSON.createObjectNode();
        if (schema.name() != null) {
            node.put("name", schema.name());
        }
        node.put("type", schema.type().name());
        node.put("isOptional", schema.isOptional());
        if (schema.type() == Schema.Type.STRUCT) {
            ObjectNode fields = node.putObject("fieldSchemas");
            for (Field field : schema.fields()) {
                fields.set(field.name(), node(field.schema()));
            }
        }
        return node;
    }
}
