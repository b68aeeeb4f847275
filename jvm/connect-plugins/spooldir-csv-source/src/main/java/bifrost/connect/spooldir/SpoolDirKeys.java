package bifrost.connect.spooldir;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import bifrost.connect.spooldir.SpoolDirConfig.Cleanup;
import bifrost.connect.spooldir.SpoolDirConfig.MetadataLocation;
import bifrost.connect.spooldir.SpoolDirConfig.TimestampMode;
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

/** The keys that the connector understands, and what each may hold. */
final class SpoolDirKeys {
    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("processing.file.extension", "a file that is being read is not marked")
            .withoutEffect("csv.verify.reader", "a file that cannot be read goes to error.path without it")
            .withoutEffect("file.buffer.size.bytes", "the buffer is fixed at 128 KiB")
            .withoutEffect("cleanup.policy.maintain.relative.path", "files are at the top of input.path")
            .withoutEffect("metadata.field", "metadata goes to headers")
            .only("input.path.walk.recursively", "false", "folders below input.path are not read")
            .only("task.partitioner", "ByName", "tasks share the files by their names");

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

    static Charset charset(String name) {
        try {
            return Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException problem) {
            throw new ConfigException("file.charset", name, "not a character set of this Java");
        }
    }

    static ZoneId zone(String name) {
        try {
            return ZoneId.of(name);
        } catch (DateTimeException problem) {
            throw new ConfigException("parser.timestamp.timezone", name, "not a time zone");
        }
    }

    static List<FileOrder> orders(List<String> names) {
        try {
            return names.stream().map(name -> word(FileOrder.class, name)).toList();
        } catch (IllegalArgumentException problem) {
            throw new ConfigException(
                    "files.sort.attributes", names, "there are Name, Length and LastModified with Asc or Desc");
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
        options.required("topic", Type.STRING).doc("The topic that rows are written to.")
                .required("input.path", Type.STRING).doc("The folder that files are dropped into.")
                .optional("finished.path", Type.STRING, "").doc("Where files go whose rows are all delivered.")
                .required("error.path", Type.STRING).doc("Where files go that cannot be read, with the cause beside.")
                .required("input.file.pattern", Type.STRING).check(text(SpoolDirKeys::pattern))
                .doc("A regular expression that matches the whole name of the files to read.")
                .optional("halt.on.error", Type.BOOLEAN, true)
                .doc("Whether a bad file stops the task besides being put into error.path.")
                .optional("cleanup.policy", Type.STRING, Cleanup.MOVE.name()).oneOf(Cleanup.class)
                .doc("What happens to a delivered file; MOVEBYDATE makes a folder per day of its last change.")
                .optional("batch.size", Type.INT, 1000).atLeast(1).doc("The most rows that are handed over at once.")
                .optional("empty.poll.wait.ms", Type.LONG, 500L).atLeast(1).doc("How often the folder is looked at.")
                .optional("file.minimum.age.ms", Type.LONG, 0L).atLeast(0)
                .doc("How long a file must be unchanged. In any case it must be the same at two looks in a row.")
                .optional("files.sort.attributes", Type.LIST, "NameAsc").low()
                .check((name, value) -> orders(strings(value)))
                .doc("The order of files: Name, Length or LastModified, each with Asc or Desc.")
                .optional("metadata.location", Type.STRING, MetadataLocation.NONE.name()).oneOf(MetadataLocation.class)
                .doc("Whether records carry headers about their file: file.name, file.path, file.length, file.offset "
                        + "(the line) and file.last.modified.")
                .optional("task.index", Type.INT, 0).low().doc("Set by the connector: which task this is.")
                .optional("task.count", Type.INT, 1).low().doc("Set by the connector: how many tasks share the files.");
    }

    private static void csv(Options options) {
        options.optional("csv.first.row.as.header", Type.BOOLEAN, false)
                .doc("Whether the first row names the columns; otherwise they come in the order of value.schema.")
                .optional("csv.case.sensitive.field.names", Type.BOOLEAN, false).low()
                .doc("Whether the header's names must have the schema's case.")
                .optional("csv.skip.lines", Type.INT, 0).atLeast(0).doc("Lines to leave out at the file's top.")
                .optional("csv.separator.char", Type.INT, (int) ',').check(character())
                .doc("The code of the separator; 9 is a tab.")
                .optional("csv.quote.char", Type.INT, (int) '"').check(character())
                .doc("The code of the quote; 0 for none.")
                .optional("csv.escape.char", Type.INT, (int) '\\').check(character())
                .doc("The code of the escape; 0 for none.")
                .optional("csv.rfc.4180.parser.enabled", Type.BOOLEAN, false)
                .doc("Whether rows are read by RFC 4180: quotes are doubled, and nothing else escapes.")
                .optional("csv.strict.quotes", Type.BOOLEAN, false).low()
                .doc("Whether text outside of quotes is left out.")
                .optional("csv.ignore.leading.whitespace", Type.BOOLEAN, true).low()
                .doc("Whether blanks before an opening quote are left out.")
                .optional("csv.ignore.quotations", Type.BOOLEAN, false).low()
                .doc("Whether quotes are left out without hiding separators.")
                .optional("csv.keep.carriage.return", Type.BOOLEAN, false).low()
                .doc("Whether CRs before line ends in quotes are kept; the last column must have no quotes then.")
                .optional("csv.null.field.indicator", Type.STRING, "NEITHER")
                .oneOf(CSVReaderNullFieldIndicator.class)
                .doc("Which empty fields are null: those without quotes, those in quotes, both or neither.")
                .optional("file.charset", Type.STRING, "UTF-8").check(text(SpoolDirKeys::charset))
                .doc("The files' character set; a BOM is left out.");
    }

    private static void schemas(Options options) {
        options.optional("key.schema", Type.STRING, "").check((name, value) -> SchemaJson.read(name, (String) value))
                .doc("The key's schema as JSON; without it keys are null.")
                .optional("value.schema", Type.STRING, "").check((name, value) -> SchemaJson.read(name, (String) value))
                .doc("The value's schema as JSON.")
                .optional("schema.generation.enabled", Type.BOOLEAN, false)
                .doc("Whether the schemas are made from each file's header, all columns being optional strings.")
                .optional("schema.generation.key.fields", Type.LIST, "").doc("The columns that make up the key.")
                .optional("schema.generation.key.name", Type.STRING, MODEL + "Key").low()
                .doc("The name of the generated key schema.")
                .optional("schema.generation.value.name", Type.STRING, MODEL + "Value").low()
                .doc("The name of the generated value schema.");
    }

    private static void times(Options options) {
        options.optional("timestamp.mode", Type.STRING, TimestampMode.PROCESS_TIME.name()).oneOf(TimestampMode.class)
                .doc("Whether a record's time is when it was read, when its file was changed, or a column's.")
                .optional("timestamp.field", Type.STRING, "").doc("The Timestamp column that is the record's time.")
                .optional("parser.timestamp.date.formats", Type.LIST, "yyyy-MM-dd'T'HH:mm:ss,yyyy-MM-dd' 'HH:mm:ss")
                .check((name, value) -> strings(value).forEach(Columns::formatter))
                .doc("How Timestamp, Date and Time columns may be written; the first that fits counts.")
                .optional("parser.timestamp.timezone", Type.STRING, "UTC").check(text(SpoolDirKeys::zone))
                .doc("The time zone of times without one.");
    }

    private static Validator text(Consumer<String> check) {
        return (name, value) -> check.accept((String) value);
    }

    private static Validator character() {
        return ConfigDef.Range.between(0, (int) Character.MAX_VALUE);
    }

    private static List<String> strings(Object value) {
        return ((List<?>) value).stream().map(String::valueOf).toList();
    }
}
