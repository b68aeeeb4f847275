package bifrost.connect.spooldir;

import static java.nio.charset.StandardCharsets.UTF_8;

import bifrost.connect.spooldir.FileSnapshot.FileChangedException;
import bifrost.connect.spooldir.SpoolDirKeys.MetadataLocation;
import bifrost.connect.spooldir.SpoolDirKeys.TimestampMode;
import java.io.Closeable;
import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * A file that is being read. The offset of a row counts the rows read so far and identifies the state of the file by
 * length and time of change. A later file of the same name is therefore not taken for its continuation.
 */
final class SpooledFile implements Closeable {
    private static final String NAME = "fileName";
    private static final String ROWS = "offset";
    private static final String LENGTH = "length";
    private static final String MODIFIED = "modified";
    private static final int KEY_AND_HEADER_BYTES = 2048;

    private final SpoolDirConfig config;
    private final FileSnapshot snapshot;
    private final CsvRows rows;
    private final RowMapper mapper;
    private final AtomicLong undelivered = new AtomicLong();
    private String[] ahead;
    private long aheadLine;
    private long read;

    private SpooledFile(SpoolDirConfig config, FileSchemas schemas, FileSnapshot snapshot, CsvRows rows, long readBefore)
            throws IOException, BadFileException {
        this.config = config;
        this.snapshot = snapshot;
        this.rows = rows;
        this.read = readBefore;
        mapper = mapper(schemas);
        advance();
        for (long row = 0; row < readBefore && ahead != null; row++) {
            advance();
        }
    }

    /** Opens a file and skips the rows that were read before. */
    static SpooledFile open(SpoolDirConfig config, FileSchemas schemas, FileSnapshot snapshot, long readBefore)
            throws IOException, BadFileException, FileChangedException {
        CsvRows rows = null;
        try {
            rows = new CsvRows(snapshot.path(), config.format);
            return new SpooledFile(config, schemas, snapshot, rows, readBefore);
        } catch (IOException | BadFileException problem) {
            if (rows != null) {
                rows.close();
            }
            snapshot.throwIfChanged();
            throw problem;
        }
    }

    /** The source partition of a file's offsets. */
    static Map<String, String> partition(String name) {
        return Map.of(NAME, name);
    }

    /** The name of the file that a record was read from. */
    static String nameOf(SourceRecord row) {
        return String.valueOf(row.sourcePartition().get(NAME));
    }

    /** The number of rows that a stored offset counts for this state of the file; 0 if it belongs to another state. */
    static long rowsRead(FileSnapshot snapshot, Map<String, Object> offset) {
        boolean isSameState = offset != null
                && offset.get(ROWS) instanceof Number
                && Long.valueOf(snapshot.length()).equals(offset.get(LENGTH))
                && Long.valueOf(snapshot.modifiedMs()).equals(offset.get(MODIFIED));
        return isSameState ? ((Number) offset.get(ROWS)).longValue() : 0;
    }

    FileSnapshot snapshot() {
        return snapshot;
    }

    /** The number of rows read, including rows that were read before this opening. */
    long rowsRead() {
        return read;
    }

    /** The line, counted from 1, of the row that {@link #next} returns or refuses. */
    long line() {
        return aheadLine;
    }

    /** The next row as a record; {@code null} at the end of the file. */
    SourceRecord next() throws IOException, BadFileException, FileChangedException {
        if (ahead == null) {
            return null;
        }
        String[] row = ahead;
        long line = aheadLine;
        try {
            mapper.check(row);
            refuseTooLarge(row);
            SourceRecord record = record(row);
            // The last row may be incomplete if the file is still being written.
            advance();
            if (ahead == null) {
                snapshot.throwIfChanged();
            }
            read++;
            undelivered.incrementAndGet();
            return record;
        } catch (IllegalArgumentException | DataException problem) {
            snapshot.throwIfChanged();
            throw new BadFileException(line, problem.getMessage());
        } catch (BadFileException problem) {
            snapshot.throwIfChanged();
            throw problem;
        }
    }

    /** Counts a record that is in Kafka or was filtered out by a transform. */
    void delivered() {
        undelivered.decrementAndGet();
    }

    /** Whether every record that was returned is in Kafka. */
    boolean isDelivered() {
        return undelivered.get() == 0;
    }

    @Override
    public void close() throws IOException {
        rows.close();
    }

    private void advance() throws IOException, BadFileException {
        ahead = rows.next();
        aheadLine = rows.line();
    }

    private RowMapper mapper(FileSchemas schemas) throws IOException, BadFileException {
        List<String> names = schemas.columnsWithoutHeader();
        String[] first = names == null ? rows.next() : null;
        if (names == null && first == null) {
            return null; // the file is empty: there is no row to map
        }
        try {
            return schemas.mapper(names == null ? Arrays.asList(first) : names);
        } catch (IllegalArgumentException | DataException problem) {
            throw new BadFileException(rows.line(), problem.getMessage());
        }
    }

    /** Refuses a row that is larger than the producer accepts: its record would stop the task for good. */
    private void refuseTooLarge(String[] row) {
        long length = KEY_AND_HEADER_BYTES;
        for (String text : row) {
            length += text == null ? 0 : 3L * text.length(); // a character is at most three bytes
        }
        if (length > config.maxRecordBytes) {
            length = KEY_AND_HEADER_BYTES
                    + Arrays.stream(row).filter(Objects::nonNull).mapToLong(text -> text.getBytes(UTF_8).length).sum();
        }
        if (length > config.maxRecordBytes) {
            throw new IllegalArgumentException("makes a record larger than " + config.maxRecordBytes
                    + " bytes; increase producer.override.max.request.size");
        }
    }

    private SourceRecord record(String[] row) {
        Struct value = mapper.value(row);
        Map<String, Object> offset = new HashMap<>(4);
        offset.put(ROWS, read + 1);
        offset.put(LENGTH, snapshot.length());
        offset.put(MODIFIED, snapshot.modifiedMs());
        return new SourceRecord(
                partition(snapshot.name()), offset, config.topic, null,
                mapper.keySchema(), mapper.key(row), mapper.valueSchema(), value, timestamp(value), headers());
    }

    private Iterable<Header> headers() {
        if (config.metadata == MetadataLocation.NONE) {
            return List.of();
        }
        return new ConnectHeaders()
                .addString("file.name", snapshot.name())
                .addString("file.path", snapshot.path().toString())
                .addLong("file.length", snapshot.length())
                .addLong("file.offset", aheadLine)
                .addTimestamp("file.last.modified", new Date(snapshot.modifiedMs()));
    }

    /** Kafka refuses negative timestamps, which would stop the task for good. */
    private Long timestamp(Struct value) {
        Long timestamp = timestampInMode(value);
        if (timestamp != null && timestamp < 0) {
            throw new IllegalArgumentException("the record's time is before 1970, which Kafka does not accept: "
                    + Instant.ofEpochMilli(timestamp));
        }
        return timestamp;
    }

    private Long timestampInMode(Struct value) {
        if (config.timestampMode == TimestampMode.PROCESS_TIME) {
            return null; // the producer's clock
        }
        if (config.timestampMode == TimestampMode.FILE_TIME) {
            return snapshot.modifiedMs();
        }
        return ((Date) value.get(config.timestampField)).getTime();
    }
}
