package bifrost.connect.s3.format;

import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.io.Encoder;
import org.apache.kafka.connect.errors.DataException;

/** An Avro schema and the writer that encodes Connect values in it. */
interface AvroType {
    /** The Avro schema of the encoded values. */
    Schema schema();

    /**
     * Encodes a Connect value.
     *
     * @throws DataException the value is not of this type
     */
    void write(Object value, Encoder out) throws IOException;
}
