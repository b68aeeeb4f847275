package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files are read, in which order, and where they are moved. */
class SpoolFolderTest {
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
    void thePatternMatchesWholeNames() throws Exception {
        harness.with("input.file.pattern", "orders\\d+\\.csv");
        for (String name : List.of("orders1.csv", "orders1.csv.part", "my_orders1.csv", "orders22.csv")) {
            harness.drop(name, HEADER + "1,a\n");
        }
        harness.runUntil(() -> harness.rows.size() == 2);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).equals(List.of("orders1.csv", "orders22.csv")));
    }

    @Test
    void subfoldersAreNotRead() throws Exception {
        Files.createDirectory(harness.source.resolve("orders_of_may.csv"));
        harness.drop("orders.csv", HEADER + "1,a\n");
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() == 1);
        assertEquals(List.of("orders_of_may.csv"), SpoolHarness.names(harness.source));
    }

    @Test
    void rowsAreSentToTheTopicAndFilesAreMoved() throws Exception {
        Path other = Files.createDirectory(root.resolve("in"));
        harness.with("topic", "elsewhere").with("input.path", other.toString())
                .with("finished.path", root.resolve("done/well").toString())
                .with("error.path", root.resolve("done/badly").toString());
        Files.writeString(other.resolve("orders.csv"), HEADER + "1,a\n");
        Files.writeString(other.resolve("orders_x.csv"), HEADER + "x,a\n");

        harness.runUntil(() -> SpoolHarness.names(other).isEmpty());

        assertEquals("elsewhere", harness.rows.get(0).topic());
        assertEquals(List.of("orders.csv"), SpoolHarness.names(root.resolve("done/well")));
        assertEquals(List.of("orders_x.csv", "orders_x.csv.log"), SpoolHarness.names(root.resolve("done/badly")));
    }

    @Test
    void aDeliveredFileCanBeDeleted() throws Exception {
        harness.with("cleanup.policy", "DELETE").with("finished.path", "").drop("orders.csv", HEADER + "1,a\n");
        harness.runUntil(() -> harness.rows.size() == 1 && SpoolHarness.names(harness.source).isEmpty());
        assertEquals(List.of(), SpoolHarness.names(harness.finished));
    }

    @Test
    void aDeliveredFileCanStayAndIsReadAgainAfterAChange() throws Exception {
        harness.with("cleanup.policy", "NONE").drop("orders.csv", HEADER + "1,a\n");
        harness.runUntil(() -> harness.rows.size() == 1);
        for (int again = 0; again < 5; again++) {
            harness.commit(harness.poll());
        }
        harness.kill();
        for (int again = 0; again < 5; again++) {
            harness.commit(harness.poll());
        }
        assertEquals(List.of(1L), harness.column("order_id"));

        harness.drop("orders.csv", HEADER + "2,a\n3,b\n");
        harness.runUntil(() -> harness.rows.size() == 3);
        assertEquals(List.of(1L, 2L, 3L), harness.column("order_id"));
    }

    @Test
    void aDeliveredFileCanBeMovedToAFolderOfItsDay() throws Exception {
        Path beside = Files.writeString(root.resolve("orders.csv"), HEADER + "1,a\n");
        Files.setLastModifiedTime(beside, FileTime.fromMillis(1520235055000L));
        Files.move(beside, harness.source.resolve("orders.csv"));
        harness.with("cleanup.policy", "MOVEBYDATE");

        harness.runUntil(() -> SpoolHarness.names(harness.source).isEmpty());

        assertEquals(List.of("orders.csv"), SpoolHarness.names(harness.finished.resolve("2018-03-05")));
    }

    @Test
    void aBadFileCanStopTheTask() throws Exception {
        harness.with("halt.on.error", "true").drop("orders.csv", HEADER + "x,y\n");
        assertThrows(ConnectException.class, () -> harness.runUntil(() -> false));
        harness.kill();

        harness.with("halt.on.error", "false").drop("orders.csv", HEADER + "x,y\n");
        harness.runUntil(() -> SpoolHarness.names(harness.source).isEmpty());
    }

    @Test
    void batchSizeBoundsBatches() throws Exception {
        harness.with("batch.size", "3").drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n4,d\n");
        List<Integer> sizes = new ArrayList<>();
        while (harness.rows.size() < 4) {
            var batch = harness.poll();
            sizes.add(batch.size());
            harness.commit(batch);
        }
        assertEquals(List.of(3, 1), sizes.stream().filter(size -> size > 0).toList());
    }

    @Test
    void theFolderIsListedAtTheGivenInterval() throws Exception {
        harness.with("empty.poll.wait.ms", "300");
        long began = System.nanoTime();
        harness.poll();
        harness.poll();
        assertTrue(System.nanoTime() - began >= TimeUnit.MILLISECONDS.toNanos(600));
    }

    @Test
    void aFileMustHaveTheMinimumAge() throws Exception {
        harness.with("file.minimum.age.ms", "3600000");
        Path young = harness.drop("orders_young.csv", HEADER + "1,a\n");
        Path old = harness.drop("orders_old.csv", HEADER + "2,b\n");
        Files.setLastModifiedTime(old, FileTime.fromMillis(System.currentTimeMillis() - 3_700_000));

        harness.runUntil(() -> SpoolHarness.names(harness.finished).equals(List.of("orders_old.csv")));

        assertTrue(Files.exists(young));
    }

    @Test
    void filesAreReadInTheGivenOrder() throws Exception {
        assertEquals(List.of("a1", "b22", "c1"), order("NameAsc"));
        assertEquals(List.of("c1", "b22", "a1"), order("NameDesc"));
        assertEquals(List.of("a1", "c1", "b22"), order("LengthAsc"));
        assertEquals(List.of("b22", "c1", "a1"), order("LengthDesc,NameDesc"));
        assertEquals(List.of("c1", "b22", "a1"), order("LastModifiedAsc"));
        assertEquals(List.of("a1", "b22", "c1"), order("LastModifiedDesc"));
    }

    private List<Object> order(String attributes) throws Exception {
        harness.with("files.sort.attributes", attributes);
        int before = harness.rows.size();
        long now = System.currentTimeMillis();
        List<String> names = List.of("c1", "b22", "a1");
        Path waiting = Files.createDirectories(root.resolve("waiting"));
        for (String name : names) {
            Path file = Files.writeString(waiting.resolve("orders_" + name + ".csv"), HEADER + "1," + name + "\n");
            Files.setLastModifiedTime(file, FileTime.fromMillis(now - 60_000 + 1000 * names.indexOf(name)));
        }
        for (String name : names) {
            Files.move(waiting.resolve("orders_" + name + ".csv"), harness.source.resolve("orders_" + name + ".csv"));
        }
        harness.runUntil(() -> harness.rows.size() == before + 3);
        harness.runUntil(() -> SpoolHarness.names(harness.source).isEmpty());
        harness.kill();
        return harness.column("product").subList(before, before + 3);
    }

    @Test
    void tasksShareTheFiles() throws Exception {
        SpoolDirCsvSourceConnector connector = new SpoolDirCsvSourceConnector();
        connector.start(harness.settings);
        for (var settings : connector.taskConfigs(3)) {
            IntStream.range(0, 20).forEach(number -> dropQuietly("orders" + number + ".csv"));
            harness.with("task.index", settings.get("task.index")).with("task.count", settings.get("task.count"));
            for (int snapshot = 0; snapshot < 50; snapshot++) {
                harness.commit(harness.poll());
            }
            harness.kill();
            IntStream.range(0, 20).forEach(number -> harness.source.resolve("orders" + number + ".csv").toFile().delete());
        }
        List<Object> read = harness.column("product").stream().sorted().toList();
        assertEquals(IntStream.range(0, 20).mapToObj(number -> "orders" + number + ".csv").sorted().toList(), read);
    }

    private void dropQuietly(String name) {
        try {
            harness.drop(name, HEADER + "1," + name + "\n");
        } catch (IOException problem) {
            throw new AssertionError(problem);
        }
    }
}
