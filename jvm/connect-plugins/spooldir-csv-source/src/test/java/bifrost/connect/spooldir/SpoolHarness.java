package bifrost.connect.spooldir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** A task with its three folders and a simulated worker. */
final class SpoolHarness implements AutoCloseable {
    static final String VALUE = "{\"type\":\"STRUCT\",\"fieldSchemas\":{"
            + "\"order_id\":{\"type\":\"INT64\"},\"product\":{\"type\":\"STRING\",\"isOptional\":true}}}";
    private static final String KEY = "{\"type\":\"STRUCT\",\"fieldSchemas\":{\"order_id\":{\"type\":\"INT64\"}}}";

    final Path source;
    final Path finished;
    final Path error;
    final Map<String, String> settings = new HashMap<>();
    final List<SourceRecord> rows = new ArrayList<>();

    /** The committed offsets by file name. */
    final Map<String, Map<String, Object>> offsets = new HashMap<>();

    private SpoolDirCsvSourceTask task;

    SpoolHarness(Path root) throws IOException {
        source = Files.createDirectory(root.resolve("source"));
        finished = root.resolve("finished");
        error = root.resolve("error");
        settings.putAll(Map.of(
                "topic", "orders", "input.path", source.toString(), "finished.path", finished.toString(),
                "error.path", error.toString(), "input.file.pattern", "^orders.*.csv$", "halt.on.error", "false",
                "key.schema", KEY, "value.schema", VALUE, "csv.first.row.as.header", "true"));
        settings.put("empty.poll.wait.ms", "5");
    }

    SpoolHarness with(String name, String value) {
        settings.put(name, value);
        return this;
    }

    Path drop(String name, String text) throws IOException {
        return Files.write(source.resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }

    /** Polls and commits until a condition holds. */
    void runUntil(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not so within 20 s; " + rows.size() + " rows");
            }
            commit(poll());
        }
    }

    List<SourceRecord> poll() throws InterruptedException {
        if (task == null) {
            task = new SpoolDirCsvSourceTask();
            task.initialize(context());
            task.start(settings);
        }
        List<SourceRecord> batch = task.poll();
        return batch == null ? List.of() : batch;
    }

    /** Does what the worker does after it committed the transaction of a batch. */
    @SuppressWarnings("unchecked")
    void commit(List<SourceRecord> batch) {
        for (SourceRecord row : batch) {
            rows.add(row);
            offsets.put(SpooledFile.nameOf(row), (Map<String, Object>) row.sourceOffset());
            task.commitRecord(row, null);
        }
    }

    /** Kills the worker; the next poll starts a new task. */
    void kill() {
        task.stop();
        task = null;
    }

    List<Object> column(String name) {
        return rows.stream().map(row -> ((org.apache.kafka.connect.data.Struct) row.value()).get(name)).toList();
    }

    static List<String> names(Path folder) {
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(path -> path.getFileName().toString()).sorted().toList();
        } catch (IOException problem) {
            throw new AssertionError(problem);
        }
    }

    @Override
    public void close() {
        if (task != null) {
            task.stop();
        }
    }

    private SourceTaskContext context() {
        OffsetStorageReader reader = new OffsetStorageReader() {
            @Override
            public <T> Map<String, Object> offset(Map<String, T> partition) {
                return offsets.get(String.valueOf(partition.get("fileName")));
            }

            @Override
            public <T> Map<Map<String, T>, Map<String, Object>> offsets(Collection<Map<String, T>> partitions) {
                throw new AssertionError("unexpected call");
            }
        };
        return new SourceTaskContext() {
            @Override
            public Map<String, String> configs() {
                return settings;
            }

            @Override
            public OffsetStorageReader offsetStorageReader() {
                return reader;
            }

            @Override
            public org.apache.kafka.common.metrics.PluginMetrics pluginMetrics() {
                throw new AssertionError("unexpected call");
            }
        };
    }
}
