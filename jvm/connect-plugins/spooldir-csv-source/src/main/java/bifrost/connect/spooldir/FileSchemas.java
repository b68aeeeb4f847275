package bifrost.connect.spooldir;

import bifrost.connect.spooldir.SpoolDirConfig.Format;
import bifrost.connect.spooldir.SpoolDirConfig.Schemas;
import java.util.List;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/** Which schemas the rows of a file have: those of the configuration, or those made from its header. */
final class FileSchemas {
    private final Schemas schemas;
    private final Format format;
    private final Columns columns;
    private final Schema key;
    private final Schema value;

    FileSchemas(SpoolDirConfig config) {
        schemas = config.schemas;
        format = config.format;
        columns = new Columns(config.timestampFormats, config.timestampZone);
        key = schemas.generated() ? null : SchemaJson.read("key.schema", schemas.key());
        value = schemas.generated() ? null : SchemaJson.read("value.schema", schemas.value());
    }

    /**
     * The mapper for a file.
     *
     * @param header the file's column names
     * @throws IllegalArgumentException the header does not fit the schemas
     */
    RowMapper mapper(List<String> header) {
        Schema keyed = schemas.generated() ? generatedKey() : key;
        Schema valued = schemas.generated() ? strings(schemas.valueName(), header) : value;
        return new RowMapper(columns, keyed, valued, header, format.caseSensitiveNames());
    }

    /** The column names of files without a header; {@code null} where every file has one. */
    List<String> headerless() {
        return format.hasHeader() || value == null
                ? null
                : value.fields().stream().map(field -> field.name()).toList();
    }

    private Schema generatedKey() {
        return schemas.keyFields().isEmpty() ? null : strings(schemas.keyName(), schemas.keyFields());
    }

    /** A struct of optional strings. */
    static Schema strings(String name, List<String> fields) {
        SchemaBuilder builder = SchemaBuilder.struct().name(name);
        fields.forEach(field -> builder.field(field, Schema.OPTIONAL_STRING_SCHEMA));
        return builder.build();
    }
}
