package bifrost.connect.s3.format;

import bifrost.connect.data.FieldValues;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.json.JsonConverterConfig;
import org.apache.kafka.connect.sink.SinkRecord;

/** Writes one line of JSON per value, as Connect's JsonConverter does without schemas. */
final class JsonFormat implements Format {
    private final Compression compression;
    private final JsonConverter converter = new JsonConverter();

    JsonFormat(Compression compression, String decimals) {
        this.compression = compression;
        Map<String, Object> settings = Map.of(
                JsonConverterConfig.SCHEMAS_ENABLE_CONFIG, false,
                JsonConverterConfig.REPLACE_NULL_WITH_DEFAULT_CONFIG, false,
                JsonConverterConfig.DECIMAL_FORMAT_CONFIG, decimals.toUpperCase(Locale.ROOT));
        converter.configure(settings, false);
    }

    @Override
    public String extension() {
        return ".json" + compression.extension();
    }

    @Override
    public RecordWriter open(String name, Schema schema, OutputStream target) {
        OutputStream out = compression.around(target);
        return new RecordWriter() {
            @Override
            public void write(SinkRecord record, Schema ofValue, Object value) throws IOException {
                FieldValues.setRequiredDefaults(value); // the converter, which must not touch other nulls, refuses them
                byte[] line = converter.fromConnectData(record.topic(), ofValue, value);
                out.write(line);
                out.write('\n');
            }

            @Override
            public void finish() throws IOException {
                out.close();
            }
        };
    }
}
