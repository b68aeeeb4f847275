package bifrost.connect.s3.partition;

import bifrost.connect.s3.S3SinkConfig;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.Date;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Tells a record's time. */
public interface RecordClock {
    /**
     * Milliseconds since 1970.
     *
     * @throws DataException the record has none
     */
    long timeOf(SinkRecord record);

    /** Whether time passes without records. */
    default boolean isWall() {
        return false;
    }

    /** As {@code timestamp.extractor} says; {@code wall} is the clock in milliseconds. */
    static RecordClock of(S3SinkConfig config, LongSupplier wall) {
        return switch (config.extractor()) {
            case "Record" -> RecordClock::stamp;
            case "RecordField" -> field(config.getString(S3SinkConfig.TIMESTAMP_FIELD));
            default -> new Wall(wall);
        };
    }

    /** The time that the record carries in Kafka. */
    static long stamp(SinkRecord record) {
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
            try {
                return OffsetDateTime.parse(text).toInstant().toEpochMilli();
            } catch (DateTimeException other) {
                return zoned(name, text);
            }
        }
        throw new DataException("field " + name + " holds no time");
    }

    private static long zoned(String name, String text) {
        try {
            return ZonedDateTime.parse(text).toInstant().toEpochMilli();
        } catch (DateTimeException notOne) {
            throw new DataException("field " + name + " holds no ISO 8601 time with a zone", notOne);
        }
    }

    /** The clock on the wall. */
    record Wall(LongSupplier now) implements RecordClock {
        @Override
        public long timeOf(SinkRecord record) {
            return now.getAsLong();
        }

        @Override
        public boolean isWall() {
            return true;
        }
    }
}
