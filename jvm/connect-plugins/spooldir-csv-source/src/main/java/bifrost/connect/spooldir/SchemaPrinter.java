package bifrost.connect.spooldir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/** Prints {@code key.schema} and {@code value.schema} for a sample file, with types that fit its columns. */
public final class SchemaPrinter {
    private static final int ROWS = 10_000;
    private static final String MODEL = "com.github.jcustenborder.kafka.connect.model.";

    private SchemaPrinter() {}

    /**
     * Runs the program.
     *
     * @param arguments the file, the columns of the key, keys of {@code csv.*} as {@code name=value}
     */
    public static void main(String[] arguments) {
        if (arguments.length < 1) {
            System.err.println("usage: SchemaPrinter FILE [KEY_COLUMN...] [csv.separator.char=9...]");
            System.exit(2);
        }
        List<String> rest = List.of(arguments).subList(1, arguments.length);
        Map<String, String> settings = new HashMap<>();
        rest.stream()
                .filter(word -> word.contains("="))
                .map(word -> word.split("=", 2))
                .forEach(pair -> settings.put(pair[0], pair[1]));
        List<String> key = rest.stream().filter(word -> !word.contains("=")).toList();
        try {
            print(schemas(Path.of(arguments[0]), key, settings));
        } catch (IOException | BadFileException | RuntimeException problem) {
            System.err.println("error: " + arguments[0] + ": " + problem.getMessage());
            System.exit(1);
        }
    }

    /** Proposes schemas, by the name of their configuration key. */
    static Map<String, Schema> schemas(Path sample, List<String> key, Map<String, String> settings)
            throws IOException, BadFileException {
        SpoolDirConfig config = new SpoolDirConfig(withRequiredKeys(settings));
        try (CsvRows rows = new CsvRows(sample, config.format)) {
            String[] header = rows.next();
            if (header == null) {
                throw new BadFileException(1, "the file has no header");
            }
            Kind[] kinds = new Kind[header.length];
            String[] row = rows.next();
            for (int count = 0; row != null && count < ROWS; count++, row = rows.next()) {
                for (int column = 0; column < Math.min(row.length, kinds.length); column++) {
                    kinds[column] = Kind.of(row[column]).or(kinds[column]);
                }
            }
            SchemaBuilder value = SchemaBuilder.struct().name(MODEL + "Value");
            for (int column = 0; column < header.length; column++) {
                Kind kind = kinds[column] == null ? new Kind(null, true) : kinds[column];
                value.field(header[column].trim(), kind.schema());
            }
            return key.isEmpty() ? Map.of("value.schema", value.build()) : both(value.build(), key);
        }
    }

    private static Map<String, Schema> both(Schema value, List<String> key) {
        SchemaBuilder builder = SchemaBuilder.struct().name(MODEL + "Key");
        for (String name : key) {
            if (value.field(name) == null) {
                throw new IllegalArgumentException("the file has no column " + name);
            }
            builder.field(name, value.field(name).schema());
        }
        return Map.of("key.schema", builder.build(), "value.schema", value);
    }

    private static Map<String, String> withRequiredKeys(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(settings);
        for (String name : List.of("topic", "input.path", "error.path", "finished.path", "input.file.pattern")) {
            all.putIfAbsent(name, "any");
        }
        all.put("csv.first.row.as.header", "true");
        all.put("schema.generation.enabled", "true");
        return all;
    }

    private static void print(Map<String, Schema> schemas) {
        schemas.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> System.out.println(entry.getKey() + "=" + SchemaJson.write(entry.getValue())));
    }

    /** The type that fits all texts of a column, and whether some of them are empty. */
    private record Kind(Schema.Type type, boolean isOptional) {
        static Kind of(String text) {
            if (text == null || text.isEmpty()) {
                return new Kind(null, true);
            }
            return new Kind(text.matches("-?(0|[1-9]\\d{0,17})") ? Schema.Type.INT64 : Schema.Type.STRING, false);
        }

        Kind or(Kind before) {
            if (before == null) {
                return this;
            }
            boolean optional = isOptional || before.isOptional;
            if (type == null || before.type == null) {
                return new Kind(type == null ? before.type : type, optional);
            }
            return new Kind(type == before.type ? type : Schema.Type.STRING, optional);
        }

        Schema schema() {
            SchemaBuilder builder = new SchemaBuilder(type == null ? Schema.Type.STRING : type);
            return (isOptional ? builder.optional() : builder).build();
        }
    }
}
