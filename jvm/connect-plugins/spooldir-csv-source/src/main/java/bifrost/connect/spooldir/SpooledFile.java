package bifrost.connect.spooldir;

import static java.nio.charset.StandardCharsets.UTF_8;

import bifrost.connect.spooldir.Look.ChangedException;
import bifrost.connect.spooldir.SpoolDirConfig.MetadataLocation;
import bifrost.connect.spooldir.SpoolDirConfig.TimestampMode;
import java.io.Closeable;
import java.io.IOException;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * A file that is being read. The offset of a row says how many rows of which state of the file were read with it, so
 * that a file of the same name which comes later is not taken for its continuation.
 */
final class SpooledFile implements Closeable {
    private static final String NAME = "fileName";
    private static final String ROWS = "offset";
    private static final String LENGTH = "length";
    private static final String MODIFIED = "modified";
    private static final int ROOM_FOR_THE_REST = 2048;

    private final SpoolDirConfig config;
    private final Look look;
    private final CsvRows rows;
    private final RowMapper mapper;
    private final AtomicLong awaited = new AtomicLong();
    private String[] ahead;
    private long aheadLine;
    private long read;

    private SpooledFile(SpoolDirConfig config, FileSchemas schemas, Look look, CsvRows rows, long readBefore)
            throws IOException, BadFileException {
        this.config = config;
        this.look = look;
        this.rows = rows;
        this.read = readBefore;
        mapper = mapper(schemas);
        advance();
        for (long row = 0; row < readBefore && ahead != null; row++) {
            advance();
        }
    }

    /** Opens a file and passes the rows that were read before. */
    static SpooledFile open(SpoolDirConfig config, FileSchemas schemas, Look look, long readBefore)
            throws IOException, BadFileException, ChangedException {
        CsvRows rows = null;
        try {
            rows = new CsvRows(look.path(), config.format);
            return new SpooledFile(config, schemas, look, rows, readBefore);
        } catch (IOException | BadFileException problem) {
            if (rows != null) {
                rows.close();
            }
            look.refuseIfChanged();
            throw problem;
        }
    }

    /** The partition that a file's offsets are kept under. */
    static Map<String, String> partition(String name) {
        return Map.of(NAME, name);
    }

    /** The name of the file that a record is from. */
    static String nameOf(SourceRecord row) {
        return String.valueOf(row.sourcePartition().get(NAME));
    }

    /** How many rows of this very state of a file a stored offset stands for. */
    static long rowsRead(Look look, Map<String, Object> offset) {
        boolean same = offset != null
                && offset.get(ROWS) instanceof Number
                && Long.valueOf(look.length()).equals(offset.get(LENGTH))
                && Long.valueOf(look.modifiedMs()).equals(offset.get(MODIFIED));
        return same ? ((Number) offset.get(ROWS)).longValue() : 0;
    }

    Look look() {
        return look;
    }

    /** How many rows were read, those before this opening included. */
    long read() {
        return read;
    }

    /** The line, from 1, of the row that {@link #next} gives or refuses. */
    long line() {
        return aheadLine;
    }

    /** The next row as a record, {@code null} at the end of the file. */
    SourceRecord next() throws IOException, BadFileException, ChangedException {
        if (ahead == null) {
            return null;
        }
        String[] row = ahead;
        long line = aheadLine;
        try {
            mapper.check(row);
            refuseTooLong(row);
            SourceRecord made = record(row);
            // The last row of a file that somebody goes on writing may be half a row.
            advance();
            if (ahead == null) {
                look.refuseIfChanged();
            }
            read++;
            awaited.incrementAndGet();
            return made;
        } catch (IllegalArgumentException problem) {
            look.refuseIfChanged();
            throw new BadFileException(line, problem.getMessage());
        } catch (BadFileException problem) {
            look.refuseIfChanged();
            throw problem;
        }
    }

    /** One of its records is in Kafka, or was left out on purpose. */
    void delivered() {
        awaited.decrementAndGet();
    }

    /** Whether every record that was given out is in Kafka. */
    boolean isDelivered() {
        return awaited.get() == 0;
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
        List<String> names = schemas.headerless();
        String[] first = names == null ? rows.next() : null;
        if (names == null && first == null) {
            return null; // nothing in it: there will be no row
        }
        try {
            return schemas.mapper(names == null ? List.of(first) : names);
        } catch (IllegalArgumentException problem) {
            throw new BadFileException(rows.line(), problem.getMessage());
        }
    }

    /** A record that no producer takes would stop the task for good. */
    private void refuseTooLong(String[] row) {
        long length = ROOM_FOR_THE_REST;
        for (String text : row) {
            length += text == null ? 0 : 3L * text.length(); // a character is at most three bytes
        }
        if (length > config.longestRecord) {
            length = ROOM_FOR_THE_REST
                    + Arrays.stream(row).filter(Objects::nonNull).mapToLong(text -> text.getBytes(UTF_8).length).sum();
        }
        if (length > config.longestRecord) {
            throw new IllegalArgumentException("makes a record longer than " + config.longestRecord
                    + " bytes; producer.override.max.request.size allows longer ones");
        }
    }

    private SourceRecord record(String[] row) {
        Struct value = mapper.value(row);
        Map<String, Object> offset = new HashMap<>(4);
        offset.put(ROWS, read + 1);
        offset.put(LENGTH, look.length());
        offset.put(MODIFIED, look.modifiedMs());
        return new SourceRecord(
                partition(look.name()), offset, config.topic, null,
                mapper.keySchema(), mapper.key(row), mapper.valueSchema(), value, timestamp(value), headers());
    }

    private Iterable<Header> headers() {
        if (config.metadata == MetadataLocation.NONE) {
            return List.of();
        }
        return new ConnectHeaders()
                .addString("file.name", look.name())
                .addString("file.path", look.path().toString())
                .addLong("file.length", look.length())
                .addLong("file.offset", aheadLine)
                .addTimestamp("file.last.modified", new Date(look.modifiedMs()));
    }

    private Long timestamp(Struct value) {
        if (config.timestampMode == TimestampMode.PROCESS_TIME) {
            return null; // the producer's clock
        }
        if (config.timestampMode == TimestampMode.FILE_TIME) {
            return look.modifiedMs();
        }
        return value.get(config.timestampField) instanceof Date time ? time.getTime() : null;
    }
}
