package bifrost.connect.s3;

import bifrost.connect.s3.S3SinkConfig.NullValues;
import bifrost.connect.s3.format.Format;
import bifrost.connect.s3.partition.Partitioner;
import bifrost.connect.s3.partition.RecordClock;
import bifrost.connect.s3.store.ObjectStore;
import bifrost.connect.s3.store.ObjectStore.StoreAway;
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
 * Writes one partition: an open object per folder, all of which end together. While the store is away the partition is
 * paused, and what is open stays in memory.
 */
final class PartitionWriter {
    private static final Logger LOG = LoggerFactory.getLogger(PartitionWriter.class);

    /** What the writers of a task have in common; {@code rotation} tells the times that end objects. */
    record Shared(
            S3SinkConfig config,
            ObjectStore store,
            Format format,
            Partitioner partitioner,
            RecordClock rotation,
            LongSupplier clock,
            Outage outage,
            SinkTaskContext context) {}

    private final TopicPartition partition;
    private final Shared shared;
    private final ObjectNames names;
    private final SchemaChange change;
    private final Rotation rotation;
    private final long backoffMillis;
    private final int partSize;
    private final boolean fails;
    private final Deque<SinkRecord> waiting = new ArrayDeque<>();
    private final Map<String, OpenObject> open = new LinkedHashMap<>();

    private long firstOffset = -1; // of what is not stored
    private long nextOffset = -1; // behind what was written
    private long storedOffset = -1;
    private boolean isEnding;
    private boolean isPaused;

    PartitionWriter(TopicPartition partition, Shared shared) {
        this.partition = partition;
        this.shared = shared;
        S3SinkConfig config = shared.config();
        names = new ObjectNames(config, shared.format().extension());
        change = new SchemaChange(config.compatibility());
        rotation = new Rotation(config, shared.rotation(), shared.clock());
        backoffMillis = config.getLong(S3SinkConfig.BACKOFF);
        partSize = config.getInt(S3SinkConfig.PART_SIZE);
        fails = config.nullValues() == NullValues.FAIL;
    }

    /** Takes a record in; {@link #write} writes it. */
    void take(SinkRecord record) {
        if (firstOffset < 0) {
            firstOffset = record.originalKafkaOffset();
        }
        waiting.add(record);
    }

    /**
     * Writes what waits, as far as the store is there.
     *
     * @throws ConnectException the store refuses, or a record cannot be written and nobody wants it reported
     */
    void write() {
        long wait = shared.outage().left(shared.clock().getAsLong());
        if (wait > 0) {
            pause(wait);
            return;
        }
        try {
            writeWaiting();
            resume();
        } catch (StoreAway away) {
            LOG.warn("{} waits {} ms: {}", partition, backoffMillis, away.getMessage());
            shared.outage().begin(shared.clock().getAsLong() + backoffMillis);
            pause(backoffMillis);
        } catch (UploadLost lost) {
            rewind(lost);
        }
    }

    /** Behind the last record that is in the bucket, if there is a new one. */
    OptionalLong storedOffset() {
        return storedOffset < 0 ? OptionalLong.empty() : OptionalLong.of(storedOffset);
    }

    /** Gives up what is not stored; it will be read again. */
    void discard() {
        open.values().forEach(OpenObject::discard);
        open.clear();
        waiting.clear();
    }

    private void writeWaiting() throws StoreAway, UploadLost {
        for (OpenObject object : open.values()) {
            object.sendFullParts();
        }
        storeIfEnding();
        while (!waiting.isEmpty()) {
            SinkRecord record = waiting.getFirst();
            try {
                if (hasValue(record)) {
                    add(record, shared.partitioner().folder(record));
                }
            } catch (DataException invalid) {
                report(record, invalid);
            }
            passed(record);
            storeIfEnding();
        }
        if (rotation.isDueWithoutRecords()) {
            isEnding = true;
            storeIfEnding();
        }
    }

    private void add(SinkRecord record, String folder) throws StoreAway, UploadLost {
        if (mustEndBefore(record, folder)) {
            isEnding = true;
            storeIfEnding();
        }
        OpenObject object = open.get(folder);
        Schema schema = record.valueSchema();
        if (object == null) {
            object = new OpenObject(names.of(record, folder), schema, shared.format(), shared.store(), partSize);
        }
        object.add(record, object.schema(), change.projected(object.schema(), schema, record.value()));
        open.put(folder, object);
        isEnding = rotation.added(record, folder);
    }

    /** A record is done with. */
    private void passed(SinkRecord record) throws StoreAway, UploadLost {
        waiting.removeFirst();
        nextOffset = record.originalKafkaOffset() + 1;
        if (open.isEmpty()) {
            stored();
        }
        for (OpenObject object : open.values()) {
            object.sendFullParts();
        }
    }

    private boolean mustEndBefore(SinkRecord record, String folder) {
        OpenObject object = open.get(folder);
        boolean isOther = object != null && change.endsObject(object.schema(), record.valueSchema());
        return isOther || rotation.isDueBefore(record, folder);
    }

    private void storeIfEnding() throws StoreAway, UploadLost {
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
        if (record.value() == null && fails) {
            throw new DataException("has no value, and behavior.on.null.values is fail");
        }
        return record.value() != null;
    }

    private void report(SinkRecord record, DataException invalid) {
        String message = "Record " + partition + "@" + record.originalKafkaOffset() + " " + invalid.getMessage();
        if (shared.context().errantRecordReporter() == null) {
            throw new ConnectException(message, invalid);
        }
        shared.context().errantRecordReporter().report(record, new DataException(message, invalid));
    }

    private void pause(long millis) {
        if (!isPaused) {
            isPaused = true;
            shared.context().pause(partition);
        }
        shared.context().timeout(millis);
    }

    private void resume() {
        if (isPaused) {
            isPaused = false;
            shared.context().resume(partition);
        }
    }

    /** Reads again from where the open objects begin. */
    private void rewind(UploadLost lost) {
        LOG.warn("{} is read again from {}: {}", partition, firstOffset, lost.getMessage());
        discard();
        rotation.ended();
        isEnding = false;
        shared.context().offset(partition, firstOffset);
        resume();
    }
}
