package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolDirCsvSourceTaskTest {
    private static final String HEADER = "order_id,product\n";

    @TempDir
    private Path root;

    private Folders folders;

    @BeforeEach
    void make() throws IOException {
        folders = new Folders(root);
    }

    @AfterEach
    void stop() {
        folders.close();
    }

    @Test
    void matchingFilesMoveAndOthersStay() throws Exception {
        for (String name : List.of("orders.csv", "orders1.csv", "orders2.csv", "customers.csv")) {
            folders.drop(name, HEADER + "1,Wine\n");
        }

        folders.runUntil(() -> Folders.names(folders.finished).size() == 3);

        assertEquals(List.of("orders.csv", "orders1.csv", "orders2.csv"), Folders.names(folders.finished));
        assertEquals(List.of("customers.csv"), Folders.names(folders.source));
        assertEquals(List.of(), Folders.names(folders.error));
        assertEquals(1L, ((Struct) folders.rows.get(0).key()).get("order_id"));
    }

    @Test
    void quotesHideSeparatorsAndLineEnds() throws Exception {
        folders.drop("orders.csv", "\uFEFF" + HEADER
                + "1,\"Wine - Sherry Dry Sack, William\"\n\n2,\"two\nlines\"\n3,\"a \"\"b\"\"\"\n");

        folders.runUntil(() -> folders.rows.size() == 3);

        assertEquals(List.of("Wine - Sherry Dry Sack, William", "two\nlines", "a \"b\""), folders.column("product"));
    }

    @Test
    void aBadFileGoesAwayWholeWithLineAndCause() throws Exception {
        folders.drop("orders_bad.csv", HEADER + "1,good\nnot-a-number,x\n3,never read\n");
        folders.drop("orders_ok.csv", HEADER + "2,y\n");

        folders.runUntil(() -> Folders.names(folders.finished).size() == 1);

        assertEquals(List.of("orders_bad.csv", "orders_bad.csv.log"), Folders.names(folders.error));
        assertEquals(
                "orders_bad.csv: line 3: column order_id: 'not-a-number' is not of type INT64\n"
                        + "Rows delivered before it: 1\n",
                Files.readString(folders.error.resolve("orders_bad.csv.log")));
        assertEquals(List.of(1L, 2L), folders.column("order_id"));
    }

    @Test
    void everyKindOfBrokenFileIsNamed() throws Exception {
        folders.drop("orders_a.csv", HEADER + "1,a,b\n");
        folders.drop("orders_b.csv", HEADER + "1,\"never closed\n");
        folders.drop("orders_c.csv", "id,product\n1,a\n");
        folders.drop("orders_d.csv", HEADER + ",a\n");
        byte[] latin = (HEADER + "1,\u00e9\n").getBytes(StandardCharsets.ISO_8859_1);
        Files.write(folders.source.resolve("orders_e.csv"), latin);

        folders.runUntil(() -> Folders.names(folders.error).size() == 10);

        assertCause("a", "line 2: 3 columns where 2 are expected");
        assertCause("b", "line 2: a quote is not closed before the end of the file");
        assertCause("c", "line 1: the header lacks order_id");
        assertCause("d", "line 2: column order_id: is empty, and not optional");
        assertCause("e", "bytes that file.charset does not know");
        assertEquals(List.of(), folders.rows);
    }

    private void assertCause(String file, String cause) throws IOException {
        String log = Files.readString(folders.error.resolve("orders_" + file + ".csv.log"));
        assertTrue(log.contains(cause), log);
    }

    @Test
    void aBadFileStopsTheTaskWhereThatIsWanted() throws IOException {
        folders.with("halt.on.error", "true").drop("orders.csv", HEADER + "x,y\n");

        ConnectException stopped = assertThrows(ConnectException.class, () -> folders.runUntil(() -> false));

        assertTrue(stopped.getMessage().startsWith("orders.csv: line 2: "), stopped.getMessage());
    }

    @Test
    void filesWithoutRowsAreFinished() throws Exception {
        folders.drop("orders_empty.csv", "");
        folders.drop("orders_header.csv", HEADER);

        folders.runUntil(() -> Folders.names(folders.finished).size() == 2);
    }

    @Test
    void aWorkerThatDiesReadsOnWhereItsTransactionEnded() throws Exception {
        folders.with("batch.size", "10");
        StringBuilder text = new StringBuilder(HEADER);
        LongStream.rangeClosed(1, 95).forEach(id -> text.append(id).append(",p\n"));
        folders.drop("orders.csv", text.toString());
        for (int round = 0; round < 5; round++) {
            int wanted = folders.rows.size() + 10;
            folders.runUntil(() -> folders.rows.size() >= wanted);
            folders.poll(); // sent, not committed
            folders.kill();
        }

        folders.runUntil(() -> Folders.names(folders.finished).size() == 1);

        assertEquals(LongStream.rangeClosed(1, 95).boxed().toList(), folders.column("order_id"));
    }

    @Test
    void aFileStaysUntilItsRowsAreCommitted() throws Exception {
        folders.drop("orders.csv", HEADER + "1,a\n");
        List<SourceRecord> batch = List.of();
        while (batch.isEmpty()) {
            batch = folders.poll();
        }
        IntStream.range(0, 5).forEach(again -> pollQuietly());
        assertEquals(List.of("orders.csv"), Folders.names(folders.source));

        folders.commit(batch);
        folders.runUntil(() -> Folders.names(folders.finished).equals(List.of("orders.csv")));
    }

    private void pollQuietly() {
        try {
            assertEquals(List.of(), folders.poll());
        } catch (InterruptedException problem) {
            throw new AssertionError(problem);
        }
    }

    @Test
    void aFileOfTheSameNameIsReadFromItsTopAndKeepsTheFirstOne() throws Exception {
        folders.drop("orders.csv", HEADER + "1,a\n2,b\n");
        folders.runUntil(() -> Folders.names(folders.finished).size() == 1);
        folders.drop("orders.csv", HEADER + "3,another\n");

        folders.runUntil(() -> Folders.names(folders.finished).size() == 2);

        assertEquals(List.of(1L, 2L, 3L), folders.column("order_id"));
    }

    @Test
    void whatIsWrittenWhileItIsReadIsReadOnceAndWhole() throws Exception {
        folders.with("batch.size", "2");
        Path file = folders.drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n4,half");
        folders.runUntil(() -> folders.rows.size() == 2);
        Files.writeString(file, " and half\n5,e\n", StandardOpenOption.APPEND);

        folders.runUntil(() -> Folders.names(folders.finished).size() == 1);

        assertEquals(List.of("a", "b", "c", "half and half", "e"), folders.column("product"));
    }

    @Test
    void theFolderMayVanishAndComeBack() throws Exception {
        Files.delete(folders.source);
        folders.poll();
        Files.createDirectory(folders.source);
        folders.drop("orders.csv", HEADER + "1,a\n");

        folders.runUntil(() -> folders.rows.size() == 1);
    }

    @Test
    void columnsAreTyped() throws Exception {
        folders.with("value.schema", "{\"type\":\"STRUCT\",\"fieldSchemas\":{\"price\":{\"type\":\"BYTES\",\"name\":"
                        + "\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"}},"
                        + "\"ts\":{\"type\":\"INT64\","
                        + "\"name\":\"org.apache.kafka.connect.data.Timestamp\"},"
                        + "\"ok\":{\"type\":\"BOOLEAN\",\"isOptional\":true}}}")
                .with("key.schema", "")
                .with("csv.separator.char", "9")
                .with("parser.timestamp.date.formats", "yyyy-MM-dd'T'HH:mm:ssX,yyyy-MM-dd")
                .with("timestamp.mode", "FIELD")
                .with("timestamp.field", "ts");
        folders.drop("orders.csv", "price\tTS\tok\n1.5\t2018-03-05T07:30:55Z\ttrue\n2\t2018-03-05\t\n");

        folders.runUntil(() -> folders.rows.size() == 2);

        assertEquals("[1.50, 2.00]", folders.column("price").toString());
        assertEquals(new Date(1520235055000L), folders.column("ts").get(0));
        assertEquals(1520208000000L, folders.rows.get(1).timestamp());
        assertEquals(true, folders.column("ok").get(0));
    }

    @Test
    void schemasCanBeMadeFromTheHeader() throws Exception {
        folders.with("schema.generation.enabled", "true")
                .with("schema.generation.key.fields", "b")
                .with("csv.null.field.indicator", "BOTH");
        folders.drop("orders.csv", "a,b\n1,\n");

        folders.runUntil(() -> folders.rows.size() == 1);

        assertEquals("Struct{a=1}", folders.rows.get(0).value().toString());
        assertEquals("Struct{}", folders.rows.get(0).key().toString());
    }

    @Test
    void schemasForASampleAreProposed() throws Exception {
        Path sample = folders.drop("orders.csv", HEADER + "1,a\n22,\n");

        Schema proposed = SchemaPrinter.schemas(sample, List.of("order_id"), Map.of()).get("value.schema");

        assertEquals(
                "{\"name\":\"com.github.jcustenborder.kafka.connect.model.Value\",\"type\":\"STRUCT\","
                        + "\"isOptional\":false,"
                        + "\"fieldSchemas\":{\"order_id\":{\"type\":\"INT64\",\"isOptional\":false},"
                        + "\"product\":{\"type\":\"STRING\",\"isOptional\":true}}}",
                SchemaJson.write(proposed));
    }
}
