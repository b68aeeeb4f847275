package bifrost.connect.s3;

import bifrost.connect.config.PluginVersion;
import bifrost.connect.s3.config.S3SinkConfig;
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

/** Writes the records of its partitions; each partition has its own {@link PartitionWriter}. */
public final class S3SinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(S3SinkTask.class);

    private final LongSupplier clock;
    private final Map<TopicPartition, PartitionWriter> writers = new HashMap<>();
    private final ObjectStore givenStore;
    private ObjectStore store;
    private PartitionWriter.WriterContext shared;

    public S3SinkTask() {
        this(null, System::currentTimeMillis);
    }

    /** For tests: uses this store and this clock, in milliseconds since 1970. */
    S3SinkTask(ObjectStore store, LongSupplier clock) {
        givenStore = store;
        this.clock = clock;
    }

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    /** @throws ConnectException the bucket is missing or denies access; an unavailable store is retried later */
    @Override
    public void start(Map<String, String> properties) {
        S3SinkConfig config = new S3SinkConfig(properties);
        store = givenStore == null ? new AwsObjectStore(config) : givenStore;
        try {
            store.check();
        } catch (ObjectStore.CheckFailed failed) {
            if (failed.isPermanent()) {
                throw new ConnectException(failed.key() + ": " + failed.getMessage(), failed);
            }
            LOG.warn("{}: {}", failed.key(), failed.getMessage());
        }
        RecordClock time = RecordClock.of(config, clock);
        shared = new PartitionWriter.WriterContext(
                config,
                store,
                Formats.of(config),
                Partitioners.of(config, time),
                Partitioners.isTimeBased(config) ? time : RecordClock::recordTimestamp,
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
            writer.add(record);
        }
        writers.values().forEach(PartitionWriter::write);
    }

    /** The offsets of records that are in the bucket; partitions without new objects are left out. */
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
