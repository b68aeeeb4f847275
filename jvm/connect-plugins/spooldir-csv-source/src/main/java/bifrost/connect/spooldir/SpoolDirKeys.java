package bifrost.connect.spooldir;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import com.opencsv.enums.CSVReaderNullFieldIndicator;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.Validator;
import org.apache.kafka.common.config.ConfigException;

/** The keys of the connector, with their defaults, checks and documentation. */
final class SpoolDirKeys {
    /** The values of {@code cleanup.policy}. */
    enum Cleanup {
        MOVE,
        MOVEBYDATE,
        DELETE,
        NONE;

        boolean moves() {
            return this == MOVE || this == MOVEBYDATE;
        }
    }

    /** The values of {@code timestamp.mode}. */
    enum TimestampMode {
        PROCESS_TIME,
        FILE_TIME,
        FIELD
    }

    /** The values of {@code metadata.location}. */
    enum MetadataLocation {
        NONE,
        HEADERS
    }

    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("processing.file.extension", "files are not marked while they are read")
            .withoutEffect("csv.verify.reader", "a file that cannot be read always goes to error.path")
            .withoutEffect("file.buffer.size.bytes", "the buffer always has 128 KiB")
            .withoutEffect("cleanup.policy.maintain.relative.path", "files are read from the top of input.path only")
            .withoutEffect("metadata.field", "metadata is written to headers only")
            .only("input.path.walk.recursively", "false", "subfolders of input.path are not read")
            .only("task.partitioner", "ByName", "files are distributed over tasks by their names");

    static final ConfigDef DEFINITION = definition();

    private static final String MODEL = "com.github.jcustenborder.kafka.connect.model.";

    private SpoolDirKeys() {}

    static Pattern pattern(String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException problem) {
            throw new ConfigException("input.file.pattern", text, problem.getDescription());
        }
    }

    private static void checkCharset(String key, Object name) {
        try {
            Charset.forName(name.toString());
        } catch (IllegalCharsetNameException | UnsupportedCharsetException problem) {
            throw new ConfigException(key, name, "is not a character set of this Java");
        }
    }

    static ZoneId zone(String name) {
        try {
            return ZoneId.of(name, ZoneId.SHORT_IDS);
        } catch (DateTimeException problem) {
            throw new ConfigException("parser.timestamp.timezone", name, "is not a time zone");
        }
    }

    static List<FileOrder> orders(List<String> names) {
        try {
            return names.stream().map(name -> word(FileOrder.class, name)).toList();
        } catch (IllegalArgumentException problem) {
            throw new ConfigException(
                    "files.sort.attributes", names, "must be Name, Length or LastModified, each with Asc or Desc");
        }
    }

    static <E extends Enum<E>> E word(Class<E> type, String text) {
        return Enum.valueOf(type, text.trim().toUpperCase(Locale.ROOT));
    }

    private static ConfigDef definition() {
        Options options = new Options();
        folders(options.group("Files"));
        csv(options.group("CSV"));
        schemas(options.group("Schemas"));
        times(options.group("Timestamps"));
        return options.vendor(VENDOR).definition();
    }

    private static void folders(Options options) {
        options.required("topic", Type.STRING).check(new ConfigDef.NonEmptyString()).doc("The topic that rows are written to.")
                .required("input.path", Type.STRING).check(new ConfigDef.NonEmptyString())
                .doc("The folder that files are read from.")
                .optional("finished.path", Type.STRING, "").doc("The folder for files whose rows are all delivered.")
                .required("error.path", Type.STRING).check(new ConfigDef.NonEmptyString())
                .doc("The folder for files with an error; a .log file beside each names the cause.")
                .required("input.file.pattern", Type.STRING).check(text(SpoolDirKeys::pattern))
                .doc("A regular expression that must match the whole file name.")
                .optional("halt.on.error", Type.BOOLEAN, true)
                .doc("Whether a file with an error also stops the task.")
                .optional("cleanup.policy", Type.STRING, Cleanup.MOVE.name()).oneOf(Cleanup.class)
                .doc("What to do with a delivered file; MOVEBYDATE moves it to a folder for the day of its last change.")
                .optional("batch.size", Type.INT, 1000).atLeast(1).doc("The maximum number of rows per batch.")
                .optional("empty.poll.wait.ms", Type.LONG, 500L).atLeast(1).doc("How often the folder is listed, in milliseconds.")
                .optional("file.minimum.age.ms", Type.LONG, 0L).atLeast(0)
                .doc("How long a file must be unchanged, in milliseconds. It must also be unchanged between two listings.")
                .optional("files.sort.attributes", Type.LIST, "NameAsc").low()
                .check((name, value) -> orders(strings(value)))
                .doc("The order in which files are read: Name, Length or LastModified, each with Asc or Desc.")
                .optional("metadata.location", Type.STRING, MetadataLocation.NONE.name()).oneOf(MetadataLocation.class)
                .doc("Whether records get headers with file.name, file.path, file.length, file.offset (the line) and "
                        + "file.last.modified.")
                .optional("task.index", Type.INT, 0).low().doc("Set by the connector: the number of this task.")
                .optional("task.count", Type.INT, 1).low().doc("Set by the connector: the number of tasks.");
    }

    private static void csv(Options options) {
        options.optional("csv.first.row.as.header", Type.BOOLEAN, false)
                .doc("Whether the first row names the columns; otherwise columns have the order of value.schema.")
                .optional("csv.case.sensitive.field.names", Type.BOOLEAN, false).low()
                .doc("Whether upper and lower case matter when header names are compared with the schema.")
                .optional("csv.skip.lines", Type.INT, 0).atLeast(0).doc("The number of lines to skip at the top of a file.")
                .optional("csv.separator.char", Type.INT, (int) ',').check(character(1))
                .doc("The character code of the separator; 9 is a tab.")
                .optional("csv.quote.char", Type.INT, (int) '"').check(character(0))
                .doc("The character code of the quote; 0 for none.")
                .optional("csv.escape.char", Type.INT, (int) '\\').check(character(0))
                .doc("The character code of the escape; 0 for none.")
                .optional("csv.rfc.4180.parser.enabled", Type.BOOLEAN, false)
                .doc("Whether rows follow RFC 4180: a doubled quote is the only escape.")
                .optional("csv.strict.quotes", Type.BOOLEAN, false).low()
                .doc("Whether text outside of quotes is ignored.")
                .optional("csv.ignore.leading.whitespace", Type.BOOLEAN, true).low()
                .doc("Whether blanks before an opening quote are ignored.")
                .optional("csv.ignore.quotations", Type.BOOLEAN, false).low()
                .doc("Whether quotes are removed but do not protect separators.")
                .optional("csv.keep.carriage.return", Type.BOOLEAN, false).low()
                .doc("Whether a CR before a line end in quotes is kept; the last column must then have no quotes.")
                .optional("csv.null.field.indicator", Type.STRING, "NEITHER")
                .oneOf(CSVReaderNullFieldIndicator.class)
                .doc("Which empty fields are null: those without quotes, those in quotes, both or neither.")
                .optional("csv.file.charset", Type.STRING, null).check(SpoolDirKeys::checkCharset)
                .doc("The character set of the files; a byte order mark is removed. Default: file.charset.")
                .optional("file.charset", Type.STRING, "UTF-8").low().check(SpoolDirKeys::checkCharset)
                .doc("The character set of the files, under the name that the vendor's other file sources use.");
    }

    private static void schemas(Options options) {
        options.optional("key.schema", Type.STRING, "").check((name, value) -> SchemaJson.read(name, (String) value))
                .doc("The schema of the key as JSON. Default: records have no key.")
                .optional("value.schema", Type.STRING, "").check((name, value) -> SchemaJson.read(name, (String) value))
                .doc("The schema of the value as JSON.")
                .optional("schema.generation.enabled", Type.BOOLEAN, false)
                .doc("Whether schemas are generated from the header of each file; all columns are optional strings.")
                .optional("schema.generation.key.fields", Type.LIST, "").doc("The columns of the generated key.")
                .optional("schema.generation.key.name", Type.STRING, MODEL + "Key").low()
                .doc("The name of the generated key schema.")
                .optional("schema.generation.value.name", Type.STRING, MODEL + "Value").low()
                .doc("The name of the generated value schema.");
    }

    private static void times(Options options) {
        options.optional("timestamp.mode", Type.STRING, TimestampMode.PROCESS_TIME.name()).oneOf(TimestampMode.class)
                .doc("The timestamp of records: the time of reading, the time of the file's last change, or a column.")
                .optional("timestamp.field", Type.STRING, "").doc("The Timestamp column with the record's timestamp.")
                .optional("parser.timestamp.date.formats", Type.LIST, "yyyy-MM-dd'T'HH:mm:ss,yyyy-MM-dd' 'HH:mm:ss")
                .check((name, value) -> strings(value).forEach(TimeFormats::format))
                .doc("The formats of Timestamp, Date and Time columns as patterns of SimpleDateFormat; the first one that matches"
                        + " the whole text is used.")
                .optional("parser.timestamp.timezone", Type.STRING, "UTC").check(text(SpoolDirKeys::zone))
                .doc("The time zone of times that name none.");
    }

    private static Validator text(Consumer<String> check) {
        return (name, value) -> check.accept((String) value);
    }

    /** A check of a character code; 0 stands for no character. A line end cannot have another meaning in a row. */
    private static Validator character(int least) {
        return (name, value) -> {
            ConfigDef.Range.between(least, (int) Character.MAX_VALUE).ensureValid(name, value);
            if (value.equals((int) '\n') || value.equals((int) '\r')) {
                throw new ConfigException(name, value, "is the code of a line end");
            }
        };
    }

    private static List<String> strings(Object value) {
        return ((List<?>) value).stream().map(String::valueOf).toList();
    }
}
