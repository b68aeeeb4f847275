package bifrost.connect.s3.partition;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.connect.sink.SinkRecord;
import org.joda.time.DateTimeZone;
import org.joda.time.format.DateTimeFormat;
import org.joda.time.format.DateTimeFormatter;

/**
 * Names folders after spans of local time. Patterns are those of Joda-Time, as in the vendor's plugin: weeks are ISO
 * weeks in every locale, and {@code ZZ} is {@code +02:00}.
 */
final class TimePartitioner implements Partitioner {
    private final RecordClock clock;
    private final DateTimeZone zone;
    private final DateTimeFormatter format;
    private final long spanMillis;
    private long cachedBegin = Long.MIN_VALUE;
    private String cachedFolder;

    TimePartitioner(RecordClock clock, S3SinkConfig config, String pattern, Duration span) {
        this.clock = clock;
        zone = config.zone();
        Locale locale = Locale.forLanguageTag(config.getString(S3Keys.LOCALE).replace('_', '-'));
        format = DateTimeFormat.forPattern(pattern).withZone(zone).withLocale(locale);
        spanMillis = span.toMillis();
    }

    @Override
    public String folder(SinkRecord record) {
        long local = zone.convertUTCToLocal(clock.timeOf(record));
        long begin = zone.convertLocalToUTC(Math.floorDiv(local, spanMillis) * spanMillis, false);
        if (begin != cachedBegin) {
            cachedFolder = format.print(begin);
            cachedBegin = begin;
        }
        return cachedFolder;
    }

    /** The error in a pattern; empty if it is valid. */
    static Optional<String> problemOf(String pattern) {
        try {
            DateTimeFormat.forPattern(pattern);
            return Optional.empty();
        } catch (IllegalArgumentException invalid) {
            return Optional.of("is not a Joda-Time pattern: " + invalid.getMessage());
        }
    }
}
