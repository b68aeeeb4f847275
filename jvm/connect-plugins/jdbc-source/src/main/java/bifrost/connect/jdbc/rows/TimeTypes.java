package bifrost.connect.jdbc.rows;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Types;
import bifrost.connect.jdbc.rows.Column.Type;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.TimeZone;
import java.util.function.Function;
import org.apache.kafka.connect.data.SchemaBuilder;

/** The types of dates and times. */
final class TimeTypes {
    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final long NANOS_PER_MICRO = 1_000;
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final DateTimeFormatter MICROS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS");
    private static final DateTimeFormatter NANOS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS");

    private TimeTypes() {}

    static Type date() {
        return new Type(org.apache.kafka.connect.data.Date.builder(), (row, index) -> {
            LocalDate value = row.getObject(index, LocalDate.class);
            return value == null ? null : Date.from(value.atStartOfDay(ZoneOffset.UTC).toInstant());
        });
    }

    static Type time() {
        return new Type(
                org.apache.kafka.connect.data.Time.builder(),
                (row, index) -> millisOfDay(row.getObject(index, LocalTime.class)));
    }

    /** A time that the driver would wrap at 24 hours; as a text, one that is not of a day is an error. */
    static Type timeOfText() {
        return new Type(org.apache.kafka.connect.data.Time.builder(), (row, index) -> {
            String value = row.getString(index);
            return millisOfDay(value == null ? null : LocalTime.parse(value));
        });
    }

    static Type timestamp(Types types) {
        ZoneId zone = types.zone();
        return switch (types.timestamps()) {
            case CONNECT_LOGICAL ->
                timestamp(org.apache.kafka.connect.data.Timestamp.builder(), zone, value -> new Date(value.getTime()));
            case MICROS_LONG -> timestamp(SchemaBuilder.int64(), zone, TimeTypes::micros);
            case MICROS_STRING -> timestamp(SchemaBuilder.string(), zone, value -> String.valueOf(micros(value)));
            case MICROS_ISO_DATETIME_STRING -> timestamp(SchemaBuilder.string(), zone, formatted(MICROS, zone));
            case NANOS_LONG -> timestamp(SchemaBuilder.int64(), zone, TimeTypes::nanos);
            case NANOS_STRING -> timestamp(SchemaBuilder.string(), zone, value -> String.valueOf(nanos(value)));
            case NANOS_ISO_DATETIME_STRING -> timestamp(SchemaBuilder.string(), zone, formatted(NANOS, zone));
        };
    }

    private static Date millisOfDay(LocalTime value) {
        return value == null ? null : new Date(value.toNanoOfDay() / NANOS_PER_MILLI);
    }

    private static Type timestamp(SchemaBuilder schema, ZoneId zone, Function<Timestamp, Object> convert) {
        return new Type(schema, (row, index) -> {
            Timestamp value = row.getTimestamp(index, new GregorianCalendar(TimeZone.getTimeZone(zone)));
            return value == null ? null : convert.apply(value);
        });
    }

    private static long micros(Timestamp value) {
        long seconds = Math.floorDiv(value.getTime(), 1000L);
        return Math.addExact(Math.multiplyExact(seconds, MICROS_PER_SECOND), value.getNanos() / NANOS_PER_MICRO);
    }

    private static long nanos(Timestamp value) {
        long seconds = Math.floorDiv(value.getTime(), 1000L);
        return Math.addExact(Math.multiplyExact(seconds, NANOS_PER_SECOND), value.getNanos());
    }

    private static Function<Timestamp, Object> formatted(DateTimeFormatter format, ZoneId zone) {
        return value -> format.format(value.toInstant().atZone(zone));
    }
}
