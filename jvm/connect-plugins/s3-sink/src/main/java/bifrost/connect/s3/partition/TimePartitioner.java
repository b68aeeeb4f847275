package bifrost.connect.s3.partition;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.connect.sink.SinkRecord;

/** Names folders after spans of local time. */
final class TimePartitioner implements Partitioner {
    private final RecordClock clock;
    private final ZoneId zone;
    private final DateTimeFormatter format;
    private final long spanMillis;
    private long cachedSpan = Long.MIN_VALUE;
    private ZoneOffset cachedOffset;
    private String cached;

    TimePartitioner(RecordClock clock, S3SinkConfig config, String pattern, Duration span) {
        this.clock = clock;
        zone = config.zone();
        format = DateTimeFormatter.ofPattern(fromJoda(pattern), Locale.forLanguageTag(config.getString(S3Keys.LOCALE)));
        spanMillis = span.toMillis();
    }

    @Override
    public String folder(SinkRecord record) {
        long time = clock.timeOf(record);
        ZoneOffset offset = zone.getRules().getOffset(Instant.ofEpochMilli(time));
        long local = time + offset.getTotalSeconds() * 1000L;
        long span = Math.floorDiv(local, spanMillis) * spanMillis;
        if (span != cachedSpan || !offset.equals(cachedOffset)) {
            LocalDateTime begin = LocalDateTime.ofInstant(Instant.ofEpochMilli(span), ZoneOffset.UTC);
            cached = format.format(begin.atZone(zone));
            cachedSpan = span;
            cachedOffset = offset;
        }
        return cached;
    }

    /** The error in a pattern; empty if it is valid. */
    static Optional<String> problemOf(String pattern) {
        try {
            DateTimeFormatter.ofPattern(fromJoda(pattern));
            return Optional.empty();
        } catch (IllegalArgumentException wrong) {
            return Optional.of("is not a Joda pattern: " + wrong.getMessage());
        }
    }

    /** Joda's Y is the year and its x the year of the week; {@link DateTimeFormatter} uses other letters for them. */
    private static String fromJoda(String pattern) {
        StringBuilder converted = new StringBuilder();
        boolean isQuoted = false;
        for (char letter : pattern.toCharArray()) {
            isQuoted ^= letter == '\'';
            converted.append(isQuoted ? letter : switch (letter) {
                case 'Y', 'y' -> 'u';
                case 'x' -> 'Y';
                default -> letter;
            });
        }
        return converted.toString();
    }
}
