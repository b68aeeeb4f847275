package bifrost.connect.jdbc.config;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import java.sql.Connection;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import org.slf4j.Logger;

/** The keys of the connector, with their defaults, checks and documentation. */
public final class JdbcSourceKeys {
    /** Keys of the driver have this prefix, for example {@code connection.socketTimeout}. */
    static final String CONNECTION = "connection.";

    /** The values of {@code transaction.isolation.mode} as levels of JDBC; {@code DEFAULT} leaves the database's. */
    static final Map<String, Integer> ISOLATION_LEVELS = Map.of(
            "DEFAULT", Connection.TRANSACTION_NONE,
            "READ_UNCOMMITTED", Connection.TRANSACTION_READ_UNCOMMITTED,
            "READ_COMMITTED", Connection.TRANSACTION_READ_COMMITTED,
            "REPEATABLE_READ", Connection.TRANSACTION_REPEATABLE_READ,
            "SERIALIZABLE", Connection.TRANSACTION_SERIALIZABLE);

    private static final int LONGEST_TOPIC = 249;

    private static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect(
                    "table.monitoring.startup.polling.limit.ms", "tables are always listed before the tasks start")
            .withoutEffect("query.retry.attempts", "connection.attempts also bounds the attempts of queries");

    /** All keys except those of drivers. */
    public static final ConfigDef DEFINITION = definition();

    private JdbcSourceKeys() {}

    /** Logs a warning for each given key that has no effect. */
    public static void warn(Logger log, Map<String, String> given) {
        Map<String, String> own = VendorKeys.withoutNulls(given);
        own.keySet().removeIf(key -> isDriverKey(key));
        VENDOR.warn(log, DEFINITION, own);
    }

    static boolean isDriverKey(String key) {
        return key.startsWith(CONNECTION) && !DEFINITION.names().contains(key);
    }

    static ZoneId zone(String name) {
        try {
            return ZoneId.of(name, ZoneId.SHORT_IDS);
        } catch (DateTimeException problem) {
            throw new ConfigException("db.timezone", name, "is not a time zone; use a name like UTC or Europe/London");
        }
    }

    private static ConfigDef definition() {
        Options options = new Options();
        database(options.group("Database"));
        tables(options.group("Tables"));
        mode(options.group("Mode"));
        types(options.group("Types"));
        polling(options.group("Connector"));
        return options.vendor(VENDOR).definition();
    }

    private static void database(Options options) {
        // A URL may contain a password, and validate returns the values of keys that are not passwords.
        options.required("connection.url", Type.PASSWORD).check(JdbcSourceKeys::checkUrl)
                .doc("The URL of the database: jdbc:mysql:, jdbc:mariadb: or jdbc:postgresql:. The driver of MariaDB also"
                        + " serves jdbc:mysql:. Keys with the prefix connection. that are not listed here go to the driver.")
                .optional("connection.user", Type.STRING, null).doc("The user.")
                .optional("connection.password", Type.PASSWORD, null).doc("The user's password.")
                .optional("connection.attempts", Type.INT, 3).atLeast(1)
                .doc("How often a connection or a poll is tried in a row before the task fails.")
                .optional("connection.backoff.ms", Type.LONG, 10_000L).atLeast(0)
                .doc("The time between attempts, in milliseconds.")
                .optional("dialect.name", Type.STRING, "").low()
                .oneOf("", "GenericDatabaseDialect", "MySqlDatabaseDialect", "PostgreSqlDatabaseDialect")
                .doc("The dialect of SQL. Default: that of the URL.")
                .optional("db.timezone", Type.STRING, "UTC").check((name, value) -> zone((String) value))
                .doc("The time zone of times in the database that name none.")
                .optional("transaction.isolation.mode", Type.STRING, "DEFAULT").low()
                .oneOf("DEFAULT", "READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE")
                .doc("The isolation of the transaction that runs a query.");
    }

    private static void tables(Options options) {
        options.optional("table.whitelist", Type.LIST, "").check(JdbcSourceKeys::checkNames)
                .doc("The tables to read, as table, schema.table or database.table. Default: all.")
                .optional("table.blacklist", Type.LIST, "").check(JdbcSourceKeys::checkNames)
                .doc("The tables not to read. Not with table.whitelist.")
                .optional("catalog.pattern", Type.STRING, null)
                .doc("Reads tables of matching catalogs only; % and _ are wildcards. For MySQL a catalog is a database; the"
                        + " default is that of connection.url.")
                .optional("schema.pattern", Type.STRING, null)
                .doc("Reads tables of matching schemas only; % and _ are wildcards.")
                .optional("table.types", Type.LIST, "TABLE").check(JdbcSourceKeys::checkNames)
                .doc("The types of tables to read, for example TABLE,VIEW.")
                .optional("query", Type.STRING, "")
                .doc("Reads the rows of this statement instead of tables. Modes other than bulk append a WHERE clause, so it"
                        + " must not have one itself: use a subquery.")
                .optional("query.suffix", Type.STRING, "").low()
                .doc("Text at the end of every statement. With mode=timestamp, no LIMIT: rows of the same time would be"
                        + " lost.")
                .optional("quote.sql.identifiers", Type.STRING, "always").oneOf("always", "never")
                .doc("Whether the names of tables and columns are quoted in statements.")
                .optional("tables", Type.STRING, "").low().doc("Set by the connector: the tables of this task.");
    }

    private static void mode(Options options) {
        options.required("mode", Type.STRING).oneOf("bulk", "incrementing", "timestamp", "timestamp+incrementing")
                .doc("bulk reads all rows at every poll. incrementing reads rows with a larger number than before, timestamp"
                        + " those changed after the last time, timestamp+incrementing uses both. None notices deletes.")
                .optional("incrementing.column.name", Type.STRING, "")
                .doc("The column whose values grow from row to row. Default: the table's auto-increment column.")
                .optional("incrementing.initial", Type.LONG, -1L).low()
                .doc("Rows with larger values are read when the connector has no offset.")
                .optional("timestamp.column.name", Type.LIST, "").check(JdbcSourceKeys::checkNames)
                .doc("The columns with the time of the last change; the first one that is not null counts.")
                .optional("timestamp.initial", Type.LONG, null).low().atLeast(-1)
                .doc("Rows changed after this time, in milliseconds since 1970, are read when the connector has no offset; -1"
                        + " for the time of its start. Default: those changed after 1970.")
                .optional("timestamp.delay.interval.ms", Type.LONG, 0L).atLeast(0)
                .doc("How old a change must be, in milliseconds, so that earlier transactions have time to commit.")
                .optional("validate.non.null", Type.BOOLEAN, true).low()
                .doc("Whether nullable incrementing and timestamp columns are an error: rows with null are never read.");
    }

    private static void types(Options options) {
        options.optional("numeric.mapping", Type.STRING, null).low().oneOf(NumericMapping.class)
                .doc("The types of NUMERIC and DECIMAL columns: Decimal (none), integers where there is no fraction"
                        + " (precision_only), also doubles up to 18 digits (best_fit), or always (best_fit_eager_double).")
                .optional("numeric.precision.mapping", Type.BOOLEAN, false).low()
                .doc("The same as numeric.mapping=precision_only, if that is not set.")
                .optional("timestamp.granularity", Type.STRING, "connect_logical").low().oneOf(TimestampGranularity.class)
                .doc("The type of TIMESTAMP columns: Connect's Timestamp, or a number or text with more digits.");
    }

    private static void polling(Options options) {
        options.optional("topic.prefix", Type.STRING, "").check(JdbcSourceKeys::checkTopic)
                .doc("The topic of a table is this and the table's name. With query, this is the topic.")
                .optional("poll.interval.ms", Type.INT, 5000).atLeast(0)
                .doc("The time between two polls of a table, in milliseconds.")
                .optional("batch.max.rows", Type.INT, 100).atLeast(1)
                .doc("The maximum number of rows per batch, which is also what the driver fetches.")
                .optional("table.poll.interval.ms", Type.LONG, 60_000L).atLeast(1)
                .doc("How often tables are listed to find new and dropped ones, in milliseconds.");
    }

    private static void checkUrl(String key, Object value) {
        String url = ((Password) value).value().trim().toLowerCase(Locale.ROOT);
        if (!url.startsWith("jdbc:")) {
            throw new ConfigException(key + ": must be a URL like jdbc:mysql://host:3306/database");
        }
    }

    private static void checkTopic(String key, Object value) {
        String prefix = value.toString();
        if (!prefix.matches("[A-Za-z0-9._-]*") || prefix.length() > LONGEST_TOPIC) {
            throw new ConfigException(
                    key, value, "a topic has up to " + LONGEST_TOPIC + " letters, digits, '.', '_' and '-'");
        }
    }

    private static void checkNames(String key, Object value) {
        List<String> names = new ArrayList<>();
        ((List<?>) value).forEach(name -> names.add(String.valueOf(name)));
        if (names.stream().anyMatch(String::isBlank)) {
            throw new ConfigException(key, value, "has an empty name");
        }
    }
}
