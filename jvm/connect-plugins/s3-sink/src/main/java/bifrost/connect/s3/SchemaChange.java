package bifrost.connect.s3;

import bifrost.connect.s3.S3SinkConfig.Compatibility;
import java.util.Objects;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaProjector;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.SchemaProjectorException;

/** What a record in another schema than its object's does. */
record SchemaChange(Compatibility compatibility) {
    /**
     * Whether the record needs an object of its own. The order of schemas is that of their versions; where there are
     * none, a schema is older than one that only adds fields to it which may be missing. Both follow from the two
     * schemas alone, so that a replay ends objects where they ended before.
     */
    boolean endsObject(Schema ofObject, Schema ofRecord) {
        if (ofObject == ofRecord || ofObject != null && ofObject.equals(ofRecord)) {
            return false;
        }
        if (compatibility == Compatibility.NONE || ofObject == null || ofRecord == null) {
            return true;
        }
        if (ofObject.version() == null || ofRecord.version() == null) {
            return !(compatibility == Compatibility.FORWARD ? isOlder(ofObject, ofRecord) : isOlder(ofRecord, ofObject));
        }
        int order = ofRecord.version().compareTo(ofObject.version());
        return compatibility == Compatibility.FORWARD ? order < 0 : order > 0;
    }

    private static boolean isOlder(Schema schema, Schema newer) {
        boolean isSameRecord = schema.type() == Schema.Type.STRUCT
                && newer.type() == Schema.Type.STRUCT
                && Objects.equals(schema.name(), newer.name())
                && Objects.equals(schema.parameters(), newer.parameters());
        return isSameRecord
                && schema.fields().stream().allMatch(field -> isThere(field, newer.field(field.name())))
                && newer.fields().stream().allMatch(field -> schema.field(field.name()) != null || mayBeMissing(field));
    }

    private static boolean isThere(Field field, Field other) {
        return other != null && field.schema().equals(other.schema());
    }

    private static boolean mayBeMissing(Field field) {
        return field.schema().isOptional() || field.schema().defaultValue() != null;
    }

    /** The value in the object's schema. */
    Object projected(Schema ofObject, Schema ofRecord, Object value) {
        if (ofObject == null || ofObject.equals(ofRecord)) {
            return value;
        }
        try {
            return SchemaProjector.project(ofRecord, value, ofObject);
        } catch (SchemaProjectorException unlike) {
            throw new DataException("cannot be written in its object's schema: " + unlike.getMessage(), unlike);
        }
    }
}
