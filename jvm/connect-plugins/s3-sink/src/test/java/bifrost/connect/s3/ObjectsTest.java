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
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;

/** Names of objects, where objects end, and which offsets are committed. */
class ObjectsTest {
    private final SinkHarness harness = new SinkHarness();

    @Test
    void fifteenRecordsAreFiveObjectsOfThree() throws Exception {
        harness.put(16);
        assertEquals(
                List.of(
                        "topics/orders/partition=0/orders+0+0000000000.avro",
                        "topics/orders/partition=0/orders+0+0000000003.avro",
                        "topics/orders/partition=0/orders+0+0000000006.avro",
                        "topics/orders/partition=0/orders+0+0000000009.avro",
                        "topics/orders/partition=0/orders+0+0000000012.avro"),
                harness.names());
        assertEquals(List.of("{\"id\": 3}", "{\"id\": 4}", "{\"id\": 5}"), harness.records(1));
        assertEquals(15, harness.committed());
    }

    @Test
    void namesFollowTheConfiguration() {
        harness.given.put("topics.dir", "lake");
        harness.given.put("directory.delim", "|");
        harness.given.put("file.delim", "-");
        harness.given.put("filename.offset.zero.pad.width", "2");
        harness.put(3);
        assertEquals(List.of("lake|orders|partition=0|orders-0-00.avro"), harness.names());
    }

    @Test
    void trailingDelimitersOfTheTopicsFolderAreRemoved() {
        harness.given.put("topics.dir", "lake/raw/");
        harness.put(3);
        assertEquals(List.of("lake/raw/orders/partition=0/orders+0+0000000000.avro"), harness.names());
    }

    @Test
    void objectsOfMergedTopicsHaveDifferentNames() throws Exception {
        TopicPartition other = new TopicPartition("returns", 0);
        harness.given.put("flush.size", "1");
        harness.start().open(List.of(other));
        SinkRecord order = harness.record(new Struct(SinkHarness.SCHEMA).put("id", 1));
        SinkRecord back = new SinkRecord(
                "returns", 0, null, null, SinkHarness.SCHEMA, new Struct(SinkHarness.SCHEMA).put("id", 2), 0);
        harness.put(List.of(renamed(order, "all"), renamed(back, "all")));
        assertEquals(
                List.of("topics/all/partition=0/orders+0+0000000000.avro", "topics/all/partition=0/returns+0+0000000000.avro"),
                harness.names());
        assertEquals(List.of("{\"id\": 1}"), harness.records(0));
        assertEquals(List.of("{\"id\": 2}"), harness.records(1));
    }

    @Test
    void recordsOfAPartitionThatATransformSplitsGoToDifferentObjects() throws Exception {
        harness.given.put("flush.size", "2");
        SinkRecord first = harness.record(new Struct(SinkHarness.SCHEMA).put("id", 1));
        SinkRecord second = harness.record(new Struct(SinkHarness.SCHEMA).put("id", 2));
        harness.put(List.of(renamed(first, "monday"), renamed(second, "tuesday")));
        assertEquals(
                List.of("topics/monday/partition=0/orders+0+0000000000.avro", "topics/tuesday/partition=0/orders+0+0000000001.avro"),
                harness.names());
        assertEquals(List.of("{\"id\": 2}"), harness.records(1));
    }

    @Test
    void aConvertedRecordKeepsItsNulls() throws Exception {
        Schema level = SchemaBuilder.int32().optional().defaultValue(5).build();
        Schema older = SchemaBuilder.struct().name("A").version(1).field("level", level).build();
        Schema newer = SchemaBuilder.struct().name("A").version(2).field("level", level)
                .field("note", SchemaBuilder.string().optional().defaultValue("none").build())
                .build();
        harness.given.put("schema.compatibility", "BACKWARD");
        harness.given.put("flush.size", "2");
        harness.put(List.of(
                harness.record(new Struct(newer).put("level", null).put("note", null)),
                harness.record(new Struct(older).put("level", null))));
        assertEquals(List.of("{\"level\": null, \"note\": null}", "{\"level\": null, \"note\": \"none\"}"), harness.records(0));
    }

    @Test
    void aReplayWritesTheSameBytes() {
        harness.put(7);
        List<String> names = harness.names();
        byte[] first = harness.bytes(1);
        SinkHarness again = new SinkHarness();
        again.offset = 3; // the task begins again where offsets were committed
        again.put(2);
        again.put(2);
        assertEquals(names.subList(1, 2), again.names());
        assertArrayEquals(first, again.bytes(0));
    }

    @Test
    void nothingIsCommittedBeforeTheUpload() {
        harness.put(2);
        assertEquals(-1, harness.committed());
    }

    @Test
    void whileTheStoreIsUnavailableThePartitionIsPaused() {
        harness.given.put("retry.backoff.ms", "500");
        harness.store.failures = 2;
        harness.put(4);
        assertEquals(List.of("pause", "timeout"), harness.calls);
        assertEquals(-1, harness.committed());
        harness.put(List.of()); // too early
        harness.now += 500;
        harness.put(List.of()); // fails again
        harness.now += 500;
        harness.put(List.of());
        assertEquals(List.of("topics/orders/partition=0/orders+0+0000000000.avro"), harness.names());
        assertEquals("resume", harness.calls.get(harness.calls.size() - 1));
        harness.put(2);
        assertEquals(6, harness.committed());
    }

    @Test
    void aClockThatIsSetBackDoesNotProlongThePause() {
        harness.store.failures = 1;
        harness.put(4);
        harness.now -= 3_600_000;
        harness.put(List.of());
        assertEquals(List.of("topics/orders/partition=0/orders+0+0000000000.avro"), harness.names());
        assertEquals("resume", harness.calls.get(harness.calls.size() - 1));
    }

    @Test
    void partSizeDividesLargeObjects() throws Exception {
        harness.given.put("s3.part.size", "5242880");
        harness.given.put("flush.size", "4");
        harness.store.failures = 1;
        large(4);
        harness.now += 5000;
        harness.put(List.of());
        assertEquals(5242880, harness.store.parts.get(0));
        assertEquals(4, harness.records(0).size());
        assertEquals(4, harness.committed());
    }

    @Test
    void recordsOfALostUploadAreReadAgain() {
        harness.given.put("s3.part.size", "5242880");
        harness.given.put("flush.size", "4");
        harness.store.forgets = true;
        large(3);
        assertTrue(harness.calls.contains("offset"), "the task requests the earlier offset");
        assertEquals(List.of(), harness.names());
        harness.offset = 0;
        large(4);
        assertEquals(1, harness.names().size());
        assertEquals(4, harness.committed());
    }

    @Test
    void incompleteUploadsAreAbortedOnClose() {
        harness.given.put("s3.part.size", "5242880");
        harness.given.put("flush.size", "9");
        S3SinkTask task = harness.start();
        large(4);
        task.close(List.of(SinkHarness.PARTITION));
        assertEquals(1, harness.store.aborted.size());
    }

    @Test
    void rotateIntervalEndsObjectsByRecordTimes() {
        harness.given.put("rotate.interval.ms", "1000");
        harness.given.put("flush.size", "100");
        harness.put(2);
        harness.now += 999;
        harness.put(1);
        assertEquals(List.of(), harness.names());
        harness.now += 1;
        harness.put(1);
        assertEquals(1, harness.names().size());
        assertEquals(3, harness.committed());
    }

    @Test
    void rotateScheduleEndsObjectsByTheClock() {
        harness.given.put("rotate.schedule.interval.ms", "60000");
        harness.given.put("timezone", "UTC");
        harness.given.put("flush.size", "100");
        harness.put(2);
        harness.now += 60_000;
        harness.put(List.of());
        assertEquals(2, harness.committed());
    }

    @Test
    void tombstonesFailByDefault() {
        var error = assertThrows(
                ConnectException.class, () -> harness.put(List.of(harness.record(SinkHarness.SCHEMA, null, null))));
        assertTrue(error.getMessage().startsWith("Record orders-0@0 has no value"), error.getMessage());
    }

    @Test
    void tombstonesCanBeIgnored() throws Exception {
        harness.given.put("behavior.on.null.values", "ignore");
        harness.put(List.of(harness.record(SinkHarness.SCHEMA, null, null)));
        assertEquals(1, harness.committed());
        harness.put(3);
        assertEquals(List.of("{\"id\": 1}", "{\"id\": 2}", "{\"id\": 3}"), harness.records(0));
    }

    @Test
    void invalidRecordsAreReportedToTheDeadLetterQueue() {
        harness.hasQueue = true;
        harness.put(List.of(harness.record(null, "no schema", null)));
        assertEquals(1, harness.reported.size());
    }

    @Test
    void compatibilityNoneEndsTheObjectWithItsSchema() throws Exception {
        harness.given.put("schema.compatibility", "NONE");
        change();
        assertEquals(2, harness.names().size());
        assertEquals(List.of("{\"id\": 1, \"note\": null}", "{\"id\": 2, \"note\": null}", "{\"id\": 3, \"note\": null}"), harness.records(1));
    }

    @Test
    void compatibilityBackwardConvertsOlderRecordsToTheNewerSchema() throws Exception {
        harness.given.put("schema.compatibility", "BACKWARD");
        Schema newer = SinkHarness.schema(2, "id", "note");
        harness.put(List.of(harness.record(new Struct(newer).put("id", 0))));
        harness.put(2);
        assertEquals(List.of("{\"id\": 0, \"note\": null}", "{\"id\": 1, \"note\": null}", "{\"id\": 2, \"note\": null}"), harness.records(0));
    }

    @Test
    void compatibilityForwardConvertsNewerRecordsToTheOlderSchema() throws Exception {
        harness.given.put("schema.compatibility", "FORWARD");
        harness.given.put("flush.size", "4");
        change();
        assertEquals(List.of("{\"id\": 0}", "{\"id\": 1}", "{\"id\": 2}", "{\"id\": 3}"), harness.records(0));
    }

    @Test
    void withoutVersionsTheSchemaWithMoreFieldsIsNewer() throws Exception {
        Schema older = SinkHarness.schema(null, "id");
        Schema newer = SinkHarness.schema(null, "id", "note");
        for (String compatibility : List.of("BACKWARD", "FORWARD")) {
            SinkHarness each = new SinkHarness();
            each.given.put("schema.compatibility", compatibility);
            for (Schema schema : List.of(older, newer, older, older)) {
                each.put(List.of(each.record(new Struct(schema).put("id", 0))));
            }
            // BACKWARD: the newer schema ends the object; later records join the new one. FORWARD: it joins the older one.
            String only = compatibility.equals("BACKWARD") ? "{\"id\": 0, \"note\": null}" : "{\"id\": 0}";
            each.put(List.of(each.record(new Struct(newer).put("id", 0))));
            assertEquals(List.of(only, only, only), each.records(compatibility.equals("BACKWARD") ? 1 : 0));
        }
    }

    @Test
    void withoutVersionsUnrelatedSchemasEndTheObject() {
        harness.given.put("schema.compatibility", "BACKWARD");
        harness.put(List.of(harness.record(new Struct(SinkHarness.schema(null, "id", "note")).put("id", 0))));
        harness.put(List.of(harness.record(new Struct(SinkHarness.schema(null, "id", "other")).put("id", 1))));
        assertEquals(1, harness.committed());
    }

    @Test
    void onlyOnePartitionProbesAnUnavailableStore() {
        TopicPartition other = new TopicPartition(SinkHarness.TOPIC, 1);
        harness.start().open(List.of(other));
        List<SinkRecord> both = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            both.add(harness.record(new Struct(SinkHarness.SCHEMA).put("id", i)));
            both.add(new SinkRecord(
                    SinkHarness.TOPIC, 1, null, null, SinkHarness.SCHEMA, new Struct(SinkHarness.SCHEMA).put("id", i), i));
        }
        harness.store.failures = 1; // a second attempt would not fail
        harness.put(both);
        assertEquals(List.of(), harness.names());
        harness.now += 5000;
        harness.put(List.of());
        assertEquals(2, harness.names().size());
        assertEquals(2, harness.calls.stream().filter("resume"::equals).count());
    }

    /** A record after a transform that renames its topic. */
    private static SinkRecord renamed(SinkRecord record, String topic) {
        return record.newRecord(topic, record.kafkaPartition(), record.keySchema(), record.key(), record.valueSchema(),
                record.value(), record.timestamp());
    }

    private void change() {
        harness.put(1);
        Schema newer = SinkHarness.schema(2, "id", "note");
        for (int i = 1; i <= 3; i++) {
            harness.put(List.of(harness.record(new Struct(newer).put("id", i))));
        }
    }

    /** Records of two megabytes each that cannot be compressed. */
    private void large(int count) {
        Schema schema = SinkHarness.schema(1, "id", "note");
        Random random = new Random(1);
        for (int i = 0; i < count; i++) {
            StringBuilder note = new StringBuilder();
            random.ints(2_000_000, 'a', 'z').forEach(letter -> note.append((char) letter));
            harness.put(List.of(harness.record(new Struct(schema).put("id", i).put("note", note.toString()))));
        }
    }
}
