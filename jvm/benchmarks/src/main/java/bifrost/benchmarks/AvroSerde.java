package bifrost.benchmarks;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Reads and writes Avro records of one known schema with Confluent's five-byte header; does not use a registry.
 *
 * <p>Kafka Streams uses one serializer and one deserializer of a topology in all its threads, so what they reuse
 * between records belongs to a thread.
 */
final class AvroSerde implements Serde<GenericRecord> {
    private static final int HEADER_SIZE = 5;
    private static final byte[] HEADER = ByteBuffer.allocate(HEADER_SIZE).put((byte) 0).putInt(1).array();

    private final Schema schema;

    AvroSerde(Schema schema) {
        this.schema = schema;
    }

    @Override
    public Serializer<GenericRecord> serializer() {
        ThreadLocal<Writer> writers = ThreadLocal.withInitial(() -> new Writer(schema));
        return (topic, row) -> row == null ? null : writers.get().write(row);
    }

    @Override
    public Deserializer<GenericRecord> deserializer() {
        ThreadLocal<Reader> readers = ThreadLocal.withInitial(() -> new Reader(schema));
        return (topic, data) -> data == null ? null : readers.get().read(data);
    }

    private static final class Writer {
        private final GenericDatumWriter<GenericRecord> writer;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        private BinaryEncoder encoder;

        Writer(Schema schema) {
            this.writer = new GenericDatumWriter<>(schema);
        }

        byte[] write(GenericRecord row) {
            try {
                out.reset();
                out.write(HEADER);
                encoder = EncoderFactory.get().directBinaryEncoder(out, encoder);
                writer.write(row, encoder);
                return out.toByteArray();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    private static final class Reader {
        private final GenericDatumReader<GenericRecord> reader;
        private BinaryDecoder decoder;

        Reader(Schema schema) {
            this.reader = new GenericDatumReader<>(schema);
        }

        GenericRecord read(byte[] data) {
            try {
                decoder = DecoderFactory.get().binaryDecoder(data, HEADER_SIZE, data.length - HEADER_SIZE, decoder);
                return reader.read(null, decoder);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
