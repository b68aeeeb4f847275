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
        Schema keySchema = schemas.generated() ? generatedKey(header) : key;
        Schema valueSchema = schemas.generated() ? structOfStrings(schemas.valueName(), header) : value;
        return new RowMapper(columns, keySchema, valueSchema, header, format.caseSensitiveNames());
    }

    /** The column names of files without a header; {@code null} if files have a header. */
    List<String> columnsWithoutHeader() {
        return format.hasHeader() || value == null
                ? null
                : value.fields().stream().map(field -> field.name()).toList();
    }

    /** Generated fields are optional, so that a column that is missing would give every record a null key. */
    private Schema generatedKey(List<String> header) {
        for (String field : schemas.keyFields()) {
            if (header.stream().noneMatch(name -> RowMapper.isSameName(name, field, format.caseSensitiveNames()))) {
                throw new IllegalArgumentException("the header lacks " + field + " (schema.generation.key.fields)");
            }
        }
        return schemas.keyFields().isEmpty() ? null : structOfStrings(schemas.keyName(), schemas.keyFields());
    }

    /** A struct of optional strings. */
    private static Schema structOfStrings(String name, List<String> fields) {
        SchemaBuilder builder = SchemaBuilder.struct().name(name);
        for (String field : fields) {
            if (field == null || field.isBlank()) {
                throw new IllegalArgumentException("a column has no name, which a generated schema needs");
            }
            if (builder.field(field) != null) {
                throw new IllegalArgumentException("the generated schema " + name + " would have the field " + field + " twice");
            }
            builder.field(field, Schema.OPTIONAL_STRING_SCHEMA);
        }
        return builder.build();
    }
}
