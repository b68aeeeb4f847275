package bifrost.connect.spooldir;

import bifrost.connect.spooldir.SpoolDirConfig.Format;
import bifrost.connect.spooldir.SpoolDirConfig.Schemas;
import java.util.List;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/** The schemas of the rows of a file: from the configuration, or generated from the file's header. */
final class FileSchemas {
    private final Schemas schemas;
    private final Format format;
    private final ColumnParser columns;
    private final Schema key;
    private final Schema value;

    FileSchemas(SpoolDirConfig config) {
        schemas = config.schemas;
        format = config.format;
        columns = new ColumnParser(config.timestampFormats, config.timestampZone);
        key = schemas.generated() ? null : SchemaJson.read("key.schema", schemas.key());
        value = schemas.generated() ? null : SchemaJson.read("value.schema", schemas.value());
    }

    /**
     * Creates the mapper for the rows of a file.
     *
     * @param header the column names of the file
     * @throws IllegalArgumentException the header does not fit the schemas
     */
    RowMapper mapper(List<String> header) {
        Schema keySchema = schemas.generated() ? generatedKey() : key;
        Schema valueSchema = schemas.generated() ? structOfStrings(schemas.valueName(), header) : value;
        return new RowMapper(columns, keySchema, valueSchema, header, format.caseSensitiveNames());
    }

    /** The column names of files without a header; {@code null} if files have a header. */
    List<String> columnsWithoutHeader() {
        return format.hasHeader() || value == null
                ? null
                : value.fields().stream().map(field -> field.name()).toList();
    }

    private Schema generatedKey() {
        return schemas.keyFields().isEmpty() ? null : structOfStrings(schemas.keyName(), schemas.keyFields());
    }

    /** A struct of optional strings. */
    static Schema structOfStrings(String name, List<String> fields) {
        SchemaBuilder builder = SchemaBuilder.struct().name(name);
        fields.forEach(field -> builder.field(field, Schema.OPTIONAL_STRING_SCHEMA));
        return builder.build();
    }
}
