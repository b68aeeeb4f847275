package bifrost.connect.s3.format;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Writes the bytes of values unchanged, each followed by a separator. */
final class BytesFormat implements Format {
    private final Compression compression;
    private final String extension;
    private final byte[] separator;

    /** @param separator may contain the escapes {@code \n}, {@code \r} and {@code \t}; {@code null} for the system's line separator */
    BytesFormat(Compression compression, String extension, String separator) {
        this.compression = compression;
        this.extension = extension;
        String text = separator == null ? System.lineSeparator() : separator.translateEscapes();
        this.separator = text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String extension() {
        return extension + compression.extension();
    }

    @Override
    public RecordWriter open(String name, Schema schema, OutputStream target) {
        OutputStream out = compression.around(target);
        return new RecordWriter() {
            @Override
            public void write(SinkRecord record, Schema ofValue, Object value) throws IOException {
                if (!(value instanceof byte[] bytes)) {
                    throw new DataException("has a value that is not a byte array; set value.converter to"
                            + " org.apache.kafka.connect.converters.ByteArrayConverter");
                }
                out.write(bytes);
                out.write(separator);
            }

            @Override
            public void finish() throws IOException {
                out.close();
            }
        };
    }
}
