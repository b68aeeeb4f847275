package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;

/** Which objects there are, what ends them, and what is committed. */
class ObjectsTest {
    private final SinkBench bench = new SinkBench();

    @Test
    void fifteenRecordsAreFiveObjectsOfThree() throws Exception {
        bench.put(16);
        assertEquals(
                List.of(
                        "topics/orders/partition=0/orders+0+0000000000.avro",
                        "topics/orders/partition=0/orders+0+0000000003.avro",
                        "topics/orders/partition=0/orders+0+0000000006.avro",
                        "topics/orders/partition=0/orders+0+0000000009.avro",
                        "topics/orders/partition=0/orders+0+0000000012.avro"),
                bench.names());
        assertEquals(List.of("{\"id\": 3}", "{\"id\": 4}", "{\"id\": 5}"), bench.records(1));
        assertEquals(15, bench.committed());
    }

    @Test
    void namesFollowTheirKeys() {
        bench.given.put("topics.dir", "lake");
        bench.given.put("directory.delim", "|");
        bench.given.put("file.delim", "-");
        bench.given.put("filename.offset.zero.pad.width", "2");
        bench.put(3);
        assertEquals(List.of("lake|orders|partition=0|orders-0-00.avro"), bench.names());
    }

    @Test
    void aReplayWritesTheSameBytes() {
        bench.put(7);
        List<String> names = bench.names();
        byte[] first = bench.bytes(1);
        SinkBench again = new SinkBench();
        again.offset = 3; // the task begins again where offsets were committed
        again.put(2);
        again.put(2);
        assertEquals(names.subList(1, 2), again.names());
        assertArrayEquals(first, again.bytes(0));
    }

    @Test
    void nothingIsCommittedBeforeTheUpload() {
        bench.put(2);
        assertEquals(-1, bench.committed());
    }

    @Test
    void whileTheStoreIsAwayThePartitionWaits() {
        bench.given.put("retry.backoff.ms", "500");
        bench.store.failures = 2;
        bench.put(4);
        assertEquals(List.of("pause", "timeout"), bench.calls);
        assertEquals(-1, bench.committed());
        bench.put(List.of()); // too early
        bench.now += 500;
        bench.put(List.of()); // fails again
        bench.now += 500;
        bench.put(List.of());
        assertEquals(List.of("topics/orders/partition=0/orders+0+0000000000.avro"), bench.names());
        assertEquals("resume", bench.calls.get(bench.calls.size() - 1));
        bench.put(2);
        assertEquals(6, bench.committed());
    }

    @Test
    void partSizeDividesLargeObjects() throws Exception {
        bench.given.put("s3.part.size", "5242880");
        bench.given.put("flush.size", "4");
        bench.store.failures = 1;
        large(4);
        bench.now += 5000;
        bench.put(List.of());
        assertEquals(5242880, bench.store.parts.get(0));
        assertEquals(4, bench.records(0).size());
        assertEquals(4, bench.committed());
    }

    @Test
    void aForgottenUploadIsReadAgain() {
        bench.given.put("s3.part.size", "5242880");
        bench.given.put("flush.size", "4");
        bench.store.forgets = true;
        large(3);
        assertTrue(bench.calls.contains("offset"), "the worker is asked to go back");
        assertEquals(List.of(), bench.names());
        bench.offset = 0;
        large(4);
        assertEquals(1, bench.names().size());
        assertEquals(4, bench.committed());
    }

    @Test
    void whatIsNotStoredIsAbortedAtTheEnd() {
        bench.given.put("s3.part.size", "5242880");
        bench.given.put("flush.size", "9");
        S3SinkTask task = bench.start();
        large(4);
        task.close(List.of(SinkBench.PARTITION));
        assertEquals(1, bench.store.aborted.size());
    }

    @Test
    void rotateIntervalEndsObjectsByTheRecordsTimes() {
        bench.given.put("rotate.interval.ms", "1000");
        bench.given.put("flush.size", "100");
        bench.put(2);
        bench.now += 999;
        bench.put(1);
        assertEquals(List.of(), bench.names());
        bench.now += 1;
        bench.put(1);
        assertEquals(1, bench.names().size());
        assertEquals(3, bench.committed());
    }

    @Test
    void rotateScheduleEndsObjectsByTheClock() {
        bench.given.put("rotate.schedule.interval.ms", "60000");
        bench.given.put("timezone", "UTC");
        bench.given.put("flush.size", "100");
        bench.put(2);
        bench.now += 60_000;
        bench.put(List.of());
        assertEquals(2, bench.committed());
    }

    @Test
    void tombstonesFailByDefault() {
        var error = assertThrows(
                ConnectException.class, () -> bench.put(List.of(bench.record(SinkBench.SCHEMA, null, null))));
        assertTrue(error.getMessage().startsWith("Record orders-0@0 has no value"), error.getMessage());
    }

    @Test
    void tombstonesCanBeIgnored() throws Exception {
        bench.given.put("behavior.on.null.values", "ignore");
        bench.put(List.of(bench.record(SinkBench.SCHEMA, null, null)));
        assertEquals(1, bench.committed());
        bench.put(3);
        assertEquals(List.of("{\"id\": 1}", "{\"id\": 2}", "{\"id\": 3}"), bench.records(0));
    }

    @Test
    void recordsThatDoNotFitAreReportedIfThatIsWanted() {
        bench.hasQueue = true;
        bench.put(List.of(bench.record(null, "no schema", null)));
        assertEquals(1, bench.reported.size());
    }

    @Test
    void compatibilityNoneEndsTheObjectWithItsSchema() throws Exception {
        bench.given.put("schema.compatibility", "NONE");
        change();
        assertEquals(2, bench.names().size());
        assertEquals(List.of("{\"id\": 1, \"note\": null}", "{\"id\": 2, \"note\": null}", "{\"id\": 3, \"note\": null}"), bench.records(1));
    }

    @Test
    void compatibilityBackwardWritesOlderRecordsInTheNewerForm() throws Exception {
        bench.given.put("schema.compatibility", "BACKWARD");
        Schema newer = SinkBench.schema(2, "id", "note");
        bench.put(List.of(bench.record(new Struct(newer).put("id", 0))));
        bench.put(2);
        assertEquals(List.of("{\"id\": 0, \"note\": null}", "{\"id\": 1, \"note\": null}", "{\"id\": 2, \"note\": null}"), bench.records(0));
    }

    @Test
    void compatibilityForwardWritesNewerRecordsInTheOlderForm() throws Exception {
        bench.given.put("schema.compatibility", "FORWARD");
        bench.given.put("flush.size", "4");
        change();
        assertEquals(List.of("{\"id\": 0}", "{\"id\": 1}", "{\"id\": 2}", "{\"id\": 3}"), bench.records(0));
    }

    @Test
    void withoutVersionsTheSchemaWithMoreFieldsIsTheNewerOne() throws Exception {
        Schema older = SinkBench.schema(null, "id");
        Schema newer = SinkBench.schema(null, "id", "note");
        for (String compatibility : List.of("BACKWARD", "FORWARD")) {
            SinkBench each = new SinkBench();
            each.given.put("schema.compatibility", compatibility);
            for (Schema schema : List.of(older, newer, older, older)) {
                each.put(List.of(each.record(new Struct(schema).put("id", 0))));
            }
            // BACKWARD: the newer one ends the object, those behind it join it. FORWARD: it joins the older ones.
            String only = compatibility.equals("BACKWARD") ? "{\"id\": 0, \"note\": null}" : "{\"id\": 0}";
            each.put(List.of(each.record(new Struct(newer).put("id", 0))));
            assertEquals(List.of(only, only, only), each.records(compatibility.equals("BACKWARD") ? 1 : 0));
        }
    }

    @Test
    void withoutVersionsSchemasOfNoOrderEndTheObject() {
        bench.given.put("schema.compatibility", "BACKWARD");
        bench.put(List.of(bench.record(new Struct(SinkBench.schema(null, "id", "note")).put("id", 0))));
        bench.put(List.of(bench.record(new Struct(SinkBench.schema(null, "id", "other")).put("id", 1))));
        assertEquals(1, bench.committed());
    }

    @Test
    void onePartitionFindsOutWhetherTheStoreIsBack() {
        TopicPartition other = new TopicPartition(SinkBench.TOPIC, 1);
        bench.start().open(List.of(other));
        List<SinkRecord> both = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            both.add(bench.record(new Struct(SinkBench.SCHEMA).put("id", i)));
            both.add(new SinkRecord(
                    SinkBench.TOPIC, 1, null, null, SinkBench.SCHEMA, new Struct(SinkBench.SCHEMA).put("id", i), i));
        }
        bench.store.failures = 1; // a second attempt would not fail
        bench.put(both);
        assertEquals(List.of(), bench.names());
        bench.now += 5000;
        bench.put(List.of());
        assertEquals(2, bench.names().size());
        assertEquals(2, bench.calls.stream().filter("resume"::equals).count());
    }

    private void change() {
        bench.put(1);
        Schema newer = SinkBench.schema(2, "id", "note");
        for (int i = 1; i <= 3; i++) {
            bench.put(List.of(bench.record(new Struct(newer).put("id", i))));
        }
    }

    /** Records that do not get smaller, of two megabytes each. */
    private void large(int count) {
        Schema schema = SinkBench.schema(1, "id", "note");
        Random random = new Random(1);
        for (int i = 0; i < count; i++) {
            StringBuilder note = new StringBuilder();
            random.ints(2_000_000, 'a', 'z').forEach(letter -> note.append((char) letter));
            bench.put(List.of(bench.record(new Struct(schema).put("id", i).put("note", note.toString()))));
        }
    }
}
