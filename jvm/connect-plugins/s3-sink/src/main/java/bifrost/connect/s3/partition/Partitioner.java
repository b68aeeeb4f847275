package bifrost.connect.s3.partition;

import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Chooses the folder of a record. */
@FunctionalInterface
public interface Partitioner {
    /**
     * The folder below the folder of the topic, for example {@code partition=0}.
     *
     * @throws DataException the record lacks the field or time that names the folder
     */
    String folder(SinkRecord record);
}
