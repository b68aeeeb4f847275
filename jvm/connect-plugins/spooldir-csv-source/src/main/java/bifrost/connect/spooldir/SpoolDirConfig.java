package bifrost.connect.spooldir;

import bifrost.connect.config.Finding;
import bifrost.connect.spooldir.SpoolDirKeys.Cleanup;
import bifrost.connect.spooldir.SpoolDirKeys.MetadataLocation;
import bifrost.connect.spooldir.SpoolDirKeys.TimestampMode;
import com.opencsv.enums.CSVReaderNullFieldIndicator;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Timestamp;

/** The configuration of the connector and its tasks, with keys checked against each other. */
final class SpoolDirConfig {
    /** The largest record that the producer accepts by default, in bytes. */
    private static final int DEFAULT_MAX_RECORD_BYTES = 1 << 20;

    final String topic;
    final Path input;
    final Path finished;
    final Path error;
    final Pattern filePattern;
    final Cleanup cleanup;
    final boolean haltOnError;
    final int batchSize;
    final Duration emptyPollWait;
    final Duration minimumAge;
    final List<FileOrder> sorting;
    final MetadataLocation metadata;
    final int maxRecordBytes;
    final int task;
    final int tasks;
    final Format format;
    final Schemas schemas;
    final TimestampMode timestampMode;
    final String timestampField;
    final List<String> timestampFormats;
    final ZoneId timestampZone;

    /** The format of the files. */
    record Format(
            Charset charset,
            boolean hasHeader,
            boolean caseSensitiveNames,
            int skipLines,
            char separator,
            char quote,
            char escape,
            boolean rfc4180,
            boolean strictQuotes,
            boolean ignoreLeadingWhitespace,
            boolean ignoreQuotations,
            boolean keepCarriageReturn,
            CSVReaderNullFieldIndicator nulls) {}

    /** The schemas as JSON, or how to generate them from a file's header. */
    record Schemas(
            String key, String value, boolean generated, List<String> keyFields, String keyName, String valueName) {}

    SpoolDirConfig(Map<String, String> given) {
        conflicts(given).forEach(conflict -> {
            throw new ConfigException(conflict.key() + ": " + conflict.message());
        });
        AbstractConfig config = new AbstractConfig(SpoolDirKeys.DEFINITION, given, false);
        topic = config.getString("topic");
        input = folder(config, "input.path");
        error = folder(config, "error.path");
        finished = folder(config, "finished.path");
        cleanup = SpoolDirKeys.word(Cleanup.class, config.getString("cleanup.policy"));
        filePattern = SpoolDirKeys.pattern(config.getString("input.file.pattern"));
        haltOnError = config.getBoolean("halt.on.error");
        batchSize = config.getInt("batch.size");
        emptyPollWait = Duration.ofMillis(config.getLong("empty.poll.wait.ms"));
        minimumAge = Duration.ofMillis(config.getLong("file.minimum.age.ms"));
        sorting = SpoolDirKeys.orders(config.getList("files.sort.attributes"));
        metadata = SpoolDirKeys.word(MetadataLocation.class, config.getString("metadata.location"));
        maxRecordBytes = Integer.parseInt(
                given.getOrDefault("producer.override.max.request.size", String.valueOf(DEFAULT_MAX_RECORD_BYTES)));
        task = config.getInt("task.index");
        tasks = config.getInt("task.count");
        format = format(config);
        schemas = schemas(config);
        timestampMode = SpoolDirKeys.word(TimestampMode.class, config.getString("timestamp.mode"));
        timestampField = config.getString("timestamp.field");
        timestampFormats = config.getList("parser.timestamp.date.formats");
        timestampZone = SpoolDirKeys.zone(config.getString("parser.timestamp.timezone"));
    }

    /** Errors that result from other keys. Each value must be valid in itself. */
    static List<Finding> conflicts(Map<String, String> given) {
        AbstractConfig config = new AbstractConfig(SpoolDirKeys.DEFINITION, given, false);
        List<Finding> found = new ArrayList<>();
        Cleanup cleanup = SpoolDirKeys.word(Cleanup.class, config.getString("cleanup.policy"));
        if (cleanup.moves() && config.getString("finished.path").isBlank()) {
            found.add(Finding.missing("finished.path", "cleanup.policy=" + cleanup));
        }
        boolean generated = config.getBoolean("schema.generation.enabled");
        if (generated && !config.getBoolean("csv.first.row.as.header")) {
            found.add(new Finding("csv.first.row.as.header", "must be true with schema.generation.enabled=true"));
        }
        Schema value = SchemaJson.read("value.schema", config.getString("value.schema"));
        if (!generated && value == null) {
            found.add(Finding.missing("value.schema", "every file, unless schema.generation.enabled=true"));
        } else if (!hasTimestampField(generated ? null : value, config)) {
            found.add(new Finding(
                    "timestamp.field",
                    "must name a Timestamp field of value.schema that is not optional, because timestamp.mode is FIELD"));
        }
        checkCharacters(format(config), found);
        return found;
    }

    private static boolean hasTimestampField(Schema value, AbstractConfig config) {
        if (SpoolDirKeys.word(TimestampMode.class, config.getString("timestamp.mode")) != TimestampMode.FIELD) {
            return true;
        }
        Field field = value == null ? null : value.field(config.getString("timestamp.field"));
        return field != null && Timestamp.LOGICAL_NAME.equals(field.schema().name()) && !field.schema().isOptional();
    }

    private static void checkCharacters(Format format, List<Finding> found) {
        boolean escapes = !format.rfc4180 && format.escape != 0;
        if (format.quote == format.separator || escapes && format.escape == format.separator) {
            found.add(new Finding("csv.separator.char", "is also the quote or the escape character"));
        } else if (escapes && format.escape == format.quote) {
            found.add(new Finding(
                    "csv.escape.char",
                    "is also the quote character; to read doubled quotes, set csv.rfc.4180.parser.enabled=true"));
        }
    }

    private static Schemas schemas(AbstractConfig config) {
        return new Schemas(
                config.getString("key.schema"),
                config.getString("value.schema"),
                config.getBoolean("schema.generation.enabled"),
                config.getList("schema.generation.key.fields"),
                config.getString("schema.generation.key.name"),
                config.getString("schema.generation.value.name"));
    }

    private static Format format(AbstractConfig config) {
        String charset = config.getString("csv.file.charset");
        return new Format(
                Charset.forName(charset == null ? config.getString("file.charset") : charset),
                config.getBoolean("csv.first.row.as.header"),
                config.getBoolean("csv.case.sensitive.field.names"),
                config.getInt("csv.skip.lines"),
                character(config, "csv.separator.char"),
                character(config, "csv.quote.char"),
                character(config, "csv.escape.char"),
                config.getBoolean("csv.rfc.4180.parser.enabled"),
                config.getBoolean("csv.strict.quotes"),
                config.getBoolean("csv.ignore.leading.whitespace"),
                config.getBoolean("csv.ignore.quotations"),
                config.getBoolean("csv.keep.carriage.return"),
                SpoolDirKeys.word(CSVReaderNullFieldIndicator.class, config.getString("csv.null.field.indicator")));
    }

    private static char character(AbstractConfig config, String name) {
        return (char) config.getInt(name).intValue();
    }

    private static Path folder(AbstractConfig config, String name) {
        return Path.of(config.getString(name)).toAbsolutePath();
    }
}
