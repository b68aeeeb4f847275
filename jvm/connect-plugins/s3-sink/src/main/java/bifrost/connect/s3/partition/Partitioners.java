package bifrost.connect.s3.partition;

import bifrost.connect.s3.S3SinkConfig;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;

/** The vendor's partitioner classes, by their names. */
public final class Partitioners {
    private static final String PACKAGE = "io.confluent.connect.storage.partitioner.";
    public static final String DEFAULT = PACKAGE + "DefaultPartitioner";
    private static final String FIELD = PACKAGE + "FieldPartitioner";
    private static final String TIME = PACKAGE + "TimeBasedPartitioner";
    private static final String DAILY = PACKAGE + "DailyPartitioner";
    private static final String HOURLY = PACKAGE + "HourlyPartitioner";

    /** What validate offers. */
    public static final List<Object> NAMES = List.of(DEFAULT, FIELD, TIME, DAILY, HOURLY);

    private static final String DAY_PATH = "'year'=YYYY/'month'=MM/'day'=dd";

    private Partitioners() {}

    /** A validator of the class name. */
    public static void check(String key, Object value) {
        if (!NAMES.contains(value)) {
            throw new ConfigException(key, value, "is not a partitioner that is known here");
        }
    }

    /** Whether folders stand for times. */
    public static boolean isTimeBased(S3SinkConfig config) {
        return List.of(TIME, DAILY, HOURLY).contains(config.getString(S3SinkConfig.PARTITIONER));
    }

    /** The partitioner of a configuration; {@code clock} tells records' times. */
    public static Partitioner of(S3SinkConfig config, RecordClock clock) {
        String delim = config.getString(S3SinkConfig.DIRECTORY_DELIM);
        return switch (config.getString(S3SinkConfig.PARTITIONER)) {
            case FIELD -> new FieldPartitioner(config.getList(S3SinkConfig.FIELDS), delim);
            case TIME -> new TimePartitioner(
                    clock, config, config.getString(S3SinkConfig.PATH_FORMAT), config.duration(S3SinkConfig.DURATION));
            case DAILY -> new TimePartitioner(clock, config, DAY_PATH, Duration.ofDays(1));
            case HOURLY -> new TimePartitioner(clock, config, DAY_PATH + "/'hour'=HH", Duration.ofHours(1));
            default -> record -> "partition=" + record.kafkaPartition();
        };
    }

    /** Keys that the chosen partitioner (or a schedule) needs and that are not set; the message by key. */
    public static Map<String, String> missing(Map<String, String> given) {
        Map<String, String> found = new LinkedHashMap<>();
        String partitioner = given.getOrDefault(S3SinkConfig.PARTITIONER, DEFAULT);
        switch (partitioner) {
            case FIELD -> need(found, given, S3SinkConfig.FIELDS, "FieldPartitioner needs it");
            case TIME, DAILY, HOURLY -> {
                need(found, given, S3SinkConfig.LOCALE, "time-based partitioners need it, for example en-US");
                need(found, given, S3SinkConfig.TIMEZONE, "time-based partitioners need it, for example UTC");
                if (partitioner.equals(TIME)) {
                    need(found, given, S3SinkConfig.PATH_FORMAT, "TimeBasedPartitioner needs it");
                    need(found, given, S3SinkConfig.DURATION, "TimeBasedPartitioner needs it");
                }
            }
            default -> { }
        }
        if (!given.getOrDefault(S3SinkConfig.ROTATE_SCHEDULE, "-1").trim().startsWith("-")) {
            need(found, given, S3SinkConfig.TIMEZONE, "rotate.schedule.interval.ms needs it, for example UTC");
        }
        if (partitioner.equals(TIME)) {
            TimePartitioner.problemOf(given.getOrDefault(S3SinkConfig.PATH_FORMAT, ""))
                    .ifPresent(problem -> found.putIfAbsent(S3SinkConfig.PATH_FORMAT, problem));
        }
        return found;
    }

    private static void need(Map<String, String> found, Map<String, String> given, String key, String why) {
        String value = given.getOrDefault(key, "").trim();
        if (value.isEmpty() || key.equals(S3SinkConfig.DURATION) && value.startsWith("-")) {
            found.put(key, "is not set; " + why);
        }
    }
}
