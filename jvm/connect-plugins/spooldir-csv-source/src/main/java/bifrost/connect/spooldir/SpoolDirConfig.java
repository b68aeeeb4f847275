package bifrost.connect.spooldir;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import com.opencsv.enums.CSVReaderNullFieldIndicator;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;

/** The configuration of the connector and its tasks, checked as a whole. */
final class SpoolDirConfig {
    /** What happens to a file whose rows are all delivered. */
    enum Cleanup {
        MOVE,
        MOVEBYDATE,
        DELETE,
        NONE
    }

    /** What a record's timestamp is. */
    enum TimestampMode {
        PROCESS_TIME,
        FILE_TIME,
        FIELD
    }

    private static final String MODEL = "com.github.jcustenborder.kafka.connect.model.";
    private static final String SAME_OUTCOME = "files are told apart without it";

    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("processing.file.extension", "a file that is being read is not marked")
            .withoutEffect("csv.verify.reader", SAME_OUTCOME)
            .withoutEffect("file.buffer.size.bytes", "the buffer is fixed at 128 KiB")
            .only("input.path.walk.recursively", "false", "folders below input.path are not read")
            .only("metadata.location", "NONE", "records carry no headers about their file");

    static final ConfigDef DEFINITION = definition();

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
    final String sorting;
    final int task;
    final int tasks;
    final Format format;
    final Schemas schemas;
    final TimestampMode timestampMode;
    final String timestampField;
    final List<String> timestampFormats;
    final ZoneId timestampZone;

    /** How rows are written in the files. */
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

    /** The schemas as JSON, or how to make them from a file's header. */
    record Schemas(
            String key, String value, boolean generated, List<String> keyFields, String keyName, String valueName) {}

    SpoolDirConfig(Map<String, String> given) {
        AbstractConfig config = new AbstractConfig(DEFINITION, given, false);
        topic = config.getString("topic");
        input = Path.of(config.getString("input.path")).toAbsolutePath();
        error = folder(config, "error.path");
        cleanup = word(Cleanup.class, config.getString("cleanup.policy"));
        finished = cleanup == Cleanup.MOVE || cleanup == Cleanup.MOVEBYDATE ? folder(config, "finished.path") : null;
        filePattern = pattern(config.getString("input.file.pattern"));
        haltOnError = config.getBoolean("halt.on.error");
        batchSize = config.getInt("batch.size");
        emptyPollWait = Duration.ofMillis(config.getLong("empty.poll.wait.ms"));
        minimumAge = Duration.ofMillis(config.getLong("file.minimum.age.ms"));
        sorting = config.getList("files.sort.attributes").stream().findFirst().orElse("NameAsc");
        task = config.getInt("task.index");
        tasks = config.getInt("task.count");
        format = format(config);
        schemas = new Schemas(
                config.getString("key.schema"),
                config.getString("value.schema"),
                config.getBoolean("schema.generation.enabled"),
                config.getList("schema.generation.key.fields"),
                config.getString("schema.generation.key.name"),
                config.getString("schema.generation.value.name"));
        if (!schemas.generated && schemas.value.isBlank()) {
            throw new ConfigException("value.schema", "", "needed unless schema.generation.enabled=true");
        }
        timestampMode = word(TimestampMode.class, config.getString("timestamp.mode"));
        timestampField = config.getString("timestamp.field");
        if (timestampMode == TimestampMode.FIELD && timestampField.isBlank()) {
            throw new ConfigException("timestamp.field", "", "needed with timestamp.mode=FIELD");
        }
        timestampFormats = config.getList("parser.timestamp.date.formats");
        timestampZone = ZoneId.of(config.getString("parser.timestamp.timezone"));
    }

    private static ConfigDef definition() {
        Options options = new Options();
        folders(options.group("Files"));
        csv(options.group("CSV"));
        schemas(options.group("Schemas"));
        return options.vendor(VENDOR).definition();
    }

    private static void folders(Options options) {
        options.required("topic", Type.STRING).doc("The topic that rows are written to.")
                .required("input.path", Type.STRING).doc("The folder that files are dropped into.")
                .optional("finished.path", Type.STRING, "").doc("Where files go whose rows are all delivered.")
                .required("error.path", Type.STRING).doc("Where files go that cannot be read, with the cause beside.")
                .required("input.file.pattern", Type.STRING)
                .doc("A regular expression that matches the whole name of the files to read.")
                .optional("halt.on.error", Type.BOOLEAN, true)
                .doc("Whether a bad file stops the task instead of being put into error.path.")
                .optional("cleanup.policy", Type.STRING, Cleanup.MOVE.name()).oneOf(Cleanup.class)
                .doc("What happens to a delivered file; MOVEBYDATE makes a folder per day of its last change.")
                .optional("batch.size", Type.INT, 1000).atLeast(1).doc("The most rows that are handed over at once.")
                .optional("empty.poll.wait.ms", Type.LONG, 500L).atLeast(1).doc("How often the folder is looked at.")
                .optional("file.minimum.age.ms", Type.LONG, 0L).atLeast(0)
                .doc("How long a file must be unchanged. In any case it must be the same at two looks in a row.")
                .optional("files.sort.attributes", Type.LIST, "NameAsc").low()
                .doc("The order of files: Name, Length or LastModified with Asc or Desc; the first one counts.")
                .optional("task.index", Type.INT, 0).low().doc("Set by the connector: which task this is.")
                .optional("task.count", Type.INT, 1).low().doc("Set by the connector: how many tasks share the files.");
    }

    private static void csv(Options options) {
        options.optional("csv.first.row.as.header", Type.BOOLEAN, false)
                .doc("Whether the first row names the columns; otherwise they come in the order of value.schema.")
                .optional("csv.case.sensitive.field.names", Type.BOOLEAN, false).low()
                .doc("Whether the header's names must have the schema's case.")
                .optional("csv.skip.lines", Type.INT, 0).atLeast(0).doc("Lines to leave out at the file's top.")
                .optional("csv.separator.char", Type.INT, (int) ',').doc("The code of the separator; 9 is a tab.")
                .optional("csv.quote.char", Type.INT, (int) '"').doc("The code of the quote; 0 for none.")
                .optional("csv.escape.char", Type.INT, (int) '\\').doc("The code of the escape; 0 for none.")
                .optional("csv.rfc.4180.parser.enabled", Type.BOOLEAN, false)
                .doc("Whether rows are read by RFC 4180: quotes are doubled, and nothing else escapes.")
                .optional("csv.strict.quotes", Type.BOOLEAN, false).low()
                .doc("Whether text outside of quotes is left out.")
                .optional("csv.ignore.leading.whitespace", Type.BOOLEAN, true).low()
                .doc("Whether blanks before an opening quote are left out.")
                .optional("csv.ignore.quotations", Type.BOOLEAN, false).low().doc("Whether quotes are ordinary text.")
                .optional("csv.keep.carriage.return", Type.BOOLEAN, false).low().doc("Whether a row's CR is kept.")
                .optional("csv.null.field.indicator", Type.STRING, "NEITHER")
                .oneOf(CSVReaderNullFieldIndicator.class)
                .doc("Which empty fields are null: those without quotes, those in quotes, both or neither.")
                .optional("file.charset", Type.STRING, "UTF-8").doc("The files' character set; a BOM is left out.");
    }

    private static void schemas(Options options) {
        options.optional("key.schema", Type.STRING, "").doc("The key's schema as JSON; without it keys are null.")
                .optional("value.schema", Type.STRING, "").doc("The value's schema as JSON.")
                .optional("schema.generation.enabled", Type.BOOLEAN, false)
                .doc("Whether the schemas are made from each file's header, all columns being optional strings.")
                .optional("schema.generation.key.fields", Type.LIST, "").doc("The columns that make up the key.")
                .optional("schema.generation.key.name", Type.STRING, MODEL + "Key").low()
                .doc("The name of the generated key schema.")
                .optional("schema.generation.value.name", Type.STRING, MODEL + "Value").low()
                .doc("The name of the generated value schema.")
                .optional("timestamp.mode", Type.STRING, TimestampMode.PROCESS_TIME.name()).oneOf(TimestampMode.class)
                .doc("Whether a record's time is when it was read, when its file was changed, or a column's.")
                .optional("timestamp.field", Type.STRING, "").doc("The Timestamp column that is the record's time.")
                .optional("parser.timestamp.date.formats", Type.LIST, "yyyy-MM-dd'T'HH:mm:ss,yyyy-MM-dd' 'HH:mm:ss")
                .doc("How Timestamp, Date and Time columns may be written; the first that fits counts.")
                .optional("parser.timestamp.timezone", Type.STRING, "UTC").doc("The time zone of times without one.");
    }

    private static Format format(AbstractConfig config) {
        return new Format(
                charset(config.getString("file.charset")),
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
                word(CSVReaderNullFieldIndicator.class, config.getString("csv.null.field.indicator")));
    }

    private static char character(AbstractConfig config, String name) {
        int code = config.getInt(name);
        if (code < 0 || code > Character.MAX_VALUE) {
            throw new ConfigException(name, code, "not the code of a character");
        }
        return (char) code;
    }

    private static Path folder(AbstractConfig config, String name) {
        String value = config.getString(name);
        if (value.isBlank()) {
            throw new ConfigException(name, value, "needed with this cleanup.policy");
        }
        return Path.of(value).toAbsolutePath();
    }

    private static Pattern pattern(String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException problem) {
            throw new ConfigException("input.file.pattern", text, problem.getDescription());
        }
    }

    private static Charset charset(String name) {
        try {
            return Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException problem) {
            throw new ConfigException("file.charset", name, "not a character set of this Java");
        }
    }

    private static <E extends Enum<E>> E word(Class<E> type, String text) {
        return Enum.valueOf(type, text.toUpperCase(Locale.ROOT));
    }
}
