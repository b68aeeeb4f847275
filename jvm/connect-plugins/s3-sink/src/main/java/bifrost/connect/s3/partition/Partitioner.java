package bifrost.connect.s3.partition;

import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Chooses the folder of a record. */
@FunctionalInterface
public interface Partitioner {
    /**
     * The folder below the topic's, for example {@code partition=0}.
     *
     * @throws DataException the record lacks what the folder is named after
     */
    String folder(SinkRecord record);
}
