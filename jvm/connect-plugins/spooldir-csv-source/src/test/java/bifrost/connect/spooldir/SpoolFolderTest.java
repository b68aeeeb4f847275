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

/** Which files are read, when, in which order, and where they go. */
class SpoolFolderTest {
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
    void thePatternMatchesWholeNames() throws Exception {
        bench.with("input.file.pattern", "orders\\d+\\.csv");
        for (String name : List.of("orders1.csv", "orders1.csv.part", "my_orders1.csv", "orders22.csv")) {
            bench.drop(name, HEADER + "1,a\n");
        }
        bench.runUntil(() -> bench.rows.size() == 2);
        bench.runUntil(() -> SpoolBench.names(bench.finished).equals(List.of("orders1.csv", "orders22.csv")));
    }

    @Test
    void foldersBelowAreNotRead() throws Exception {
        Files.createDirectory(bench.source.resolve("orders_of_may.csv"));
        bench.drop("orders.csv", HEADER + "1,a\n");
        bench.runUntil(() -> SpoolBench.names(bench.finished).size() == 1);
        assertEquals(List.of("orders_of_may.csv"), SpoolBench.names(bench.source));
    }

    @Test
    void recordsGoToTheTopicFromTheFolderToTheOthers() throws Exception {
        Path other = Files.createDirectory(root.resolve("in"));
        bench.with("topic", "elsewhere").with("input.path", other.toString())
                .with("finished.path", root.resolve("done/well").toString())
                .with("error.path", root.resolve("done/badly").toString());
        Files.writeString(other.resolve("orders.csv"), HEADER + "1,a\n");
        Files.writeString(other.resolve("orders_x.csv"), HEADER + "x,a\n");

        bench.runUntil(() -> SpoolBench.names(other).isEmpty());

        assertEquals("elsewhere", bench.rows.get(0).topic());
        assertEquals(List.of("orders.csv"), SpoolBench.names(root.resolve("done/well")));
        assertEquals(List.of("orders_x.csv", "orders_x.csv.log"), SpoolBench.names(root.resolve("done/badly")));
    }

    @Test
    void aDeliveredFileCanBeDeleted() throws Exception {
        bench.with("cleanup.policy", "DELETE").with("finished.path", "").drop("orders.csv", HEADER + "1,a\n");
        bench.runUntil(() -> bench.rows.size() == 1 && SpoolBench.names(bench.source).isEmpty());
        assertEquals(List.of(), SpoolBench.names(bench.finished));
    }

    @Test
    void aDeliveredFileCanStayAndIsReadAgainWhenItChanges() throws Exception {
        bench.with("cleanup.policy", "NONE").drop("orders.csv", HEADER + "1,a\n");
        bench.runUntil(() -> bench.rows.size() == 1);
        for (int again = 0; again < 5; again++) {
            bench.commit(bench.poll());
        }
        bench.kill();
        for (int again = 0; again < 5; again++) {
            bench.commit(bench.poll());
        }
        assertEquals(List.of(1L), bench.column("order_id"));

        bench.drop("orders.csv", HEADER + "2,a\n3,b\n");
        bench.runUntil(() -> bench.rows.size() == 3);
        assertEquals(List.of(1L, 2L, 3L), bench.column("order_id"));
    }

    @Test
    void aDeliveredFileCanGoToAFolderOfItsDay() throws Exception {
        Path beside = Files.writeString(root.resolve("orders.csv"), HEADER + "1,a\n");
        Files.setLastModifiedTime(beside, FileTime.fromMillis(1520235055000L));
        Files.move(beside, bench.source.resolve("orders.csv"));
        bench.with("cleanup.policy", "MOVEBYDATE");

        bench.runUntil(() -> SpoolBench.names(bench.source).isEmpty());

        assertEquals(List.of("orders.csv"), SpoolBench.names(bench.finished.resolve("2018-03-05")));
    }

    @Test
    void aBadFileCanStopTheTask() throws Exception {
        bench.with("halt.on.error", "true").drop("orders.csv", HEADER + "x,y\n");
        assertThrows(ConnectException.class, () -> bench.runUntil(() -> false));
        bench.kill();

        bench.with("halt.on.error", "false").drop("orders.csv", HEADER + "x,y\n");
        bench.runUntil(() -> SpoolBench.names(bench.source).isEmpty());
    }

    @Test
    void batchesAreAtMostAsLargeAsTheirSize() throws Exception {
        bench.with("batch.size", "3").drop("orders.csv", HEADER + "1,a\n2,b\n3,c\n4,d\n");
        List<Integer> sizes = new ArrayList<>();
        while (bench.rows.size() < 4) {
            var batch = bench.poll();
            sizes.add(batch.size());
            bench.commit(batch);
        }
        assertEquals(List.of(3, 1), sizes.stream().filter(size -> size > 0).toList());
    }

    @Test
    void theFolderIsLookedAtEverySoOften() throws Exception {
        bench.with("empty.poll.wait.ms", "300");
        long began = System.nanoTime();
        bench.poll();
        bench.poll();
        assertTrue(System.nanoTime() - began >= TimeUnit.MILLISECONDS.toNanos(600));
    }

    @Test
    void aFileMustBeAsOldAsTheMinimumAge() throws Exception {
        bench.with("file.minimum.age.ms", "3600000");
        Path young = bench.drop("orders_young.csv", HEADER + "1,a\n");
        Path old = bench.drop("orders_old.csv", HEADER + "2,b\n");
        Files.setLastModifiedTime(old, FileTime.fromMillis(System.currentTimeMillis() - 3_700_000));

        bench.runUntil(() -> SpoolBench.names(bench.finished).equals(List.of("orders_old.csv")));

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
        bench.with("files.sort.attributes", attributes);
        int before = bench.rows.size();
        long now = System.currentTimeMillis();
        List<String> names = List.of("c1", "b22", "a1");
        Path waiting = Files.createDirectories(root.resolve("waiting"));
        for (String name : names) {
            Path file = Files.writeString(waiting.resolve("orders_" + name + ".csv"), HEADER + "1," + name + "\n");
            Files.setLastModifiedTime(file, FileTime.fromMillis(now - 60_000 + 1000 * names.indexOf(name)));
        }
        for (String name : names) {
            Files.move(waiting.resolve("orders_" + name + ".csv"), bench.source.resolve("orders_" + name + ".csv"));
        }
        bench.runUntil(() -> bench.rows.size() == before + 3);
        bench.runUntil(() -> SpoolBench.names(bench.source).isEmpty());
        bench.kill();
        return bench.column("product").subList(before, before + 3);
    }

    @Test
    void tasksShareTheFiles() throws Exception {
        SpoolDirCsvSourceConnector connector = new SpoolDirCsvSourceConnector();
        connector.start(bench.settings);
        for (var settings : connector.taskConfigs(3)) {
            IntStream.range(0, 20).forEach(number -> dropQuietly("orders" + number + ".csv"));
            bench.with("task.index", settings.get("task.index")).with("task.count", settings.get("task.count"));
            for (int look = 0; look < 50; look++) {
                bench.commit(bench.poll());
            }
            bench.kill();
            IntStream.range(0, 20).forEach(number -> bench.source.resolve("orders" + number + ".csv").toFile().delete());
        }
        List<Object> read = bench.column("product").stream().sorted().toList();
        assertEquals(IntStream.range(0, 20).mapToObj(number -> "orders" + number + ".csv").sorted().toList(), read);
    }

    private void dropQuietly(String name) {
        try {
            bench.drop(name, HEADER + "1," + name + "\n");
        } catch (IOException problem) {
            throw new AssertionError(problem);
        }
    }
}
