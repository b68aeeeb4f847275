package bifrost.connect.jdbc.config;

import bifrost.connect.config.Finding;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

/** The configuration of the connector and its tasks, with keys checked against each other. */
public final class JdbcSourceConfig {
    private static final Pattern LIMIT =
            Pattern.compile("\\b(limit\\s+\\d|fetch\\s+(first|next)\\b)", Pattern.CASE_INSENSITIVE);

    public final Connecting connecting;
    public final Selection selection;
    public final Tracking tracking;
    public final Types types;
    public final String topicPrefix;
    public final Duration pollInterval;
    public final Duration tablePollInterval;
    public final int batchRows;

    /** The tables of a task, as the connector wrote them. */
    public final String taskTables;

    /**
     * How to reach the database.
     *
     * @param isolation a level of {@link java.sql.Connection}; 0 leaves the database's
     * @param properties what goes to the driver, with user and password
     */
    public record Connecting(
            String url,
            Map<String, String> properties,
            int attempts,
            Duration backoff,
            String dialect,
            ZoneId zone,
            int isolation) {
        /** Without properties and URL, which may contain a password. */
        @Override
        public String toString() {
            return "Connecting";
        }
    }

    /** Which tables or statement to read; patterns may be null. */
    public record Selection(
            List<String> whitelist,
            List<String> blacklist,
            String catalogPattern,
            String schemaPattern,
            List<String> types,
            String query,
            String suffix,
            boolean quotes) {
        /** Whether rows come from a statement instead of tables. */
        public boolean isQuery() {
            return !query.isBlank();
        }
    }

    /** How new rows are found; {@code timestampInitial} may be null. */
    public record Tracking(
            Mode mode,
            String incrementing,
            long incrementingInitial,
            List<String> timestamps,
            Long timestampInitial,
            Duration delay,
            boolean requiresNonNull) {}

    /** How columns become fields; {@code zone} is that of times in the database. */
    public record Types(NumericMapping numbers, TimestampGranularity timestamps, ZoneId zone) {}

    /**
     * Reads a configuration.
     *
     * @throws ConfigException where validate reports an error
     */
    public JdbcSourceConfig(Map<String, String> given) {
        conflicts(given).forEach(conflict -> {
            throw new ConfigException(conflict.key() + ": " + conflict.message());
        });
        AbstractConfig config = new AbstractConfig(JdbcSourceKeys.DEFINITION, given, false);
        connecting = connecting(config, given);
        selection = selection(config);
        tracking = tracking(config);
        types = new Types(numbers(config), word(TimestampGranularity.class, config.getString("timestamp.granularity")),
                connecting.zone);
        topicPrefix = config.getString("topic.prefix");
        pollInterval = Duration.ofMillis(config.getInt("poll.interval.ms"));
        tablePollInterval = Duration.ofMillis(config.getLong("table.poll.interval.ms"));
        batchRows = config.getInt("batch.max.rows");
        taskTables = config.getString("tables");
    }

    /** Errors that result from other keys. Each value must be valid in itself. */
    public static List<Finding> conflicts(Map<String, String> given) {
        AbstractConfig config = new AbstractConfig(JdbcSourceKeys.DEFINITION, given, false);
        Selection selection = selection(config);
        List<Finding> found = new ArrayList<>();
        if (!selection.whitelist.isEmpty() && !selection.blacklist.isEmpty()) {
            found.add(new Finding("table.blacklist", "cannot be combined with table.whitelist; remove one of them"));
        }
        if (selection.isQuery()) {
            queryConflicts(config, selection, found);
        }
        Mode mode = Mode.of(config.getString("mode"));
        if (mode.hasTimestamp && config.getList("timestamp.column.name").isEmpty()) {
            found.add(Finding.missing("timestamp.column.name", "mode=" + mode.text));
        }
        if (mode == Mode.TIMESTAMP && LIMIT.matcher(selection.suffix).find()) {
            found.add(new Finding(
                    "query.suffix",
                    "a limit loses rows of the same time with mode=timestamp; use mode=timestamp+incrementing, or bound"
                            + " batches with batch.max.rows"));
        }
        return found;
    }

    private static void queryConflicts(AbstractConfig config, Selection selection, List<Finding> found) {
        for (String key : List.of("table.whitelist", "table.blacklist")) {
            if (!config.getList(key).isEmpty()) {
                found.add(new Finding(key, "cannot be combined with query, which names its tables itself"));
            }
        }
        if (config.getString("topic.prefix").isEmpty()) {
            found.add(Finding.missing("topic.prefix", "query, as the name of its topic"));
        }
        Mode mode = Mode.of(config.getString("mode"));
        if (mode.hasIncrementing && config.getString("incrementing.column.name").isBlank()) {
            found.add(Finding.missing("incrementing.column.name", "mode=" + mode.text + " with query"));
        }
    }

    private static Connecting connecting(AbstractConfig config, Map<String, String> given) {
        Map<String, String> properties = new LinkedHashMap<>();
        given.forEach((key, value) -> {
            if (value != null && JdbcSourceKeys.isDriverKey(key)) {
                properties.put(key.substring(JdbcSourceKeys.CONNECTION.length()), value);
            }
        });
        Password password = config.getPassword("connection.password");
        if (config.getString("connection.user") != null) {
            properties.put("user", config.getString("connection.user"));
        }
        if (password != null) {
            properties.put("password", password.value());
        }
        return new Connecting(
                config.getPassword("connection.url").value().trim(),
                Map.copyOf(properties),
                config.getInt("connection.attempts"),
                Duration.ofMillis(config.getLong("connection.backoff.ms")),
                config.getString("dialect.name"),
                JdbcSourceKeys.zone(config.getString("db.timezone")),
                JdbcSourceKeys.ISOLATION_LEVELS.get(
                        config.getString("transaction.isolation.mode").toUpperCase(Locale.ROOT)));
    }

    private static Selection selection(AbstractConfig config) {
        return new Selection(
                config.getList("table.whitelist"),
                config.getList("table.blacklist"),
                config.getString("catalog.pattern"),
                config.getString("schema.pattern"),
                config.getList("table.types"),
                config.getString("query").trim(),
                config.getString("query.suffix").trim(),
                config.getString("quote.sql.identifiers").equalsIgnoreCase("always"));
    }

    private static Tracking tracking(AbstractConfig config) {
        return new Tracking(
                Mode.of(config.getString("mode")),
                config.getString("incrementing.column.name").trim(),
                config.getLong("incrementing.initial"),
                config.getList("timestamp.column.name"),
                config.getLong("timestamp.initial"),
                Duration.ofMillis(config.getLong("timestamp.delay.interval.ms")),
                config.getBoolean("validate.non.null"));
    }

    private static NumericMapping numbers(AbstractConfig config) {
        String mapping = config.getString("numeric.mapping");
        if (mapping != null) {
            return word(NumericMapping.class, mapping);
        }
        return config.getBoolean("numeric.precision.mapping") ? NumericMapping.PRECISION_ONLY : NumericMapping.NONE;
    }

    private static <E extends Enum<E>> E word(Class<E> type, String text) {
        return Enum.valueOf(type, text.trim().toUpperCase(Locale.ROOT));
    }
}
