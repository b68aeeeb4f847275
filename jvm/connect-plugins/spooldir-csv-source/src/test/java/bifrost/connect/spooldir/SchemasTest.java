package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "MM/dd/yy            | 12/31/99             | 1999-12-31T00:00:00Z",
        "MM/dd/yy            | 1/2/30               | 2030-01-02T00:00:00Z",
        "dd-MMM-yyyy         | 12-JAN-2020          | 2020-01-12T00:00:00Z",
        "dd MMMM yyyy        | 5 february 2020      | 2020-02-05T00:00:00Z",
        "MM/dd/yyyy HH:mm    | 5/6/2024 7:08        | 2024-05-06T07:08:00Z",
        "M/d/yyyy h:mm a     | 5/6/2024 7:08 pm     | 2024-05-06T19:08:00Z",
        "yyyy-MM-dd HH:mm z  | 2024-01-06 07:08 PST | 2024-01-06T15:08:00Z",
        "yyyy-MM-dd HH:mm z  | 2024-01-06 07:08 EST | 2024-01-06T12:08:00Z",
        "yyyy-MM-dd HH:mm z  | 2024-01-06 07:08 GMT+02:00 | 2024-01-06T05:08:00Z",
        "yyyy-MM-dd HH:mm Z  | 2024-01-06 07:08 -0800 | 2024-01-06T15:08:00Z",
        "yyyy-MM-dd'T'HH:mm:ssXXX | 2024-01-06T07:08:09+09:00 | 2024-01-05T22:08:09Z",
        "yyyyMMddHHmmss      | 20240106070809       | 2024-01-06T07:08:09Z",
        "yyyy-MM-dd HH:mm:ss.SSS | 2024-01-06 07:08:09.5 | 2024-01-06T07:08:09.005Z",
        "yyyy-DDD            | 2024-366             | 2024-12-31T00:00:00Z",
        "yyyy-MM-dd          | 1500-02-28           | 1500-02-28T00:00:00Z",
        "yyyy-MM-dd          | 2024-2-3             | 2024-02-03T00:00:00Z"
    })
    void timesAreReadAsSimpleDateFormatDoes(String format, String text, Instant expected) throws Exception {
        harness.with("value.schema", struct(TIME)).with("parser.timestamp.date.formats", format);
        read("order_id,at\n1,\"" + text + "\"\n");
        assertEquals(List.of(Date.from(expected)), harness.column("at"));
    }

    @ParameterizedTest
    @CsvSource({
        "yyyy-MM-dd, 2023-02-30", "yyyy-MM-dd, 2023-13-01", "yyyy-MM-dd, 2023-00-10", "yyyy-MM-dd, 2023-01-02 or so",
        "yyyy-MM-dd, 2023-01-02T10:00:00", "HH:mm, 24:00", "HH:mm, 10:60", "h:mm a, 13:59 AM", "dd-MMM-yyyy, 12-JNA-2020",
        "yyyyMMdd, 202401", "MM/dd/yy, yesterday", "yyyy-MM-dd HH:mm z, 2024-01-06 07:08 XYZZY", "EEE dd.MM.yyyy, Tue 01.01.2020"
    })
    void aTimeThatDoesNotExistIsAnErrorOfTheFile(String format, String text) throws Exception {
        harness.with("value.schema", struct(TIME)).with("parser.timestamp.date.formats", format);
        harness.drop("orders.csv", "order_id,at\n1," + text + "\n");
        harness.runUntil(() -> SpoolHarness.names(harness.error).size() == 2);
        String log = Files.readString(harness.error.resolve("orders.csv.log"));
        assertTrue(log.startsWith("orders.csv: line 2: column at: '" + text + "' matches none of the formats"), log);
    }

    @Test
    void aZoneInOneTextDoesNotChangeTheNext() throws Exception {
        harness.with("value.schema", struct(TIME))
                .with("parser.timestamp.date.formats", "yyyy-MM-dd HH:mm z,yyyy-MM-dd HH:mm")
                .with("parser.timestamp.timezone", "EST");
        read("order_id,at\n1,2024-01-06 07:08 PST\n2,2024-01-06 07:08\n");
        assertEquals(
                List.of(Date.from(Instant.parse("2024-01-06T15:08:00Z")), Date.from(Instant.parse("2024-01-06T12:08:00Z"))),
                harness.column("at"));
    }

    @Test
    void datesAndTimesOfDayAreLocalInEveryZone() throws Exception {
        harness.with("value.schema", struct(
                        field("day", "INT32", "\"name\":\"org.apache.kafka.connect.data.Date\""),
                        field("at", "INT32", "\"name\":\"org.apache.kafka.connect.data.Time\"")))
                .with("parser.timestamp.date.formats", "yyyy-MM-dd,HH:mm,yyyy-MM-dd HH:mm Z")
                .with("parser.timestamp.timezone", "Asia/Tokyo");
        read("order_id,day,at\n1,2024-07-01,00:30\n2,2024-07-01 23:30 -0800,2024-07-01 23:30 -0800\n3,1969-12-31,23:59\n");
        Date july = Date.from(Instant.parse("2024-07-01T00:00:00Z"));
        assertEquals(List.of(july, july, new Date(-86_400_000)), harness.column("day"));
        assertEquals(List.of(new Date(1_800_000), new Date(84_600_000), new Date(86_340_000)), harness.column("at"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "a,b,a   | a twice", "a,b,    | a column has no name", "a,,b    | a column has no name", "A,a,b   | more than once",
        "a,' ',b | a column has no name", "x,y     | the header lacks a (schema.generation.key.fields)"
    })
    void aHeaderThatGivesNoSchemaIsAnErrorOfItsFile(String header, String cause) throws Exception {
        harness.with("schema.generation.enabled", "true").with("schema.generation.key.fields", "a");
        assertGoesToError(header.replace("'", "") + "\n1,2,3\n", cause, "a,b\n1,2\n");
    }

    @Test
    void aHeaderOfNullsIsAnErrorOfItsFile() throws Exception {
        harness.with("schema.generation.enabled", "true").with("csv.null.field.indicator", "BOTH");
        assertGoesToError("a,,b\n1,2,3\n", "a column has no name", "a,b\n1,2\n");
    }

    @Test
    void aKeyFieldThatIsGivenTwiceIsAnErrorOfTheFile() throws Exception {
        harness.with("schema.generation.enabled", "true").with("schema.generation.key.fields", "a,a");
        harness.drop("orders.csv", "a,b\n1,2\n");
        harness.runUntil(() -> SpoolHarness.names(harness.error).size() == 2);
        assertTrue(Files.readString(harness.error.resolve("orders.csv.log")).contains("the field a twice"));
    }

    @Test
    void aTimestampBefore1970IsAnErrorOfTheFile() throws Exception {
        harness.with("value.schema", struct(TIME)).with("timestamp.mode", "FIELD").with("timestamp.field", "at");
        assertGoesToError(
                "order_id,at\n1,1969-12-31T23:59:59\n", "the record's time is before 1970", "order_id,at\n1,1970-01-01T00:00:00\n");
    }

    /** Reads a file with an error and then one without: the first goes to the error folder, the second is delivered. */
    private void assertGoesToError(String bad, String cause, String good) throws Exception {
        harness.drop("orders_1.csv", bad);
        harness.drop("orders_2.csv", good);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);
        String log = Files.readString(harness.error.resolve("orders_1.csv.log"));
        assertTrue(log.contains(cause), log);
        assertEquals(1, harness.rows.size());
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
