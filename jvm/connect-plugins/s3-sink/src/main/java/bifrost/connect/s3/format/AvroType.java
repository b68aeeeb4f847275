package bifrost.connect.s3.format;

import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.io.Encoder;
import org.apache.kafka.connect.errors.DataException;

/** An Avro schema together with what writes Connect's values in it. */
interface AvroType {
    /** The schema. */
    Schema schema();

    /** @throws DataException the value is not of this type */
    void write(Object value, Encoder out) throws IOException;

    /** The type for a Connect schema. */
    static AvroType of(org.apache.kafka.connect.data.Schema schema) {
        return new AvroTypes().of(schema);
    }
}
