package bifrost.connect.s3.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Writes Avro object container files. */
final class AvroFormat implements Format {
    private final String codec;

    AvroFormat(String codec) {
        this.codec = codec.toLowerCase(Locale.ROOT);
    }

    @Override
    public String extension() {
        return ".avro";
    }

    @Override
    public RecordWriter open(String name, Schema schema, OutputStream out) {
        if (schema == null) {
            throw new DataException("has no schema, which Avro needs; use a converter with schemas, or JsonFormat");
        }
        try {
            return new Writer(name, new AvroTypeFactory().of(schema), out);
        } catch (AvroRuntimeException invalid) { // for example two names that become one when they are made valid
            throw new DataException("has a schema that Avro cannot represent: " + invalid.getMessage(), invalid);
        } catch (IOException impossible) { // the stream is in memory
            throw new UncheckedIOException(impossible);
        }
    }

    private final class Writer implements RecordWriter {
        private final AvroType type;
        private final DataFileWriter<Object> file = new DataFileWriter<>(new GenericDatumWriter<>());
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        private BinaryEncoder encoder;

        Writer(String name, AvroType type, OutputStream out) throws IOException {
            this.type = type;
            file.setCodec(CodecFactory.fromString(codec));
            file.create(type.schema(), out, syncMarker(name));
        }

        @Override
        public void write(SinkRecord record, Schema schema, Object value) throws IOException {
            bytes.reset();
            encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
            type.write(value, encoder);
            file.appendEncoded(ByteBuffer.wrap(bytes.toByteArray()));
        }

        @Override
        public void finish() throws IOException {
            file.close();
        }
    }

    /** The sync marker, derived from the name: a random one would give the same records different bytes each time. */
    private static byte[] syncMarker(String name) {
        try {
            return MessageDigest.getInstance("MD5").digest(name.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
