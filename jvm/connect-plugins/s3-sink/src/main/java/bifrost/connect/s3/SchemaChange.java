package bifrost.connect.s3;

import bifrost.connect.s3.S3SinkConfig.Compatibility;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaProjector;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.SchemaProjectorException;

/** What a record in another schema than its object's does. */
record SchemaChange(Compatibility compatibility) {
    /**
     * Whether the record needs an object of its own. The order of schemas is that of their versions; where there are
     * none, any other schema needs one.
     */
    boolean endsObject(Schema ofObject, Schema ofRecord) {
        if (ofObject == ofRecord || ofObject != null && ofObject.equals(ofRecord)) {
            return false;
        }
        boolean isOrdered = ofObject != null && ofRecord != null && ofObject.version() != null && ofRecord.version() != null;
        if (compatibility == Compatibility.NONE || !isOrdered) {
            return true;
        }
        int order = ofRecord.version().compareTo(ofObject.version());
        return compatibility == Compatibility.FORWARD ? order < 0 : order > 0;
    }

    /** The value in the object's schema. */
    Object projected(Schema ofObject, Schema ofRecord, Object value) {
        if (ofObject == null || ofObject.equals(ofRecord)) {
            return value;
        }
        try {
            return SchemaProjector.project(ofRecord, value, ofObject);
        } catch (SchemaProjectorException unlike) {
            throw new DataException("cannot be written in schema version " + ofObject.version() + ": " + unlike.getMessage(), unlike);
        }
    }
}
