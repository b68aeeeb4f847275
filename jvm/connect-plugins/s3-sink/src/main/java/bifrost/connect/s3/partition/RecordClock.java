package bifrost.connect.s3.partition;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import java.util.Date;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.joda.time.format.ISODateTimeFormat;

/** Gives the time of a record. */
public interface RecordClock {
    /**
     * Milliseconds since 1970.
     *
     * @throws DataException the record has no time
     */
    long timeOf(SinkRecord record);

    /** Whether time passes although no record arrives. */
    default boolean isWallClock() {
        return false;
    }

    /** The clock that {@code timestamp.extractor} names; {@code wall} gives milliseconds since 1970. */
    static RecordClock of(S3SinkConfig config, LongSupplier wall) {
        return switch (config.extractor()) {
            case "Record" -> RecordClock::recordTimestamp;
            case "RecordField" -> field(config.getString(S3Keys.TIMESTAMP_FIELD));
            default -> new WallClock(wall);
        };
    }

    /** The Kafka timestamp of the record. */
    static long recordTimestamp(SinkRecord record) {
        if (record.timestamp() == null) {
            throw new DataException("has no timestamp");
        }
        return record.timestamp();
    }

    private static RecordClock field(String name) {
        return record -> millis(name, Fields.of(record, name));
    }

    private static long millis(String name, Object value) {
        if (value instanceof Number number) {
            return number.longValue();
        }
        if (value instanceof Date date) {
            return date.getTime();
        }
        if (value instanceof String text) {
            return isoMillis(name, text);
        }
        throw new DataException("field " + name + " has no time, but a " + value.getClass().getSimpleName());
    }

    /** As the vendor's plugin: a text without a time zone is in the worker's default zone. */
    private static long isoMillis(String name, String text) {
        try {
            return ISODateTimeFormat.dateTimeParser().parseMillis(text.trim());
        } catch (IllegalArgumentException invalid) {
            throw new DataException("field " + name + " is not an ISO 8601 time: '" + text + "'", invalid);
        }
    }

    /** The clock of the worker. */
    record WallClock(LongSupplier now) implements RecordClock {
        @Override
        public long timeOf(SinkRecord record) {
            return now.getAsLong();
        }

        @Override
        public boolean isWallClock() {
            return true;
        }
    }
}
