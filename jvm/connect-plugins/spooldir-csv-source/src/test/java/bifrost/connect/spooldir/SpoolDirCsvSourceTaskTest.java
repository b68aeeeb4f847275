package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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
    void matchingFilesAreMovedAndOthersStay() throws Exception {
        for (String name : List.of("orders.csv", "orders1.csv", "orders2.csv", "customers.csv")) {
            harness.drop(name, HEADER + "1,Wine\n");
        }

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 3);

        assertEquals(List.of("orders.csv", "orders1.csv", "orders2.csv"), SpoolHarness.names(harness.finished));
        assertEquals(List.of("customers.csv"), SpoolHarness.names(harness.source));
        assertEquals(List.of(), SpoolHarness.names(harness.error));
        assertEquals(1L, ((Struct) harness.rows.get(0).key()).get("order_id"));
    }

    @Test
    void quotesProtectSeparatorsAndLineEnds() throws Exception {
        harness.drop("orders.csv", "\uFEFF" + HEADER
                + "1,\"Wine - Sherry Dry Sack, William\"\n\n2,\"two\nlines\"\n3,\"a \"\"b\"\"\"\n");

        harness.runUntil(() -> harness.rows.size() == 3);

        assertEquals(List.of("Wine - Sherry Dry Sack, William", "two\nlines", "a \"b\""), harness.column("product"));
    }

    @Test
    void aBadFileIsMovedWithItsLineAndCause() throws Exception {
        harness.drop("orders_bad.csv", HEADER + "1,good\nnot-a-number,x\n3,never read\n");
        harness.drop("orders_ok.csv", HEADER + "2,y\n");

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);

        assertEquals(List.of("orders_bad.csv", "orders_bad.csv.log"), SpoolHarness.names(harness.error));
        assertEquals(
                "orders_bad.csv: line 3: column order_id: 'not-a-number' is not of type INT64\n"
                        + "Rows delivered before it: 1\n",
                Files.readString(harness.error.resolve("orders_bad.csv.log")));
        assertEquals(List.of(1L, 2L), harness.column("order_id"));
    }

    @Test
    void everyKindOfBadFileIsReported() throws Exception {
        harness.drop("orders_a.csv", HEADER + "1,a,b\n");
        harness.drop("orders_b.csv", HEADER + "1,\"never closed\n");
        harness.drop("orders_c.csv", "id,product\n1,a\n");
        harness.drop("orders_d.csv", HEADER + ",a\n");
        byte[] latin = (HEADER + "1,a\n2,\u00e9\n").getBytes(StandardCharsets.ISO_8859_1);
        Files.write(harness.source.resolve("orders_e.csv"), latin);

        harness.runUntil(() -> SpoolHarness.names(harness.error).size() == 10);

        assertCause("a", "line 2: 3 columns where 2 are expected");
        assertCause("b", "line 2: a quote is not closed before the end of the file");
        assertCause("c", "line 1: the header lacks order_id");
        assertCause("d", "line 2: column order_id: is empty, but not optional");
        assertCause("e", "line 3: has bytes that are not valid in file.charset");
        assertEquals(List.of(), harness.rows);
    }

    private void assertCause(String file, String cause) throws IOException {
        String log = Files.readString(harness.error.resolve("orders_" + file + ".csv.log"));
        assertTrue(log.contains(cause), log);
    }

    @Test
    void aBadFileStopsTheTaskIfConfigured() throws IOException {
        harness.with("halt.on.error", "true").drop("orders.csv", HEADER + "x,y\n");

        ConnectException stopped = assertThrows(ConnectException.class, () -> harness.runUntil(() -> false));

        assertTrue(stopped.getMessage().startsWith("orders.csv: line 2: "), stopped.getMessage());
    }

    @Test
    void filesWithoutRowsAreFinished() throws Exception {
        harness.drop("orders_empty.csv", "");
        harness.drop("orders_header.csv", HEADER);

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 2);
    }

    @Test
    void aKilledWorkerContinuesAfterItsLastTransaction() throws Exception {
        harness.with("batch.size", "10");
        StringBuilder text = new StringBuilder(HEADER);
        LongStream.rangeClosed(1, 95).forEach(id -> text.append(id).append(",p\n"));
        harness.drop("orders.csv", text.toString());
        for (int round = 0; round < 5; round++) {
            int wanted = harness.rows.size() + 10;
            harness.runUntil(() -> harness.rows.size() >= wanted);
            harness.poll(); // sent, not committed
            harness.kill();
        }

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);

        assertEquals(LongStream.rangeClosed(1, 95).boxed().toList(), harness.column("order_id"));
    }

    @Test
    void aFileStaysUntilItsRowsAreCommitted() throws Exception {
        harness.drop("orders.csv", HEADER + "1,a\n");
        List<SourceRecord> batch = List.of();
        while (batch.isEmpty()) {
            batch = harness.poll();
        }
        IntStream.range(0, 5).forEach(again -> pollQuietly());
        assertEquals(List.of("orders.csv"), SpoolHarness.names(harness.source));

        harness.commit(batch);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).equals(List.of("orders.csv")));
    }

    private void pollQuietly() {
        try {
            assertEquals(List.of(), harness.poll());
        } catch (InterruptedException problem) {
            throw new AssertionError(problem);
        }
    }

    @Test
    void aLaterFileOfTheSameNameIsReadFromItsTop() throws Exception {
        harness.drop("orders.csv", HEADER + "1,a\n2,b\n");
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);
        harness.drop("orders.csv", HEADER + "3,another\n");

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 2);

        assertEquals(List.of(1L, 2L, 3L), harness.column("order_id"));
    }

    @Test
    void aFileThatGrowsWhileItIsReadIsReadOnceAndCompletely() throws Exception {
        harness.with("batch.size", "2");
        Path file = harness.drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n4,half");
        harness.runUntil(() -> harness.rows.size() == 2);
        Files.writeString(file, " and half\n5,e\n", StandardOpenOption.APPEND);

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);

        assertEquals(List.of("a", "b", "c", "half and half", "e"), harness.column("product"));
    }

    @Test
    void theFolderMayDisappearAndReturn() throws Exception {
        Files.delete(harness.source);
        harness.poll();
        Files.createDirectory(harness.source);
        harness.drop("orders.csv", HEADER + "1,a\n");

        harness.runUntil(() -> harness.rows.size() == 1);
    }

    @Test
    void aFolderThatDisappearsDuringReadingLosesNoRow() throws Exception {
        harness.with("batch.size", "2");
        harness.drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n");
        harness.runUntil(() -> harness.rows.size() == 2);
        Files.delete(harness.source.resolve("orders.csv"));
        Files.delete(harness.source);

        harness.runUntil(() -> harness.rows.size() == 3);
        Files.createDirectory(harness.source);
        harness.drop("orders_next.csv", HEADER + "4,d\n");
        harness.runUntil(() -> SpoolHarness.names(harness.finished).equals(List.of("orders_next.csv")));

        assertEquals(List.of(1L, 2L, 3L, 4L), harness.column("order_id"));
    }

    @Test
    void anUnreadableFileIsMovedToTheErrorFolder() throws Exception {
        Files.createSymbolicLink(harness.source.resolve("orders.csv"), Path.of("/proc/self/mem"));

        harness.runUntil(() -> SpoolHarness.names(harness.error).size() == 2);

        assertTrue(Files.readString(harness.error.resolve("orders.csv.log")).contains("cannot be read: "));
    }

    @Test
    void aBinaryFileIsRefusedBeforeItFillsTheMemory() throws Exception {
        byte[] endless = new byte[BoundedLines.MAX_LINE_CHARACTERS + 10];
        Arrays.fill(endless, (byte) 'x');
        Files.write(harness.source.resolve("orders_a.csv"), endless);
        harness.drop("orders_b.csv", HEADER + "1,\"" + "\n".repeat(20_000) + "\"\n");

        harness.runUntil(() -> SpoolHarness.names(harness.error).size() == 4);

        assertCause("a", "line 1: is longer than 16777216 characters");
        assertCause("b", "line 2: a quote is not closed within 10000 lines");
    }

    @Test
    void aRowLargerThanTheProducerAcceptsIsAnErrorOfTheFile() throws Exception {
        harness.drop("orders_a.csv", HEADER + "1," + "\u00e9".repeat(600_000) + "\n");
        harness.drop("orders_b.csv", HEADER + "2," + "e".repeat(600_000) + "\n");

        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);

        assertCause("a", "line 2: makes a record larger than 1048576 bytes");
        assertEquals(List.of(2L), harness.column("order_id"));
    }

    @Test
    void aLongFileIsReadInBatches() throws Exception {
        StringBuilder text = new StringBuilder(HEADER);
        LongStream.rangeClosed(1, 50_000).forEach(id -> text.append(id).append(",p\n"));
        harness.with("batch.size", "1000").drop("orders.csv", text.toString());
        int largest = 0;
        while (harness.rows.size() < 50_000) {
            List<SourceRecord> batch = harness.poll();
            largest = Math.max(largest, batch.size());
            harness.commit(batch);
        }
        assertEquals(1000, largest);
        assertEquals(LongStream.rangeClosed(1, 50_000).boxed().toList(), harness.column("order_id"));
    }
}
