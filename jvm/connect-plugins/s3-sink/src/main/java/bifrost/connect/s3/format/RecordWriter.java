package bifrost.connect.s3.format;

import java.io.IOException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Writes the records of an object. */
public interface RecordWriter {
    /**
     * Writes a value; after a failure the object is as it was.
     *
     * @throws DataException the value does not fit the format
     */
    void write(SinkRecord record, Schema schema, Object value) throws IOException;

    /** Writes what is left; nothing follows. */
    void finish() throws IOException;
}
