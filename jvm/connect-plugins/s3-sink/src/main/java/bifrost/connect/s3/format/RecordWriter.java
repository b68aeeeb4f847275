package bifrost.connect.s3.format;

import java.io.IOException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Writes the records of one object. */
public interface RecordWriter {
    /**
     * Writes a value. If it fails, the object is unchanged.
     *
     * @throws DataException the value cannot be written in this format
     */
    void write(SinkRecord record, Schema schema, Object value) throws IOException;

    /** Writes everything that is buffered; no record may follow. */
    void finish() throws IOException;
}
