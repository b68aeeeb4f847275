package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.junit.jupiter.api.Test;

/** The content of objects. */
class FormatsTest {
    private static final String FORMAT = "io.confluent.connect.s3.format.";
    private final SinkHarness harness = new SinkHarness();

    @Test
    void avroRepresentsEveryConnectType() throws Exception {
        Schema inner = SchemaBuilder.struct().name("a.b.Inner").field("x", Schema.FLOAT64_SCHEMA).build();
        Schema schema = SchemaBuilder.struct()
                .field("small", Schema.INT8_SCHEMA)
                .field("flag", Schema.OPTIONAL_BOOLEAN_SCHEMA)
                .field("bytes", Schema.BYTES_SCHEMA)
                .field("at", Timestamp.SCHEMA)
                .field("price", Decimal.schema(2))
                .field("list", SchemaBuilder.array(inner).build())
                .field("map", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).build())
                .field("pairs", SchemaBuilder.map(Schema.INT32_SCHEMA, Schema.STRING_SCHEMA).build())
                .field("again", inner)
                .field("word", SchemaBuilder.string().optional().defaultValue("none").build())
                .build();
        Struct value = new Struct(schema)
                .put("small", (byte) 7)
                .put("bytes", "hi".getBytes(StandardCharsets.UTF_8))
                .put("at", new Date(5))
                .put("price", new BigDecimal("1.25"))
                .put("list", List.of(new Struct(inner).put("x", 0.5)))
                .put("map", Map.of("k", 1L))
                .put("pairs", Map.of(1, "one"))
                .put("again", new Struct(inner).put("x", 1.5))
                .put("word", "w");
        harness.given.put("flush.size", "1");
        harness.put(List.of(harness.record(value)));
        try (var file = harness.avro(0)) {
            var read = file.next();
            assertEquals("io.confluent.connect.avro.ConnectDefault", read.getSchema().getFullName());
            assertEquals("timestamp-millis", read.getSchema().getField("at").schema().getLogicalType().getName());
            assertEquals(
                    "{\"small\": 7, \"flag\": null, \"bytes\": \"hi\", \"at\": 5, \"price\": \"}\", \"list\": [{\"x\": 0.5}],"
                            + " \"map\": {\"k\": 1}, \"pairs\": [{\"key\": 1, \"value\": \"one\"}],"
                            + " \"again\": {\"x\": 1.5}, \"word\": \"w\"}",
                    read.toString());
        }
    }

    @Test
    void aNullIsNotReplacedByTheDefaultOfItsField() throws Exception {
        Schema inner = SchemaBuilder.struct().field("level", SchemaBuilder.int32().optional().defaultValue(5).build()).build();
        Schema schema = SchemaBuilder.struct()
                .field("status", SchemaBuilder.string().optional().defaultValue("new").build())
                .field("source", SchemaBuilder.string().defaultValue("web").build())
                .field("inner", inner)
                .build();
        Struct value = new Struct(schema).put("status", null).put("inner", new Struct(inner).put("level", null));
        harness.given.put("flush.size", "1");
        harness.put(List.of(harness.record(value)));
        assertEquals(
                List.of("{\"status\": null, \"source\": \"web\", \"inner\": {\"level\": null}}"), harness.records(0));
        SinkHarness json = new SinkHarness();
        json.given.put("flush.size", "1");
        json.given.put("format.class", FORMAT + "json.JsonFormat");
        json.put(List.of(json.record(value)));
        assertEquals("{\"status\":null,\"source\":\"web\",\"inner\":{\"level\":null}}\n", json.text(0));
    }

    @Test
    void namesThatAvroDoesNotAllowAreReplaced() throws Exception {
        Schema line = SchemaBuilder.struct().name("my-shop.order line").field("first-name", Schema.STRING_SCHEMA)
                .field("1st", Schema.INT32_SCHEMA).build();
        harness.given.put("flush.size", "1");
        harness.put(List.of(harness.record(new Struct(line).put("first-name", "Ada").put("1st", 1))));
        assertEquals(List.of("{\"first_name\": \"Ada\", \"_1st\": 1}"), harness.records(0));
    }

    @Test
    void aSchemaThatAvroCannotRepresentIsReported() {
        Schema schema = SchemaBuilder.struct().field("a-b", Schema.STRING_SCHEMA).field("a_b", Schema.STRING_SCHEMA).build();
        harness.hasQueue = true;
        harness.put(List.of(harness.record(new Struct(schema).put("a-b", "x").put("a_b", "y"))));
        assertEquals(1, harness.reported.size());
    }

    @Test
    void nestedSchemasOfOneNameStayApart() throws Exception {
        Schema one = SchemaBuilder.struct().name("N").field("x", Schema.STRING_SCHEMA).build();
        Schema other = SchemaBuilder.struct().name("N").field("y", Schema.INT32_SCHEMA).build();
        Schema schema = SchemaBuilder.struct().name("P").field("a", one).field("b", other).build();
        harness.given.put("flush.size", "1");
        harness.put(List.of(harness.record(
                new Struct(schema).put("a", new Struct(one).put("x", "1")).put("b", new Struct(other).put("y", 2)))));
        assertEquals(List.of("{\"a\": {\"x\": \"1\"}, \"b\": {\"y\": 2}}"), harness.records(0));
    }

    @Test
    void avroCodecCompresses() throws Exception {
        for (String codec : List.of("null", "deflate", "snappy", "bzip2")) {
            SinkHarness other = new SinkHarness();
            other.given.put("avro.codec", codec);
            other.put(3);
            try (var file = other.avro(0)) {
                assertEquals(codec, file.getMetaString("avro.codec") == null ? "null" : file.getMetaString("avro.codec"));
            }
            assertEquals(3, other.records(0).size());
        }
    }

    @Test
    void jsonIsALinePerRecord() {
        harness.given.put("format.class", FORMAT + "json.JsonFormat");
        harness.put(3);
        assertEquals("topics/orders/partition=0/orders+0+0000000000.json", harness.names().get(0));
        assertEquals("{\"id\":0}\n{\"id\":1}\n{\"id\":2}\n", harness.text(0));
    }

    @Test
    void compressionTypeAndLevelCompressJson() throws Exception {
        harness.given.put("format.class", FORMAT + "json.JsonFormat");
        harness.given.put("s3.compression.type", "gzip");
        harness.given.put("flush.size", "1000");
        harness.given.put("s3.compression.level", "9");
        harness.put(1000);
        assertTrue(harness.names().get(0).endsWith(".json.gz"));
        assertTrue(harness.unzipped(0).endsWith("{\"id\":999}\n"));
        SinkHarness stored = new SinkHarness();
        stored.given.putAll(harness.given);
        stored.given.put("s3.compression.level", "0");
        stored.put(1000);
        assertTrue(stored.bytes(0).length > 2 * harness.bytes(0).length);
    }

    @Test
    void jsonDecimalFormatWritesNumbers() {
        Schema schema = SchemaBuilder.struct().field("price", Decimal.schema(2)).build();
        harness.given.put("format.class", FORMAT + "json.JsonFormat");
        harness.given.put("json.decimal.format", "NUMERIC");
        harness.given.put("flush.size", "1");
        harness.put(List.of(harness.record(new Struct(schema).put("price", new BigDecimal("1.25")))));
        assertEquals("{\"price\":1.25}\n", harness.text(0));
    }

    @Test
    void bytesAreWrittenUnchanged() {
        bytes(Map.of());
        assertEquals("topics/orders/partition=0/orders+0+0000000000.bin", harness.names().get(0));
        assertEquals("one" + System.lineSeparator() + "two" + System.lineSeparator(), harness.text(0));
    }

    @Test
    void bytesCanHaveAnotherExtensionAndSeparator() {
        bytes(Map.of("format.bytearray.extension", ".log", "format.bytearray.separator", "\\t"));
        assertTrue(harness.names().get(0).endsWith(".log"));
        assertEquals("one\ttwo\t", harness.text(0));
    }

    private void bytes(Map<String, String> settings) {
        harness.given.put("format.class", FORMAT + "bytearray.ByteArrayFormat");
        harness.given.put("flush.size", "2");
        harness.given.putAll(settings);
        harness.put(List.of(
                harness.record(Schema.BYTES_SCHEMA, "one".getBytes(StandardCharsets.UTF_8), null),
                harness.record(Schema.BYTES_SCHEMA, "two".getBytes(StandardCharsets.UTF_8), null)));
    }
}
