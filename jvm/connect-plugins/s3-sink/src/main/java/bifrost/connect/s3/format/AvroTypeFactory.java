package bifrost.connect.s3.format;

import bifrost.connect.data.FieldValues;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.io.Encoder;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;

/**
 * Creates an {@link AvroType} for a Connect schema. An optional field becomes a union with null, whole numbers of up to 32
 * bits become int, dates and times get Avro's logical types. A record without a name gets the vendor's default name.
 */
final class AvroTypeFactory {
    private static final String NAMESPACE = "io.confluent.connect.avro";
    private static final String NAME = "ConnectDefault";
    private static final String PRECISION = "connect.decimal.precision";
    private static final int DEFAULT_PRECISION = 64;

    private final Map<String, Integer> names = new HashMap<>();
    private final Map<org.apache.kafka.connect.data.Schema, AvroType> records = new HashMap<>();

    AvroType of(org.apache.kafka.connect.data.Schema schema) {
        AvroType type = required(schema);
        return schema.isOptional() ? optional(type, schema.defaultValue() != null) : type;
    }

    private AvroType required(org.apache.kafka.connect.data.Schema schema) {
        AvroType logical = logical(schema);
        if (logical != null) {
            return logical;
        }
        return switch (schema.type()) {
            case INT8, INT16, INT32 -> type(Schema.Type.INT, (value, out) -> out.writeInt(((Number) value).intValue()));
            case INT64 -> type(Schema.Type.LONG, (value, out) -> out.writeLong((Long) value));
            case FLOAT32 -> type(Schema.Type.FLOAT, (value, out) -> out.writeFloat((Float) value));
            case FLOAT64 -> type(Schema.Type.DOUBLE, (value, out) -> out.writeDouble((Double) value));
            case BOOLEAN -> type(Schema.Type.BOOLEAN, (value, out) -> out.writeBoolean((Boolean) value));
            case STRING -> type(Schema.Type.STRING, (value, out) -> out.writeString((String) value));
            case BYTES -> type(Schema.Type.BYTES, AvroTypeFactory::writeBytes);
            case ARRAY -> array(of(schema.valueSchema()));
            case MAP -> map(schema);
            // Equal schemas share one named record: Avro does not allow a second definition of a name.
            case STRUCT -> knownRecord(schema);
        };
    }

    private AvroType logical(org.apache.kafka.connect.data.Schema schema) {
        if (schema.name() == null) {
            return null;
        }
        return switch (schema.name()) {
            case Date.LOGICAL_NAME -> new ValueType(
                    LogicalTypes.date().addToSchema(Schema.create(Schema.Type.INT)),
                    (value, out) -> out.writeInt(Date.fromLogical(schema, (java.util.Date) value)));
            case Time.LOGICAL_NAME -> new ValueType(
                    LogicalTypes.timeMillis().addToSchema(Schema.create(Schema.Type.INT)),
                    (value, out) -> out.writeInt(Time.fromLogical(schema, (java.util.Date) value)));
            case Timestamp.LOGICAL_NAME -> new ValueType(
                    LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)),
                    (value, out) -> out.writeLong(((java.util.Date) value).getTime()));
            case Decimal.LOGICAL_NAME -> decimal(schema);
            default -> null;
        };
    }

    private static AvroType decimal(org.apache.kafka.connect.data.Schema schema) {
        Map<String, String> parameters = schema.parameters();
        int scale = Integer.parseInt(parameters.get(Decimal.SCALE_FIELD));
        int precision = Integer.parseInt(parameters.getOrDefault(PRECISION, Integer.toString(DEFAULT_PRECISION)));
        return new ValueType(
                LogicalTypes.decimal(precision, scale).addToSchema(Schema.create(Schema.Type.BYTES)),
                (value, out) -> out.writeBytes(Decimal.fromLogical(schema, (BigDecimal) value)));
    }

    private static AvroType optional(AvroType type, boolean hasDefault) {
        Schema nullSchema = Schema.create(Schema.Type.NULL);
        // Avro requires that a default matches the first type of a union.
        Schema union = hasDefault ? Schema.createUnion(type.schema(), nullSchema) : Schema.createUnion(nullSchema, type.schema());
        int nullIndex = hasDefault ? 1 : 0;
        return new ValueType(union, (value, out) -> {
            out.writeIndex(value == null ? nullIndex : 1 - nullIndex);
            if (value != null) {
                type.write(value, out);
            }
        });
    }

    private static AvroType array(AvroType item) {
        return new ValueType(Schema.createArray(item.schema()), (value, out) -> {
            Collection<?> items = (Collection<?>) value;
            out.writeArrayStart();
            out.setItemCount(items.size());
            for (Object one : items) {
                out.startItem();
                item.write(one, out);
            }
            out.writeArrayEnd();
        });
    }

    private AvroType map(org.apache.kafka.connect.data.Schema schema) {
        AvroType item = of(schema.valueSchema());
        if (schema.keySchema().type() == org.apache.kafka.connect.data.Schema.Type.STRING && !schema.keySchema().isOptional()) {
            return stringMap(item);
        }
        AvroType key = of(schema.keySchema());
        Schema entry = Schema.createRecord(unique("MapEntry"), null, NAMESPACE, false);
        entry.setFields(List.of(new Schema.Field("key", key.schema()), new Schema.Field("value", item.schema())));
        return new ValueType(Schema.createArray(entry), (value, out) -> {
            Map<?, ?> entries = (Map<?, ?>) value;
            out.writeArrayStart();
            out.setItemCount(entries.size());
            for (Map.Entry<?, ?> one : entries.entrySet()) {
                out.startItem();
                key.write(one.getKey(), out);
                item.write(one.getValue(), out);
            }
            out.writeArrayEnd();
        });
    }

    private static AvroType stringMap(AvroType item) {
        return new ValueType(Schema.createMap(item.schema()), (value, out) -> {
            Map<?, ?> entries = (Map<?, ?>) value;
            out.writeMapStart();
            out.setItemCount(entries.size());
            for (Map.Entry<?, ?> one : entries.entrySet()) {
                out.startItem();
                out.writeString((String) one.getKey());
                item.write(one.getValue(), out);
            }
            out.writeMapEnd();
        });
    }

    private AvroType knownRecord(org.apache.kafka.connect.data.Schema schema) {
        AvroType found = records.get(schema);
        if (found == null) {
            found = record(schema);
            records.put(schema, found);
        }
        return found;
    }

    private AvroType record(org.apache.kafka.connect.data.Schema schema) {
        String full = schema.name() == null ? NAMESPACE + "." + NAME : schema.name();
        int dot = full.lastIndexOf('.');
        String namespace = dot < 0 ? null : AvroNames.namespace(full.substring(0, dot));
        Schema record = Schema.createRecord(
                unique(AvroNames.name(full.substring(dot + 1))), schema.doc(), namespace, false);
        List<AvroType> types = new ArrayList<>();
        List<Schema.Field> fields = new ArrayList<>();
        for (Field field : schema.fields()) {
            AvroType type = of(field.schema());
            types.add(type);
            fields.add(AvroNames.field(field, type.schema()));
        }
        record.setFields(fields);
        return new ValueType(record, (value, out) -> writeStruct((Struct) value, types, out));
    }

    private static void writeStruct(Struct struct, List<AvroType> types, Encoder out) throws IOException {
        List<Field> fields = struct.schema().fields();
        for (int i = 0; i < types.size(); i++) {
            types.get(i).write(FieldValues.of(struct, fields.get(i)), out);
        }
    }

    private String unique(String name) {
        int count = names.merge(name, 1, Integer::sum);
        return count == 1 ? name : name + count;
    }

    private static void writeBytes(Object value, Encoder out) throws IOException {
        if (value instanceof ByteBuffer buffer) {
            out.writeBytes(buffer.duplicate());
        } else {
            out.writeBytes((byte[]) value);
        }
    }

    private static AvroType type(Schema.Type type, ValueWriter writer) {
        return new ValueType(Schema.create(type), writer);
    }

    private interface ValueWriter {
        void write(Object value, Encoder out) throws IOException;
    }

    private record ValueType(Schema schema, ValueWriter writer) implements AvroType {
        @Override
        public void write(Object value, Encoder out) throws IOException {
            try {
                writer.write(value, out);
            } catch (ClassCastException | NullPointerException other) {
                String found = value == null ? "null" : value.getClass().getSimpleName();
                throw new DataException("has a " + found + " where its schema says " + schema.getType().getName(), other);
            }
        }
    }
}
