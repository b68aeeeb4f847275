package bifrost.connect.s3;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.zip.GZIPInputStream;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/** A task with a simulated worker and bucket. */
final class SinkHarness {
    static final String TOPIC = "orders";
    static final TopicPartition PARTITION = new TopicPartition(TOPIC, 0);
    static final Schema SCHEMA = schema(1, "id");

    final Map<String, String> given = new HashMap<>(Map.of(
            "s3.bucket.name", "bucket",
            "flush.size", "3",
            "format.class", "io.confluent.connect.s3.format.avro.AvroFormat"));
    final MemoryStore store = new MemoryStore();
    final List<String> calls = new ArrayList<>();
    final List<SinkRecord> reported = new ArrayList<>();
    boolean hasQueue;
    long now = 1_700_000_000_000L;
    long offset;
    private S3SinkTask task;

    /** @param version {@code null} for a schema without a version, as some converters create it */
    static Schema schema(Integer version, String... fields) {
        SchemaBuilder schema = SchemaBuilder.struct().name("Order");
        if (version != null) {
            schema.version(version);
        }
        for (String field : fields) {
            schema.field(field, field.equals("id") ? Schema.INT32_SCHEMA : Schema.OPTIONAL_STRING_SCHEMA);
        }
        return schema.build();
    }

    S3SinkTask start() {
        task = new S3SinkTask(store, () -> now);
        task.initialize(context());
        task.start(given);
        task.open(List.of(PARTITION));
        return task;
    }

    /** Puts this number of records in one call; their ids are their offsets. */
    void put(int count) {
        List<SinkRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(record(new Struct(SCHEMA).put("id", (int) offset)));
        }
        put(records);
    }

    void put(List<SinkRecord> records) {
        if (task == null) {
            start();
        }
        task.put(records);
    }

    SinkRecord record(Struct value) {
        return record(value.schema(), value, now);
    }

    SinkRecord record(Schema schema, Object value, Long timestamp) {
        return new SinkRecord(TOPIC, 0, null, null, schema, value, offset++, timestamp, TimestampType.CREATE_TIME);
    }

    /** The offset that would be committed, -1 for none. */
    long committed() {
        OffsetAndMetadata found = task.preCommit(Map.of()).get(PARTITION);
        return found == null ? -1 : found.offset();
    }

    List<String> names() {
        return List.copyOf(store.objects.keySet());
    }

    /** The folders of all objects below the topic. */
    List<String> folders() {
        return names().stream()
                .map(name -> name.substring("topics/orders/".length(), name.lastIndexOf('/')))
                .toList();
    }

    String text(int index) {
        return new String(bytes(index), StandardCharsets.UTF_8);
    }

    String unzipped(int index) throws IOException {
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes(index)))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    byte[] bytes(int index) {
        return store.objects.get(names().get(index));
    }

    DataFileStream<GenericRecord> avro(int index) throws IOException {
        return new DataFileStream<>(new ByteArrayInputStream(bytes(index)), new GenericDatumReader<>());
    }

    List<String> records(int index) throws IOException {
        List<String> found = new ArrayList<>();
        try (DataFileStream<GenericRecord> file = avro(index)) {
            file.forEach(record -> found.add(record.toString()));
        }
        return found;
    }

    private SinkTaskContext context() {
        ErrantRecordReporter reporter = (record, error) -> {
            reported.add(record);
            return CompletableFuture.completedFuture(null);
        };
        return (SinkTaskContext) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {SinkTaskContext.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("errantRecordReporter")) {
                        return hasQueue ? reporter : null;
                    }
                    calls.add(method.getName());
                    return null;
                });
    }
}
