package bifrost.connect.s3;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3Keys.NullValues;
import bifrost.connect.s3.config.S3SinkConfig;
import bifrost.connect.s3.format.Format;
import bifrost.connect.s3.partition.Partitioner;
import bifrost.connect.s3.partition.RecordClock;
import bifrost.connect.s3.store.ObjectStore;
import bifrost.connect.s3.store.ObjectStore.StoreUnavailable;
import bifrost.connect.s3.store.ObjectStore.UploadLost;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one partition to one open object per path. All open objects end together, so that one offset can be committed
 * for them. While the store is unavailable, the partition is paused and open objects stay in memory.
 */
final class PartitionWriter {
    private static final Logger LOG = LoggerFactory.getLogger(PartitionWriter.class);

    /** What all writers of a task share; {@code rotation} gives the record times that {@code rotate.interval.ms} counts. */
    record WriterContext(
            S3SinkConfig config,
            ObjectStore store,
            Format format,
            Partitioner partitioner,
            RecordClock rotation,
            LongSupplier clock,
            Outage outage,
            SinkTaskContext worker) {}

    private final TopicPartition partition;
    private final WriterContext context;
    private final ObjectNames names;
    private final SchemaChange change;
    private final Rotation rotation;
    private final long backoffMillis;
    private final int partSize;
    private final boolean failsOnNull;
    private final Deque<SinkRecord> waiting = new ArrayDeque<>();
    private final Map<String, OpenObject> open = new LinkedHashMap<>();

    private long firstOffset = -1; // of the records that are not stored yet
    private long nextOffset = -1; // of the record after the last one that was written
    private long storedOffset = -1; // the offset that may be committed
    private boolean isEnding;
    private boolean isPaused;

    PartitionWriter(TopicPartition partition, WriterContext context) {
        this.partition = partition;
        this.context = context;
        S3SinkConfig config = context.config();
        names = new ObjectNames(config, context.format().extension());
        change = new SchemaChange(config.compatibility());
        rotation = new Rotation(config, context.rotation(), context.clock());
        backoffMillis = config.getLong(S3Keys.BACKOFF);
        partSize = config.getInt(S3Keys.PART_SIZE);
        failsOnNull = config.nullValues() == NullValues.FAIL;
    }

    /** Queues a record for {@link #write}. */
    void add(SinkRecord record) {
        if (firstOffset < 0) {
            firstOffset = record.originalKafkaOffset();
        }
        waiting.add(record);
    }

    /**
     * Writes the queued records. If the store is unavailable, the rest stays queued.
     *
     * @throws ConnectException the store refuses a request, or a record cannot be written and there is no dead-letter queue
     */
    void write() {
        long wait = context.outage().remaining(context.clock().getAsLong());
        if (wait > 0) {
            pause(wait);
            return;
        }
        try {
            writeWaiting();
            resume();
        } catch (StoreUnavailable unavailable) {
            LOG.warn("{} is paused for {} ms: {}", partition, backoffMillis, unavailable.getMessage());
            context.outage().begin(context.clock().getAsLong(), backoffMillis);
            pause(backoffMillis);
        } catch (UploadLost lost) {
            rewind(lost);
        }
    }

    /** The offset to commit: all records before it are in the bucket. Empty if there are none yet. */
    OptionalLong storedOffset() {
        return storedOffset < 0 ? OptionalLong.empty() : OptionalLong.of(storedOffset);
    }

    /** Drops all records that are not stored. Their offsets are not committed, so they are read again. */
    void discard() {
        open.values().forEach(OpenObject::discard);
        open.clear();
        waiting.clear();
    }

    private void writeWaiting() throws StoreUnavailable, UploadLost {
        for (OpenObject object : open.values()) {
            object.sendFullParts();
        }
        storeIfEnding();
        while (!waiting.isEmpty()) {
            SinkRecord record = waiting.getFirst();
            try {
                if (hasValue(record)) {
                    addTo(names.path(record, context.partitioner().folder(record)), record);
                }
            } catch (DataException invalid) {
                report(record, invalid);
            }
            handled(record);
            storeIfEnding();
        }
        if (rotation.isDueWithoutRecords()) {
            isEnding = true;
            storeIfEnding();
        }
    }

    private void addTo(String path, SinkRecord record) throws StoreUnavailable, UploadLost {
        if (mustEndBefore(record, path)) {
            isEnding = true;
            storeIfEnding();
        }
        OpenObject object = open.get(path);
        Schema schema = record.valueSchema();
        if (object == null) {
            object = new OpenObject(names.name(path, record), schema, context.format(), context.store(), partSize);
        }
        object.add(record, object.schema(), change.projected(object.schema(), schema, record.value()));
        open.put(path, object);
        isEnding = rotation.added(record, path);
    }

    /** Removes a record from the queue: it was written, skipped or reported. */
    private void handled(SinkRecord record) throws StoreUnavailable, UploadLost {
        waiting.removeFirst();
        nextOffset = record.originalKafkaOffset() + 1;
        if (open.isEmpty()) {
            stored();
        }
        for (OpenObject object : open.values()) {
            object.sendFullParts();
        }
    }

    private boolean mustEndBefore(SinkRecord record, String path) {
        OpenObject object = open.get(path);
        boolean hasOtherSchema = object != null && change.endsObject(object.schema(), record.valueSchema());
        return hasOtherSchema || rotation.isDueBefore(record, path);
    }

    private void storeIfEnding() throws StoreUnavailable, UploadLost {
        if (!isEnding) {
            return;
        }
        for (OpenObject object : open.values()) {
            object.store();
        }
        open.clear();
        rotation.ended();
        stored();
        isEnding = false;
    }

    private void stored() {
        storedOffset = nextOffset;
        firstOffset = nextOffset;
    }

    private boolean hasValue(SinkRecord record) {
        if (record.value() == null && failsOnNull) {
            throw new DataException("has no value, and behavior.on.null.values is fail");
        }
        return record.value() != null;
    }

    private void report(SinkRecord record, DataException invalid) {
        String message = "Record " + partition + "@" + record.originalKafkaOffset() + " " + invalid.getMessage();
        if (context.worker().errantRecordReporter() == null) {
            throw new ConnectException(message, invalid);
        }
        context.worker().errantRecordReporter().report(record, new DataException(message, invalid));
    }

    private void pause(long millis) {
        if (!isPaused) {
            isPaused = true;
            context.worker().pause(partition);
        }
        context.worker().timeout(millis);
    }

    private void resume() {
        if (isPaused) {
            isPaused = false;
            context.worker().resume(partition);
        }
    }

    /** Reads the partition again from the first record that is not stored. */
    private void rewind(UploadLost lost) {
        LOG.warn("{} is read again from offset {}: {}", partition, firstOffset, lost.getMessage());
        discard();
        rotation.ended();
        isEnding = false;
        context.worker().offset(partition, firstOffset);
        resume();
    }
}
