package bifrost.connect.spooldir;

import bifrost.connect.spooldir.Look.ChangedException;
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
 * Reads one file at a time. A file leaves the folder only when all of its records are in Kafka, by exactly-once
 * support with their offsets in the same transaction: a worker that dies at any moment reads on where it was.
 */
public final class SpoolDirCsvSourceTask extends SourceTask {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolDirCsvSourceTask.class);

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Map<String, Ended> ended = new HashMap<>();
    private final Map<String, SpooledFile> inUse = new ConcurrentHashMap<>();
    private final Map<String, Long> unfinished = new HashMap<>();
    private SpoolDirConfig config;
    private SpoolFolder folder;
    private FileSchemas schemas;
    private SpooledFile current;

    /** A file that was read to its end, or to the row that is wrong, which {@code cause} names then. */
    private record Ended(SpooledFile file, String cause) {}

    @Override
    public String version() {
        return SpoolDirCsvSourceConnector.VERSION;
    }

    @Override
    public void start(Map<String, String> given) {
        config = new SpoolDirConfig(given);
        folder = new SpoolFolder(config, Clock.systemUTC());
        schemas = new FileSchemas(config);
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        settle();
        List<SourceRecord> batch = new ArrayList<>(config.batchSize);
        while (batch.size() < config.batchSize && (current != null || openNext())) {
            fill(batch);
            if (!batch.isEmpty()) {
                return batch;
            }
            settle(); // a file without a row
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

    /** Moves away the files of which every record is in Kafka. */
    private void settle() {
        List<Ended> settled = ended.values().stream().filter(end -> end.file.isDelivered()).toList();
        for (Ended end : settled) {
            Look look = end.file.look();
            ended.remove(look.name());
            inUse.remove(look.name());
            if (end.cause == null) {
                folder.finish(look);
                LOG.info("{}: {} rows", look.name(), end.file.read());
            } else {
                refuse(look, end.cause, end.file.read());
            }
        }
    }

    private void refuse(Look look, String cause, long delivered) {
        folder.refuse(look, look.name() + ": " + cause + "\nRows delivered before it: " + delivered);
        LOG.error("{}: {}", look.name(), cause);
        if (config.haltOnError) {
            throw new ConnectException(look.name() + ": " + cause + "; it is in " + config.error);
        }
    }

    private boolean openNext() {
        Optional<Look> found = folder.next(inUse.keySet());
        while (found.isPresent() && current == null) {
            open(found.get());
            found = folder.next(inUse.keySet());
        }
        return current != null;
    }

    private void open(Look look) {
        try {
            current = SpooledFile.open(config, schemas, look, readBefore(look));
            inUse.put(look.name(), current);
        } catch (ChangedException stillWritten) {
            LOG.info("{} is still being written", look.name());
        } catch (NoSuchFileException problem) {
            LOG.info("{} has gone before it was read", look.name());
        } catch (IOException problem) {
            refuse(look, "cannot be read: " + problem, 0);
        } catch (BadFileException problem) {
            refuse(look, problem.getMessage(), 0);
        }
    }

    private long readBefore(Look look) {
        Long here = unfinished.remove(look.name());
        if (here != null) {
            return here;
        }
        return SpooledFile.rowsRead(
                look, context.offsetStorageReader().offset(SpooledFile.partition(look.name())));
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
        } catch (ChangedException stillWritten) {
            Look look = current.look();
            LOG.info("{} is still being written; to be read on after row {}", look.name(), current.read());
            unfinished.put(look.name(), current.read());
            inUse.remove(look.name());
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
        ended.put(current.look().name(), new Ended(current, cause));
        close();
    }

    private void close() {
        try {
            current.close();
        } catch (IOException problem) {
            LOG.warn("{}: {}", current.look().name(), problem.toString());
        }
        current = null;
    }
}
