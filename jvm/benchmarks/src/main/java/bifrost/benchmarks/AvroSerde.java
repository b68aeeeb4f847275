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

/** Reads and writes Avro records of one known schema with Confluent's five-byte header; does not use a registry. */
final class AvroSerde implements Serde<GenericRecord> {
    private static final int HEADER = 5;

    private final Schema schema;

    AvroSerde(Schema schema) {
        this.schema = schema;
    }

    @Override
    public Serializer<GenericRecord> serializer() {
        GenericDatumWriter<GenericRecord> writer = new GenericDatumWriter<>(schema);
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        byte[] header = ByteBuffer.allocate(HEADER).put((byte) 0).putInt(1).array();
        BinaryEncoder[] reused = new BinaryEncoder[1];
        return (topic, row) -> {
            if (row == null) {
                return null;
            }
            try {
                out.reset();
                out.write(header);
                reused[0] = EncoderFactory.get().directBinaryEncoder(out, reused[0]);
                writer.write(row, reused[0]);
                return out.toByteArray();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
    }

    @Override
    public Deserializer<GenericRecord> deserializer() {
        GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema);
        BinaryDecoder[] reused = new BinaryDecoder[1];
        return (topic, data) -> {
            if (data == null) {
                return null;
            }
            try {
                reused[0] = DecoderFactory.get().binaryDecoder(data, HEADER, data.length - HEADER, reused[0]);
                return reader.read(null, reused[0]);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
    }
}
