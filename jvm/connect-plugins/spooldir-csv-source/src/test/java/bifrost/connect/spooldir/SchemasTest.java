package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The schemas, values and timestamps of records. */
class SchemasTest {
    private static final String TIME = field("at", "INT64", "\"name\":\"org.apache.kafka.connect.data.Timestamp\"");

    @TempDir
    private Path root;

    private SpoolHarness harness;

    @BeforeEach
    void make() throws IOException {
        harness = new SpoolHarness(root);
    }

    @AfterEach
    void stop() {
        harness.close();
    }

    @Test
    void valuesAreOfTheTypesOfTheirSchema() throws Exception {
        harness.with("value.schema", struct(
                field("price", "BYTES", "\"name\":\"org.apache.kafka.connect.data.Decimal\","
                        + "\"parameters\":{\"scale\":\"2\"}"),
                field("small", "INT8", "\"isOptional\":true"),
                field("share", "FLOAT64", "\"isOptional\":true"),
                field("ok", "BOOLEAN", "\"isOptional\":true"),
                field("day", "INT32", "\"isOptional\":true,\"name\":\"org.apache.kafka.connect.data.Date\""),
                field("note", "STRING", "\"isOptional\":true")))
                .with("parser.timestamp.date.formats", "yyyy-MM-dd");

        List<SourceRecord> rows = read("order_id,price,small,share,ok,day,note\n"
                + "1,1.5,-3,0.25,TRUE,2018-03-05,007\n2, 2 ,,,,,\n");

        assertEquals("Struct{price=1.50,small=-3,share=0.25,ok=true,day=" + new Date(1520208000000L) + ",note=007}",
                rows.get(0).value().toString());
        assertEquals("Struct{price=2.00,note=}", rows.get(1).value().toString());
    }

    @Test
    void aMissingColumnGetsItsDefault() throws Exception {
        harness.with("value.schema", struct(field("order_id", "INT64", "\"isOptional\":false"),
                field("currency", "STRING", "\"defaultValue\":\"USD\""),
                field("count", "INT32", "\"defaultValue\":1,\"isOptional\":true")));

        assertEquals("Struct{order_id=1,currency=USD,count=1}", read("order_id\n1\n").get(0).value().toString());
    }

    @Test
    void theKeySchemaDefinesTheKey() throws Exception {
        SourceRecord row = read("order_id,product\n7,Wine\n").get(0);
        assertEquals(7L, ((Struct) row.key()).get("order_id"));

        harness.kill();
        harness.with("key.schema", "");
        assertNull(read("order_id,product\n7,Wine\n").get(1).key());
    }

    @Test
    void schemasCanBeGeneratedFromTheHeader() throws Exception {
        harness.with("schema.generation.enabled", "true")
                .with("schema.generation.key.fields", "b")
                .with("schema.generation.key.name", "the.Key")
                .with("schema.generation.value.name", "the.Value")
                .with("csv.null.field.indicator", "BOTH");

        SourceRecord row = read("a,b\n1,\n").get(0);

        assertEquals("Struct{a=1}", row.value().toString());
        assertEquals("Struct{}", row.key().toString());
        assertEquals(List.of("the.Key", "the.Value"), List.of(row.keySchema().name(), row.valueSchema().name()));
    }

    @Test
    void generatedKeysHaveTheConfiguredFields() throws Exception {
        harness.with("schema.generation.enabled", "true").with("schema.generation.key.fields", "b,a");
        assertEquals("Struct{b=2,a=1}", read("a,b,c\n1,2,3\n").get(0).key().toString());

        harness.kill();
        harness.with("schema.generation.key.fields", "");
        assertNull(read("a,b,c\n1,2,3\n").get(1).key());
    }

    @Test
    void timesAreReadInTheFirstFormatThatMatches() throws Exception {
        harness.with("value.schema", struct(TIME))
                .with("parser.timestamp.date.formats", "yyyy-MM-dd'T'HH:mm:ssX,dd.MM.yyyy HH:mm,yyyy-MM-dd");

        read("order_id,at\n1,2018-03-05T07:30:55Z\n2,05.03.2018 07:30\n3,2018-03-05\n");

        List<Date> expected = List.of(new Date(1520235055000L), new Date(1520235000000L), new Date(1520208000000L));
        assertEquals(expected, harness.column("at"));
    }

    @Test
    void timesWithoutAZoneAreInTheConfiguredZone() throws Exception {
        harness.with("value.schema", struct(TIME)).with("parser.timestamp.timezone", "America/New_York");
        read("order_id,at\n1,2018-03-05T07:30:55\n");
        assertEquals(List.of(new Date(1520235055000L + 5 * 3_600_000)), harness.column("at"));
    }

    @Test
    void theTimestampCanBeAColumn() throws Exception {
        harness.with("value.schema", struct(TIME)).with("timestamp.mode", "FIELD").with("timestamp.field", "at");
        assertEquals(1520235055000L, read("order_id,at\n1,2018-03-05T07:30:55\n").get(0).timestamp());
    }

    @Test
    void theTimestampCanBeTheTimeOfTheFile() throws Exception {
        harness.with("timestamp.mode", "FILE_TIME");
        Path beside = Files.writeString(root.resolve("orders.csv"), "order_id,product\n1,Wine\n");
        Files.setLastModifiedTime(beside, FileTime.fromMillis(1520235055000L));
        Files.move(beside, harness.source.resolve("orders.csv"));
        harness.runUntil(() -> harness.rows.size() == 1);
        assertEquals(1520235055000L, harness.rows.get(0).timestamp());
    }

    @Test
    void theTimestampIsTheTimeOfReadingByDefault() throws Exception {
        harness.with("timestamp.mode", "PROCESS_TIME");
        assertNull(read("order_id,product\n1,Wine\n").get(0).timestamp());
    }

    @Test
    void headersCanDescribeTheFile() throws Exception {
        assertEquals(0, read("order_id,product\n1,Wine\n").get(0).headers().size());
        harness.kill();
        harness.with("metadata.location", "HEADERS");

        SourceRecord row = read("order_id,product\n1,Wine\n2,Tea\n").get(2);

        assertEquals("orders.csv", row.headers().lastWithName("file.name").value());
        assertEquals(harness.source.resolve("orders.csv").toString(), row.headers().lastWithName("file.path").value());
        assertEquals(30L, row.headers().lastWithName("file.length").value());
        assertEquals(3L, row.headers().lastWithName("file.offset").value());
        assertEquals(Date.class, row.headers().lastWithName("file.last.modified").value().getClass());
    }

    @Test
    void schemasForASampleAreProposed() throws Exception {
        Path sample = harness.drop("orders.csv", "order_id,product,zip\n1,a,01234\n22,,99999\n");

        Map<String, Schema> proposed = SchemaPrinter.schemas(sample, List.of("order_id"), Map.of());

        String key = "{\"order_id\":{\"type\":\"INT64\",\"isOptional\":false}}";
        assertEquals("{\"name\":\"com.github.jcustenborder.kafka.connect.model.Key\",\"type\":\"STRUCT\","
                + "\"isOptional\":false,\"fieldSchemas\":" + key + "}", SchemaJson.write(proposed.get("key.schema")));
        String value = SchemaJson.write(proposed.get("value.schema"));
        assertEquals("\"product\":{\"type\":\"STRING\",\"isOptional\":true},"
                + "\"zip\":{\"type\":\"STRING\",\"isOptional\":false}}}", value.substring(value.indexOf("\"product\"")));
    }

    private List<SourceRecord> read(String text) throws Exception {
        int before = SpoolHarness.names(harness.finished).size();
        harness.drop("orders.csv", text);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() > before);
        return harness.rows;
    }

    private static String struct(String... fields) {
        return "{\"type\":\"STRUCT\",\"fieldSchemas\":{" + String.join(",", fields) + "}}";
    }

    private static String field(String name, String type, String more) {
        return "\"" + name + "\":{\"type\":\"" + type + "\"," + more + "}";
    }
}
