package bifrost.connect.s3;

import bifrost.connect.data.FieldValues;
import bifrost.connect.s3.config.S3Keys.Compatibility;
import java.util.Objects;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaProjector;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.SchemaProjectorException;

/** Handles records whose schema differs from the schema of the open object. */
record SchemaChange(Compatibility compatibility) {
    /**
     * Whether the open object must end before this record. Schemas are ordered by their versions. If a schema has no
     * version, it is older than a schema that only adds optional fields to it. Both rules depend on the two schemas
     * alone, so a replay ends objects at the same records as before.
     */
    boolean endsObject(Schema objectSchema, Schema recordSchema) {
        if (objectSchema == recordSchema || objectSchema != null && objectSchema.equals(recordSchema)) {
            return false;
        }
        if (compatibility == Compatibility.NONE || objectSchema == null || recordSchema == null) {
            return true;
        }
        if (objectSchema.version() == null || recordSchema.version() == null) {
            return !(compatibility == Compatibility.FORWARD ? isOlder(objectSchema, recordSchema) : isOlder(recordSchema, objectSchema));
        }
        int order = recordSchema.version().compareTo(objectSchema.version());
        return compatibility == Compatibility.FORWARD ? order < 0 : order > 0;
    }

    private static boolean isOlder(Schema schema, Schema newer) {
        boolean isSameRecord = schema.type() == Schema.Type.STRUCT
                && newer.type() == Schema.Type.STRUCT
                && Objects.equals(schema.name(), newer.name())
                && Objects.equals(schema.parameters(), newer.parameters());
        return isSameRecord
                && schema.fields().stream().allMatch(field -> hasEqual(field, newer.field(field.name())))
                && newer.fields().stream().allMatch(field -> schema.field(field.name()) != null || mayBeMissing(field));
    }

    private static boolean hasEqual(Field field, Field other) {
        return other != null && field.schema().equals(other.schema());
    }

    private static boolean mayBeMissing(Field field) {
        return field.schema().isOptional() || field.schema().defaultValue() != null;
    }

    /**
     * Undoes what {@link SchemaProjector} does to optional fields: it replaces a null by the default of the field. And it
     * leaves out the default of an optional field that the record's schema does not have, which the field gets here.
     */
    private static Object withNulls(Object projected, Object source) {
        if (!(projected instanceof Struct target && source instanceof Struct origin)) {
            return projected;
        }
        for (Field field : target.schema().fields()) {
            Field original = origin.schema().field(field.name());
            if (original == null) {
                target.put(field, target.get(field));
            } else if (field.schema().isOptional() && FieldValues.of(origin, original) == null) {
                target.put(field, null);
            } else {
                withNulls(target.getWithoutDefault(field.name()), FieldValues.of(origin, original));
            }
        }
        return target;
    }

    /** The value, converted to the schema of the object. */
    Object projected(Schema objectSchema, Schema recordSchema, Object value) {
        if (objectSchema == null || objectSchema.equals(recordSchema)) {
            return value;
        }
        try {
            return withNulls(SchemaProjector.project(recordSchema, value, objectSchema), value);
        } catch (SchemaProjectorException unlike) {
            throw new DataException("cannot be written in its object's schema: " + unlike.getMessage(), unlike);
        }
    }
}
