package bifrost.connect.s3;

import bifrost.connect.s3.format.Formats;
import bifrost.connect.s3.partition.Partitioners;
import bifrost.connect.s3.partition.RecordClock;
import bifrost.connect.s3.store.AwsObjectStore;
import bifrost.connect.s3.store.ObjectStore;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the records of its partitions, each partition by a {@link PartitionWriter} of its own. */
public final class S3SinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(S3SinkTask.class);

    private final LongSupplier clock;
    private final Map<TopicPartition, PartitionWriter> writers = new HashMap<>();
    private final ObjectStore givenStore;
    private ObjectStore store;
    private PartitionWriter.Shared shared;

    public S3SinkTask() {
        this(null, System::currentTimeMillis);
    }

    /** With a store and a clock in milliseconds of one's own. */
    S3SinkTask(ObjectStore store, LongSupplier clock) {
        givenStore = store;
        this.clock = clock;
    }

    @Override
    public String version() {
        return S3SinkConnector.VERSION;
    }

    /** @throws ConnectException the bucket is not there or closed to this user; a store that is away is waited for */
    @Override
    public void start(Map<String, String> properties) {
        S3SinkConfig config = new S3SinkConfig(properties);
        store = givenStore == null ? new AwsObjectStore(config) : givenStore;
        try {
            store.check();
        } catch (ObjectStore.CheckFailed failed) {
            if (failed.isLasting()) {
                throw new ConnectException(failed.key() + ": " + failed.getMessage(), failed);
            }
            LOG.warn("{}: {}", failed.key(), failed.getMessage());
        }
        RecordClock time = RecordClock.of(config, clock);
        shared = new PartitionWriter.Shared(
                config,
                store,
                Formats.of(config),
                Partitioners.of(config, time),
                Partitioners.isTimeBased(config) ? time : RecordClock::stamp,
                clock,
                new Outage(),
                context);
    }

    @Override
    public void open(Collection<TopicPartition> partitions) {
        partitions.forEach(partition -> writers.put(partition, new PartitionWriter(partition, shared)));
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        for (SinkRecord record : records) {
            PartitionWriter writer =
                    writers.get(new TopicPartition(record.originalTopic(), record.originalKafkaPartition()));
            writer.take(record);
        }
        writers.values().forEach(PartitionWriter::write);
    }

    /** Only what is in the bucket; other partitions stay as they are. */
    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        Map<TopicPartition, OffsetAndMetadata> stored = new HashMap<>();
        writers.forEach((partition, writer) -> writer.storedOffset()
                .ifPresent(offset -> stored.put(partition, new OffsetAndMetadata(offset))));
        return stored;
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            PartitionWriter writer = writers.remove(partition);
            if (writer != null) {
                writer.discard();
            }
        }
    }

    @Override
    public void stop() {
        if (store != null) {
            store.close();
        }
    }
}
