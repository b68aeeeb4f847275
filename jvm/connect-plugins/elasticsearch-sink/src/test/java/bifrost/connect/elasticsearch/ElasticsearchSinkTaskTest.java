package bifrost.connect.elasticsearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bifrost.connect.elasticsearch.FakeSearch.Answer;
import bifrost.connect.elasticsearch.FakeSearch.Operation;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every key of the task changes the requests to the search engine or the handling of answers. */
class ElasticsearchSinkTaskTest {
    private static final String TOPIC = "Ratings";
    private static final TopicPartition PARTITION = new TopicPartition(TOPIC, 0);
    private static final String MALFORMED =
            "{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\",\"reason\":\"no number\"}}";
    private static final String BUSY = "{\"status\":429,\"error\":{\"type\":\"rejected\",\"reason\":\"queue is full\"}}";

    private final Map<String, String> given = new HashMap<>();
    private final FakeContext worker = new FakeContext();
    private FakeSearch search;
    private ElasticsearchSinkTask task;
    private long offset;

    @BeforeEach
    void begin() throws Exception {
        search = new FakeSearch();
        given.put("connection.url", search.url());
        given.put("retry.backoff.ms", "1");
    }

    @AfterEach
    void end() {
        if (task != null) {
            task.stop();
        }
        search.close();
    }

    @Test
    void aDocumentHasItsKeyAsIdAndItsOffsetAsVersion() {
        write(record("13", Map.of("stars", 1)));
        Operation only = only();
        assertEquals("index", only.action());
        assertEquals("{\"_index\":\"ratings\",\"_id\":\"13\",\"version\":0,\"version_type\":\"external\"}", only.head().toString());
        assertEquals("{\"stars\":1}", only.source().toString());
    }

    @Test
    void keyIgnoreBuildsIdsFromTopicPartitionAndOffset() {
        given.put("key.ignore", "true");
        write(record(null, Map.of("stars", 1)));
        assertEquals("Ratings+0+0", only().head().get("_id").asText());
    }

    @Test
    void topicKeyIgnoreAppliesToItsTopicsOnly() {
        given.put("topic.key.ignore", "other,Ratings");
        write(record("k", Map.of("stars", 1)));
        assertEquals("Ratings+0+0", only().head().get("_id").asText());
    }

    @Test
    void topicIndexMapNamesIndices() {
        given.put("topic.index.map", "Ratings:reviews");
        write(record("k", Map.of("a", 1)));
        assertEquals("reviews", only().head().get("_index").asText());
    }

    @Test
    void topicToExternalResourceMappingAlsoNamesIndices() {
        given.put("topic.to.external.resource.mapping", "Ratings:reviews");
        write(record("k", Map.of("a", 1)));
        assertEquals("reviews", only().head().get("_index").asText());
    }

    @Test
    void schemaIgnoreLeavesTheMappingToTheSearchEngine() {
        given.put("schema.ignore", "true");
        write(record("k", struct()));
        assertEquals("{}", search.mappings.get("ratings").toString());
    }

    @Test
    void topicSchemaIgnoreAppliesToItsTopicsOnly() {
        given.put("topic.schema.ignore", TOPIC);
        write(record("k", struct()));
        assertEquals("{}", search.mappings.get("ratings").toString());
    }

    @Test
    void theMappingIsCreatedFromTheSchemaBeforeTheFirstDocument() {
        write(record("k", struct()));
        var properties = search.mappings.get("ratings").get("properties");
        assertEquals("{\"type\":\"date\"}", properties.get("at").toString());
        assertEquals("integer", properties.get("stars").get("type").asText());
        assertEquals("keyword", properties.at("/message/fields/keyword/type").asText());
        assertEquals("object", properties.at("/tags/type").asText());
        assertEquals("{\"at\":1535948331371,\"stars\":1,\"message\":\"meh\",\"tags\":{\"a\":\"b\"}}", only().source().toString());
    }

    @Test
    void anExistingMappingIsNotChanged() throws Exception {
        var template = new ObjectMapper().readTree("{\"properties\":{\"stars\":{\"type\":\"byte\"}}}");
        search.mappings.put("ratings", template);
        write(record("k", struct()));
        assertEquals(template, search.mappings.get("ratings"));
    }

    @Test
    void compactMapEntriesOffWritesPairs() {
        given.put("compact.map.entries", "false");
        write(record("k", struct()));
        assertEquals("[{\"key\":\"a\",\"value\":\"b\"}]", only().source().get("tags").toString());
        assertEquals("nested", search.mappings.get("ratings").at("/properties/tags/type").asText());
    }

    @Test
    void upsertChangesDocuments() {
        given.put("write.method", "upsert");
        write(record("k", Map.of("stars", 2)));
        assertEquals("update", only().action());
        assertEquals("{\"doc\":{\"stars\":2},\"doc_as_upsert\":true}", only().source().toString());
        assertFalse(only().head().has("version"));
    }

    @Test
    void aHeaderCanHoldTheVersion() {
        given.put("external.version.header", "v");
        var headers = new ConnectHeaders().addLong("v", 42);
        write(new SinkRecord(TOPIC, 0, null, "k", null, Map.of("a", 1), offset++, null, null, headers));
        assertEquals(42, only().head().get("version").asLong());
    }

    @Test
    void tombstonesCanBeIgnored() {
        given.put("behavior.on.null.values", "ignore");
        write(record("k", null));
        assertEquals(List.of(), search.operations());
        assertEquals(1, committed());
    }

    @Test
    void tombstonesCanDelete() {
        given.put("behavior.on.null.values", "delete");
        search.refusal = operation -> "{\"status\":404}"; // the document did not exist
        write(record("k", null), record(null, null));
        assertEquals("delete", only().action());
        assertEquals(0, only().head().get("version").asInt());
        assertEquals(2, committed());
    }

    @Test
    void tombstonesFailByDefault() {
        var error = assertThrows(ConnectException.class, () -> write(record("k", null)));
        assertTrue(error.getMessage().startsWith("Record Ratings-0@0 has no value"), error.getMessage());
    }

    @Test
    void invalidRecordsAreReportedAndFailTheTask() {
        var error = assertThrows(ConnectException.class, () -> write(record(null, Map.of("a", 1))));
        assertTrue(error.getMessage().contains("has no key"), error.getMessage());
        assertEquals(1, worker.reported.size());
    }

    @Test
    void dropInvalidMessageSkipsInvalidRecords() {
        given.put("drop.invalid.message", "true");
        var tooLong = record("x".repeat(513), Map.of("a", 1));
        write(record(null, Map.of("a", 1)), record("k", "text"), tooLong, record(Map.of(), Map.of("a", 1)), record("ok", Map.of("a", 1)));
        assertEquals("ok", only().head().get("_id").asText());
        assertEquals(4, worker.reported.size());
        assertEquals(5, committed());
    }

    @Test
    void refusedDocumentsAreReportedAndFailTheTask() {
        search.refusal = operation -> operation.head().get("_id").asText().equals("bad") ? MALFORMED : null;
        var error = assertThrows(ConnectException.class, () -> write(record("ok", Map.of("a", 1)), record("bad", Map.of("a", "x"))));
        assertTrue(error.getMessage().contains("mapper_parsing_exception: no number"), error.getMessage());
        assertEquals("bad", worker.reported.get(0).key());
    }

    @Test
    void behaviorOnMalformedDocumentsCanSkipRefusedDocuments() {
        for (String behavior : List.of("warn", "ignore")) {
            given.put("behavior.on.malformed.documents", behavior);
            search.refusal = operation -> operation.head().get("_id").asText().equals("bad") ? MALFORMED : null;
            write(record("bad", Map.of("a", "x")), record("ok", Map.of("a", 1)));
            assertEquals(offset, committed());
            task.stop();
        }
        assertEquals(2, worker.reported.size());
    }

    @Test
    void offsetsAreCommittedOnlyWhenTheDeadLetterQueueHasTheRecord() {
        given.put("behavior.on.malformed.documents", "warn");
        search.refusal = operation -> MALFORMED;
        worker.queued = CompletableFuture.failedFuture(new IllegalStateException("no such topic"));
        var error = assertThrows(ConnectException.class, () -> write(record("bad", Map.of("a", 1))));
        assertEquals("A record could not be written to the dead-letter queue", error.getMessage());
    }

    @Test
    void closedPartitionsAreNoLongerCommitted() {
        search.delayMillis = 200;
        start();
        task.put(List.of(record("a", Map.of("a", 1))));
        task.put(List.of());
        task.close(List.of(PARTITION));
        SinkRecord other = new SinkRecord(TOPIC, 1, null, "b", null, Map.of("a", 1), 0);
        task.put(List.of(other));
        long end = System.nanoTime() + 10_000_000_000L;
        while (task.preCommit(Map.of()).isEmpty() && System.nanoTime() < end) {
            task.put(List.of());
        }
        assertEquals(Map.of(new TopicPartition(TOPIC, 1), new OffsetAndMetadata(1)), task.preCommit(Map.of()));
    }

    @Test
    void aTombstoneAsFirstRecordDoesNotPreventTheMapping() {
        given.put("behavior.on.null.values", "delete");
        write(record("k", null), record("k", struct()));
        assertEquals("integer", search.mappings.get("ratings").at("/properties/stars/type").asText());
    }

    @Test
    void withoutADeadLetterQueueNothingIsReported() {
        worker.hasQueue = false;
        given.put("behavior.on.malformed.documents", "warn");
        search.refusal = operation -> MALFORMED;
        write(record("bad", Map.of("a", 1)));
        assertEquals(1, committed());
    }

    @Test
    void replayedDocumentsAreNotAFailure() {
        search.refusal = operation -> "{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}";
        write(record("k", Map.of("a", 1)));
        assertEquals(1, committed());
        assertEquals(List.of(), worker.reported);
    }

    @Test
    void documentsThatABusySearchEngineRejectsAreRetried() {
        search.refusal = operation -> {
            search.refusal = other -> null;
            return BUSY;
        };
        write(record("first", Map.of("a", 1)), record("second", Map.of("a", 1)));
        assertEquals(2, search.bulks.size());
        assertEquals(List.of("first"), ids(search.bulks.get(1)));
        assertEquals(2, committed());
    }

    @Test
    void requestsThatABusySearchEngineRejectsAreRetried() {
        search.prepared.add(new Answer(429, "{}"));
        search.prepared.add(new Answer(503, "{}"));
        write(record("k", Map.of("a", 1)));
        assertEquals("k", only().head().get("_id").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "{}", "[]", "null", "<html>Please log in</html>", "{\"errors\":false}", "{\"errors\":false,\"items\":[]}",
        "{\"items\":[{\"index\":{\"status\":201}}]}", "{\"errors\":false,\"items\":{\"index\":{\"status\":201}}}",
        "{\"errors\":false,\"items\":[{}]}", "{\"errors\":false,\"items\":[{\"index\":{}}]}", "{\"errors\":false,\"items\":[3]}",
        "{\"errors\":false,\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":201}}]}"
    })
    void onlyACompleteBulkAnswerAcknowledgesDocuments(String body) {
        given.put("max.retries", "0");
        search.prepared.add(new Answer(200, body));
        start();
        task.put(List.of(record("k", Map.of("a", 1))));
        var error = assertThrows(ConnectException.class, this::flush);
        assertTrue(error.getMessage().contains("tried 1 times (max.retries): "), error.getMessage());
        assertTrue(error.getMessage().contains(search.url()), error.getMessage());
        assertEquals(List.of(), search.operations());
    }

    @Test
    void documentsWithoutAnAnswerAreRetried() {
        search.prepared.add(new Answer(200, ""));
        search.prepared.add(new Answer(200, "{\"errors\":false,\"items\":[{\"index\":{\"status\":201}}]}"));
        write(record("a", Map.of("a", 1)), record("b", Map.of("a", 1)));
        assertEquals(List.of("a", "b"), ids(search.operations()));
    }

    @Test
    void aFailureIsReportedEvenIfTheAnswerSaysThatThereAreNoErrors() {
        given.put("behavior.on.malformed.documents", "warn");
        search.prepared.add(new Answer(200, "{\"errors\":false,\"items\":[{\"index\":" + MALFORMED + "}]}"));
        write(record("bad", Map.of("a", 1)));
        assertEquals(1, worker.reported.size());
    }

    @Test
    void recordsOfMergedTopicsGetDifferentIds() {
        given.put("key.ignore", "true");
        SinkRecord first = new SinkRecord("web", 0, null, null, null, Map.of("a", 1), 7);
        SinkRecord second = new SinkRecord("ios", 0, null, null, null, Map.of("a", 2), 7);
        start();
        task.put(List.of(renamed(first, "all"), renamed(second, "all")));
        flush();
        assertEquals(List.of("web+0+7", "ios+0+7"), ids(search.operations()));
        assertEquals(List.of("all", "all"), search.operations().stream().map(each -> each.head().get("_index").asText()).toList());
    }

    @Test
    void aNullIsNotReplacedByTheDefaultOfItsField() {
        Schema inner = SchemaBuilder.struct().field("level", SchemaBuilder.int32().optional().defaultValue(5).build()).build();
        Schema schema = SchemaBuilder.struct()
                .field("status", SchemaBuilder.string().optional().defaultValue("new").build())
                .field("source", SchemaBuilder.string().defaultValue("web").build())
                .field("inner", inner)
                .field("list", SchemaBuilder.array(inner).build())
                .build();
        Struct nulls = new Struct(inner).put("level", null);
        write(record("k", new Struct(schema).put("status", null).put("inner", nulls).put("list", List.of(nulls))));
        assertEquals(
                "{\"status\":null,\"source\":\"web\",\"inner\":{\"level\":null},\"list\":[{\"level\":null}]}",
                only().source().toString());
    }

    @Test
    void maxRetriesBoundsTheRetries() {
        given.put("max.retries", "2");
        search.refusal = operation -> BUSY;
        var error = assertThrows(ConnectException.class, () -> write(record("k", Map.of("a", 1))));
        assertTrue(error.getMessage().contains("tried 3 times (max.retries): rejected: queue is full"), error.getMessage());
        assertEquals(3, search.bulks.size());
    }

    @Test
    void retryBackoffDelaysRetries() {
        given.put("retry.backoff.ms", "400");
        search.prepared.add(new Answer(429, "{}"));
        long begun = System.nanoTime();
        write(record("k", Map.of("a", 1)));
        assertTrue(System.nanoTime() - begun >= 200_000_000L);
    }

    @Test
    void aRequestThatIsTooLargeIsSplit() {
        search.prepared.add(new Answer(413, "{}"));
        write(record("a", Map.of("a", 1)), record("b", Map.of("a", 1)));
        assertEquals(List.of(1, 1), sizes());
    }

    @Test
    void aDocumentThatIsTooLargeIsRefused() {
        given.put("behavior.on.malformed.documents", "warn");
        search.prepared.add(new Answer(413, "{}"));
        write(record("a", Map.of("a", 1)));
        assertEquals(1, worker.reported.size());
    }

    @Test
    void batchSizeBoundsRequests() {
        given.put("batch.size", "2");
        given.put("max.in.flight.requests", "1");
        write(five());
        assertEquals(List.of(2, 2, 1), sizes());
    }

    @Test
    void bulkSizeBytesBoundsRequests() {
        given.put("bulk.size.bytes", "300");
        given.put("max.in.flight.requests", "1");
        write(five());
        assertEquals(List.of(2, 2, 1), sizes());
    }

    @Test
    void maxBufferedRecordsBoundsUnansweredDocuments() {
        given.put("max.buffered.records", "1");
        search.delayMillis = 20;
        write(five());
        assertEquals(List.of(1, 1, 1, 1, 1), sizes());
        assertEquals(1, search.mostRunning.get());
    }

    @Test
    void maxInFlightRequestsBoundsParallelRequests() {
        search.delayMillis = 200;
        given.put("batch.size", "1");
        given.put("max.in.flight.requests", "2");
        write(five());
        assertEquals(2, search.mostRunning.get());
    }

    @Test
    void lingerWaitsForMoreDocuments() {
        given.put("linger.ms", "60000");
        start();
        task.put(List.of(record("a", Map.of("a", 1))));
        task.put(List.of());
        assertEquals(List.of(), search.operations());
        assertTrue(worker.timeouts.get(0) > 50_000, "the task requests a call in time");
    }

    @Test
    void flushSynchronouslyCommitsEverything() {
        given.put("linger.ms", "60000");
        given.put("flush.synchronously", "true");
        start();
        task.put(List.of(record("a", Map.of("a", 1))));
        assertEquals(1, task.preCommit(Map.of()).get(PARTITION).offset());
    }

    @Test
    void offsetsAreCommittedOnlyAfterTheAnswer() {
        given.put("linger.ms", "60000");
        start();
        task.put(List.of(record("a", Map.of("a", 1))));
        assertEquals(Map.of(), task.preCommit(Map.of(PARTITION, new OffsetAndMetadata(1))));
    }

    @Test
    void flushTimeoutFailsTheTask() {
        given.put("flush.timeout.ms", "50");
        given.put("flush.synchronously", "true");
        search.delayMillis = 400;
        var error = assertThrows(ConnectException.class, () -> write(record("a", Map.of("a", 1))));
        assertTrue(error.getMessage().contains("flush.timeout.ms"), error.getMessage());
    }

    @Test
    void anAnswerAfterTheReadTimeoutFailsTheRequest() {
        given.put("read.timeout.ms", "100");
        given.put("max.retries", "0");
        search.delayMillis = 2500; // the client looks at its clock every second
        assertThrows(ConnectException.class, () -> write(record("a", Map.of("a", 1))));
    }

    @Test
    void requestsCanBeCompressed() {
        given.put("connection.compression", "true");
        write(record("a", Map.of("a", 1)));
        assertTrue(search.encodings.contains("gzip"));
        assertEquals("a", only().head().get("_id").asText());
    }

    @Test
    void userAndPasswordAreSent() {
        search.authorization = "Basic YWxpY2U6c2VjcmV0";
        given.putAll(Map.of("connection.username", "alice", "connection.password", "secret"));
        write(record("a", Map.of("a", 1)));
        assertEquals(1, search.operations().size());
    }

    @Test
    void aWrongPasswordFailsTheStart() {
        search.authorization = "Basic YWxpY2U6c2VjcmV0";
        given.putAll(Map.of("connection.username", "alice", "connection.password", "wrong"));
        var error = assertThrows(ConnectException.class, this::start);
        assertTrue(error.getMessage().contains("does not accept this user and password"), error.getMessage());
        assertFalse(error.getMessage().contains("wrong"));
    }

    @Test
    void anUnavailableSearchEngineIsRetriedWithTheFirstDocument() {
        String url = search.url();
        search.close();
        given.put("connection.url", url);
        start();
        assertThrows(RetriableException.class, () -> task.put(List.of(record("a", Map.of("a", 1)))));
        assertEquals(List.of(2000L), worker.timeouts);
    }

    private void start() {
        task = new ElasticsearchSinkTask();
        task.initialize(worker.context());
        task.start(given);
    }

    /** Writes records and waits until all of them are answered. */
    private void write(SinkRecord... records) {
        start();
        task.put(List.of(records));
        long end = System.nanoTime() + 10_000_000_000L;
        while (committed() < offset && System.nanoTime() < end) {
            task.put(List.of());
            Thread.onSpinWait();
        }
        assertEquals(offset, committed());
    }

    /** Sends everything and waits until it is answered. */
    private void flush() {
        long end = System.nanoTime() + 10_000_000_000L;
        while (task.preCommit(Map.of()).isEmpty() && System.nanoTime() < end) {
            task.put(List.of());
            Thread.onSpinWait();
        }
    }

    /** A record after a transform that renames its topic. */
    private static SinkRecord renamed(SinkRecord record, String topic) {
        return record.newRecord(topic, record.kafkaPartition(), record.keySchema(), record.key(), record.valueSchema(),
                record.value(), record.timestamp());
    }

    private long committed() {
        OffsetAndMetadata found = task.preCommit(Map.of()).get(PARTITION);
        return found == null ? 0 : found.offset();
    }

    private Operation only() {
        assertEquals(1, search.operations().size());
        return search.operations().get(0);
    }

    private List<Integer> sizes() {
        return search.bulks.stream().map(List::size).toList();
    }

    private static List<String> ids(List<Operation> operations) {
        return operations.stream().map(operation -> operation.head().get("_id").asText()).toList();
    }

    private SinkRecord[] five() {
        List<SinkRecord> records = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            records.add(record("key-" + i, Map.of("a", 1)));
        }
        return records.toArray(SinkRecord[]::new);
    }

    private SinkRecord record(Object key, Object value) {
        Schema schema = value instanceof Struct struct ? struct.schema() : null;
        return new SinkRecord(TOPIC, 0, null, key, schema, value, offset++);
    }

    private static Struct struct() {
        Schema schema = SchemaBuilder.struct()
                .field("at", Timestamp.SCHEMA)
                .field("stars", Schema.INT32_SCHEMA)
                .field("message", Schema.OPTIONAL_STRING_SCHEMA)
                .field("tags", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).build())
                .build();
        return new Struct(schema)
                .put("at", new java.util.Date(1535948331371L))
                .put("stars", 1)
                .put("message", "meh")
                .put("tags", Map.of("a", "b"));
    }
}
