package bifrost.connect.spooldir;

import bifrost.connect.config.PluginVersion;
import bifrost.connect.spooldir.FileSnapshot.FileChangedException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one file at a time. A file leaves the folder only when all of its records are in Kafka. With exactly-once
 * support, records and offsets are in the same transaction: a worker that was killed continues after the last one.
 */
public final class SpoolDirCsvSourceTask extends SourceTask {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolDirCsvSourceTask.class);

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Map<String, FileEnd> ended = new HashMap<>();
    private final Map<String, SpooledFile> inUse = new ConcurrentHashMap<>();
    private final Map<String, Long> unfinished = new HashMap<>();
    private SpoolDirConfig config;
    private SpoolFolder folder;
    private FileSchemas schemas;
    private SpooledFile current;

    /** A file that was read to its end, or to a row with an error; {@code cause} then names the row and the error. */
    private record FileEnd(SpooledFile file, String cause) {}

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public void start(Map<String, String> given) {
        config = new SpoolDirConfig(given);
        folder = new SpoolFolder(config, Clock.systemUTC());
        schemas = new FileSchemas(config);
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        finishDelivered();
        List<SourceRecord> batch = new ArrayList<>(config.batchSize);
        while (batch.size() < config.batchSize && (current != null || openNext())) {
            fill(batch);
            if (!batch.isEmpty()) {
                return batch;
            }
            finishDelivered(); // the file has no rows
        }
        stopped.await(config.emptyPollWait.toMillis(), TimeUnit.MILLISECONDS);
        return null;
    }

    @Override
    public void commitRecord(SourceRecord row, RecordMetadata metadata) {
        SpooledFile file = inUse.get(SpooledFile.nameOf(row));
        if (file != null) {
            file.delivered();
        }
    }

    @Override
    public void stop() {
        stopped.countDown();
    }

    /** Moves files out of the input folder once all their records are in Kafka. */
    private void finishDelivered() {
        List<FileEnd> delivered = ended.values().stream().filter(end -> end.file.isDelivered()).toList();
        for (FileEnd end : delivered) {
            FileSnapshot snapshot = end.file.snapshot();
            ended.remove(snapshot.name());
            inUse.remove(snapshot.name());
            if (end.cause == null) {
                folder.finish(snapshot);
                LOG.info("{}: {} rows", snapshot.name(), end.file.rowsRead());
            } else {
                refuse(snapshot, end.cause, end.file.rowsRead());
            }
        }
    }

    private void refuse(FileSnapshot snapshot, String cause, long delivered) {
        folder.refuse(snapshot, snapshot.name() + ": " + cause + "\nRows delivered before it: " + delivered);
        LOG.error("{}: {}", snapshot.name(), cause);
        if (config.haltOnError) {
            throw new ConnectException(snapshot.name() + ": " + cause + "; the file was moved to " + config.error);
        }
    }

    private boolean openNext() {
        Optional<FileSnapshot> found = folder.next(inUse.keySet());
        while (found.isPresent() && current == null) {
            open(found.get());
            found = folder.next(inUse.keySet());
        }
        return current != null;
    }

    private void open(FileSnapshot snapshot) {
        try {
            current = SpooledFile.open(config, schemas, snapshot, readBefore(snapshot));
            inUse.put(snapshot.name(), current);
        } catch (FileChangedException stillWritten) {
            LOG.info("{} is still being written", snapshot.name());
        } catch (NoSuchFileException problem) {
            LOG.info("{} was removed before it was read", snapshot.name());
        } catch (IOException problem) {
            refuse(snapshot, "cannot be read: " + problem, 0);
        } catch (BadFileException problem) {
            refuse(snapshot, problem.getMessage(), 0);
        }
    }

    private long readBefore(FileSnapshot snapshot) {
        Long rowsRead = unfinished.remove(snapshot.name());
        if (rowsRead != null) {
            return rowsRead;
        }
        return SpooledFile.rowsRead(
                snapshot, context.offsetStorageReader().offset(SpooledFile.partition(snapshot.name())));
    }

    private void fill(List<SourceRecord> batch) {
        String cause = null;
        try {
            while (batch.size() < config.batchSize) {
                SourceRecord row = current.next();
                if (row == null) {
                    end(null);
                    return;
                }
                batch.add(row);
            }
            return;
        } catch (FileChangedException stillWritten) {
            FileSnapshot snapshot = current.snapshot();
            LOG.info("{} is still being written; reading continues after row {}", snapshot.name(), current.rowsRead());
            unfinished.put(snapshot.name(), current.rowsRead());
            inUse.remove(snapshot.name());
            close();
            return;
        } catch (BadFileException problem) {
            cause = problem.getMessage();
        } catch (IOException problem) {
            cause = "line " + current.line() + ": cannot be read: " + problem;
        }
        end(cause);
    }

    private void end(String cause) {
        ended.put(current.snapshot().name(), new FileEnd(current, cause));
        close();
    }

    private void close() {
        try {
            current.close();
        } catch (IOException problem) {
            LOG.warn("{}: {}", current.snapshot().name(), problem.toString());
        }
        current = null;
    }
}
