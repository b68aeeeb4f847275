package bifrost.connect.s3.partition;

import bifrost.connect.config.Finding;
import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Creates the partitioner that a configuration names by the vendor's class. */
public final class Partitioners {
    private static final List<String> TIME_BASED =
            List.of(S3Keys.TIME_PARTITIONER, S3Keys.DAILY_PARTITIONER, S3Keys.HOURLY_PARTITIONER);
    /** Joda-Time patterns; {@code %1$s} is the delimiter, inside quotes because it may be a letter of the pattern language. */
    private static final String DAY_PATH = "'year='YYYY'%1$smonth='MM'%1$sday='dd";
    private static final String HOUR_PATH = DAY_PATH + "'%1$shour='HH";

    private Partitioners() {}

    /** Whether folders stand for spans of time. */
    public static boolean isTimeBased(S3SinkConfig config) {
        return TIME_BASED.contains(config.getString(S3Keys.PARTITIONER));
    }

    /** The partitioner of a configuration; {@code clock} gives the time of a record. */
    public static Partitioner of(S3SinkConfig config, RecordClock clock) {
        String delim = config.getString(S3Keys.DIRECTORY_DELIM);
        String quotedDelim = delim.replace("'", "''");
        return switch (config.getString(S3Keys.PARTITIONER)) {
            case S3Keys.FIELD_PARTITIONER -> new FieldPartitioner(config.getList(S3Keys.FIELDS), delim);
            case S3Keys.TIME_PARTITIONER -> new TimePartitioner(
                    clock, config, config.withoutTrailingDelim(S3Keys.PATH_FORMAT), config.duration(S3Keys.DURATION));
            case S3Keys.DAILY_PARTITIONER ->
                new TimePartitioner(clock, config, DAY_PATH.formatted(quotedDelim), Duration.ofDays(1));
            case S3Keys.HOURLY_PARTITIONER ->
                new TimePartitioner(clock, config, HOUR_PATH.formatted(quotedDelim), Duration.ofHours(1));
            default -> record -> "partition=" + record.kafkaPartition();
        };
    }

    /** Keys that the partitioner or a schedule needs and that are missing, and a path format that is not valid. */
    public static List<Finding> conflicts(Map<String, String> given) {
        List<Finding> found = new ArrayList<>();
        String partitioner = given.getOrDefault(S3Keys.PARTITIONER, S3Keys.DEFAULT_PARTITIONER);
        boolean isTimeBased = TIME_BASED.contains(partitioner);
        boolean isScheduled = !given.getOrDefault(S3Keys.ROTATE_SCHEDULE, "-1").trim().startsWith("-");
        if (partitioner.equals(S3Keys.FIELD_PARTITIONER)) {
            require(found, given, S3Keys.FIELDS, "FieldPartitioner");
        }
        if (isTimeBased) {
            require(found, given, S3Keys.LOCALE, "a time-based partitioner (for example en-US)");
        }
        if (isTimeBased || isScheduled) {
            String reason = isTimeBased ? "a time-based partitioner" : S3Keys.ROTATE_SCHEDULE;
            require(found, given, S3Keys.TIMEZONE, reason + " (for example UTC)");
        }
        if (partitioner.equals(S3Keys.TIME_PARTITIONER)) {
            require(found, given, S3Keys.DURATION, "TimeBasedPartitioner");
            require(found, given, S3Keys.PATH_FORMAT, "TimeBasedPartitioner");
            findBadPattern(given).ifPresent(found::add);
        }
        return found;
    }

    private static Optional<Finding> findBadPattern(Map<String, String> given) {
        String path = given.getOrDefault(S3Keys.PATH_FORMAT, "").trim();
        String delim = given.getOrDefault(S3Keys.DIRECTORY_DELIM, "/");
        return path.isEmpty()
                ? Optional.empty()
                : TimePartitioner.problemOf(S3Keys.withoutTrailing(path, delim))
                        .map(problem -> new Finding(S3Keys.PATH_FORMAT, problem));
    }

    private static void require(List<Finding> found, Map<String, String> given, String key, String reason) {
        String value = given.getOrDefault(key, "").trim();
        if (value.isEmpty()) {
            found.add(Finding.missing(key, reason));
        } else if (key.equals(S3Keys.DURATION) && value.matches("-.*|0+")) {
            found.add(new Finding(key, "must be greater than 0 for " + reason));
        }
    }
}
