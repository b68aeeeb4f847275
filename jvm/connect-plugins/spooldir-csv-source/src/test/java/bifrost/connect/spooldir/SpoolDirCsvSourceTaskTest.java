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

    private SpoolBench bench;

    @BeforeEach
    void make() throws IOException {
        bench = new SpoolBench(root);
    }

    @AfterEach
    void stop() {
        bench.close();
    }

    @Test
    void matchingFilesMoveAndOthersStay() throws Exception {
        for (String name : List.of("orders.csv", "orders1.csv", "orders2.csv", "customers.csv")) {
            bench.drop(name, HEADER + "1,Wine\n");
        }

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 3);

        assertEquals(List.of("orders.csv", "orders1.csv", "orders2.csv"), SpoolBench.names(bench.finished));
        assertEquals(List.of("customers.csv"), SpoolBench.names(bench.source));
        assertEquals(List.of(), SpoolBench.names(bench.error));
        assertEquals(1L, ((Struct) bench.rows.get(0).key()).get("order_id"));
    }

    @Test
    void quotesHideSeparatorsAndLineEnds() throws Exception {
        bench.drop("orders.csv", "\uFEFF" + HEADER
                + "1,\"Wine - Sherry Dry Sack, William\"\n\n2,\"two\nlines\"\n3,\"a \"\"b\"\"\"\n");

        bench.runUntil(() -> bench.rows.size() == 3);

        assertEquals(List.of("Wine - Sherry Dry Sack, William", "two\nlines", "a \"b\""), bench.column("product"));
    }

    @Test
    void aBadFileGoesAwayWholeWithLineAndCause() throws Exception {
        bench.drop("orders_bad.csv", HEADER + "1,good\nnot-a-number,x\n3,never read\n");
        bench.drop("orders_ok.csv", HEADER + "2,y\n");

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);

        assertEquals(List.of("orders_bad.csv", "orders_bad.csv.log"), SpoolBench.names(bench.error));
        assertEquals(
                "orders_bad.csv: line 3: column order_id: 'not-a-number' is not of type INT64\n"
                        + "Rows delivered before it: 1\n",
                Files.readString(bench.error.resolve("orders_bad.csv.log")));
        assertEquals(List.of(1L, 2L), bench.column("order_id"));
    }

    @Test
    void everyKindOfBrokenFileIsNamed() throws Exception {
        bench.drop("orders_a.csv", HEADER + "1,a,b\n");
        bench.drop("orders_b.csv", HEADER + "1,\"never closed\n");
        bench.drop("orders_c.csv", "id,product\n1,a\n");
        bench.drop("orders_d.csv", HEADER + ",a\n");
        byte[] latin = (HEADER + "1,a\n2,\u00e9\n").getBytes(StandardCharsets.ISO_8859_1);
        Files.write(bench.source.resolve("orders_e.csv"), latin);

        bench.runUntil(() -> SpoolBench.names(bench.error).size() == 10);

        assertCause("a", "line 2: 3 columns where 2 are expected");
        assertCause("b", "line 2: a quote is not closed before the end of the file");
        assertCause("c", "line 1: the header lacks order_id");
        assertCause("d", "line 2: column order_id: is empty, and not optional");
        assertCause("e", "line 3: there are bytes that file.charset does not know");
        assertEquals(List.of(), bench.rows);
    }

    private void assertCause(String file, String cause) throws IOException {
        String log = Files.readString(bench.error.resolve("orders_" + file + ".csv.log"));
        assertTrue(log.contains(cause), log);
    }

    @Test
    void aBadFileStopsTheTaskWhereThatIsWanted() throws IOException {
        bench.with("halt.on.error", "true").drop("orders.csv", HEADER + "x,y\n");

        ConnectException stopped = assertThrows(ConnectException.class, () -> bench.runUntil(() -> false));

        assertTrue(stopped.getMessage().startsWith("orders.csv: line 2: "), stopped.getMessage());
    }

    @Test
    void filesWithoutRowsAreFinished() throws Exception {
        bench.drop("orders_empty.csv", "");
        bench.drop("orders_header.csv", HEADER);

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 2);
    }

    @Test
    void aWorkerThatDiesReadsOnWhereItsTransactionEnded() throws Exception {
        bench.with("batch.size", "10");
        StringBuilder text = new StringBuilder(HEADER);
        LongStream.rangeClosed(1, 95).forEach(id -> text.append(id).append(",p\n"));
        bench.drop("orders.csv", text.toString());
        for (int round = 0; round < 5; round++) {
            int wanted = bench.rows.size() + 10;
            bench.runUntil(() -> bench.rows.size() >= wanted);
            bench.poll(); // sent, not committed
            bench.kill();
        }

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);

        assertEquals(LongStream.rangeClosed(1, 95).boxed().toList(), bench.column("order_id"));
    }

    @Test
    void aFileStaysUntilItsRowsAreCommitted() throws Exception {
        bench.drop("orders.csv", HEADER + "1,a\n");
        List<SourceRecord> batch = List.of();
        while (batch.isEmpty()) {
            batch = bench.poll();
        }
        IntStream.range(0, 5).forEach(again -> pollQuietly());
        assertEquals(List.of("orders.csv"), SpoolBench.names(bench.source));

        bench.commit(batch);
        bench.runUntil(() -> SpoolBench.names(bench.finished).equals(List.of("orders.csv")));
    }

    private void pollQuietly() {
        try {
            assertEquals(List.of(), bench.poll());
        } catch (InterruptedException problem) {
            throw new AssertionError(problem);
        }
    }

    @Test
    void aFileOfTheSameNameIsReadFromItsTopAndKeepsTheFirstOne() throws Exception {
        bench.drop("orders.csv", HEADER + "1,a\n2,b\n");
        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);
        bench.drop("orders.csv", HEADER + "3,another\n");

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 2);

        assertEquals(List.of(1L, 2L, 3L), bench.column("order_id"));
    }

    @Test
    void whatIsWrittenWhileItIsReadIsReadOnceAndWhole() throws Exception {
        bench.with("batch.size", "2");
        Path file = bench.drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n4,half");
        bench.runUntil(() -> bench.rows.size() == 2);
        Files.writeString(file, " and half\n5,e\n", StandardOpenOption.APPEND);

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);

        assertEquals(List.of("a", "b", "c", "half and half", "e"), bench.column("product"));
    }

    @Test
    void theFolderMayVanishAndComeBack() throws Exception {
        Files.delete(bench.source);
        bench.poll();
        Files.createDirectory(bench.source);
        bench.drop("orders.csv", HEADER + "1,a\n");

        bench.runUntil(() -> bench.rows.size() == 1);
    }

    @Test
    void aFolderThatVanishesWithAFileThatIsReadLosesNoRow() throws Exception {
        bench.with("batch.size", "2");
        bench.drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n");
        bench.runUntil(() -> bench.rows.size() == 2);
        Files.delete(bench.source.resolve("orders.csv"));
        Files.delete(bench.source);

        bench.runUntil(() -> bench.rows.size() == 3);
        Files.createDirectory(bench.source);
        bench.drop("orders_next.csv", HEADER + "4,d\n");
        bench.runUntil(() -> SpoolBench.names(bench.finished).equals(List.of("orders_next.csv")));

        assertEquals(List.of(1L, 2L, 3L, 4L), bench.column("order_id"));
    }

    @Test
    void aFileThatTheSystemDoesNotLetUsReadGoesAway() throws Exception {
        Files.createSymbolicLink(bench.source.resolve("orders.csv"), Path.of("/proc/self/mem"));

        bench.runUntil(() -> SpoolBench.names(bench.error).size() == 2);

        assertTrue(Files.readString(bench.error.resolve("orders.csv.log")).contains("cannot be read: "));
    }

    @Test
    void whatIsNoTextAtAllGoesAwayBeforeItFillsTheMemory() throws Exception {
        byte[] endless = new byte[BoundedLines.LONGEST + 10];
        Arrays.fill(endless, (byte) 'x');
        Files.write(bench.source.resolve("orders_a.csv"), endless);
        bench.drop("orders_b.csv", HEADER + "1,\"" + "\n".repeat(20_000) + "\"\n");

        bench.runUntil(() -> SpoolBench.names(bench.error).size() == 4);

        assertCause("a", "line 1: is longer than 16777216 characters");
        assertCause("b", "line 2: a quote is not closed within 10000 lines");
    }

    @Test
    void aRowThatNoProducerTakesMakesTheFileABadOne() throws Exception {
        bench.drop("orders_a.csv", HEADER + "1," + "\u00e9".repeat(600_000) + "\n");
        bench.drop("orders_b.csv", HEADER + "2," + "e".repeat(600_000) + "\n");

        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);

        assertCause("a", "line 2: makes a record longer than 1048576 bytes");
        assertEquals(List.of(2L), bench.column("order_id"));
    }

    @Test
    void aLongFileIsReadInBatchesAndNeverHeldWhole() throws Exception {
        StringBuilder text = new StringBuilder(HEADER);
        LongStream.rangeClosed(1, 50_000).forEach(id -> text.append(id).append(",p\n"));
        bench.with("batch.size", "1000").drop("orders.csv", text.toString());
        int largest = 0;
        while (bench.rows.size() < 50_000) {
            List<SourceRecord> batch = bench.poll();
            largest = Math.max(largest, batch.size());
            bench.commit(batch);
        }
        assertEquals(1000, largest);
        assertEquals(LongStream.rangeClosed(1, 50_000).boxed().toList(), bench.column("order_id"));
    }
}
