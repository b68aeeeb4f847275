package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import bifrost.connect.s3.store.AwsObjectStore;
import bifrost.connect.s3.store.ObjectStore;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Requests to the store, and what validate reports about the bucket. */
class BucketTest {
    private record Seen(String method, String path, Headers headers) {}

    private final List<Seen> seen = new CopyOnWriteArrayList<>();
    private final Queue<Integer> statuses = new ConcurrentLinkedQueue<>();
    private final Map<String, String> given = new HashMap<>();
    private HttpServer server;

    @BeforeEach
    void begin() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                seen.add(new Seen(exchange.getRequestMethod(), exchange.getRequestURI().getPath(), exchange.getRequestHeaders()));
                Integer status = statuses.poll();
                exchange.sendResponseHeaders(status == null ? 200 : status, -1);
            }
        });
        server.start();
        given.putAll(Map.of(
                "store.url", "http://127.0.0.1:" + server.getAddress().getPort(),
                "s3.bucket.name", "lake",
                "s3.retry.backoff.ms", "1",
                "aws.access.key.id", "me",
                "aws.secret.access.key", "mine",
                "flush.size", "3",
                "format.class", "io.confluent.connect.s3.format.avro.AvroFormat"));
    }

    @AfterEach
    void end() {
        server.stop(0);
    }

    @Test
    void requestsAreSignedForTheRegion() throws Exception {
        given.put("s3.region", "eu-west-1");
        put();
        String signature = seen.get(0).headers().getFirst("Authorization");
        assertTrue(signature.contains("Credential=me/") && signature.contains("/eu-west-1/s3/"), signature);
        assertEquals("/lake/key", seen.get(0).path());
    }

    @Test
    void withoutPathStyleTheBucketIsPartOfTheHost() {
        given.putAll(Map.of("s3.path.style.access.enabled", "false", "store.url", "http://store.invalid"));
        var error = assertThrows(ObjectStore.StoreUnavailable.class, this::put);
        assertTrue(error.getMessage().endsWith("lake.store.invalid"), error.getMessage());
    }

    @Test
    void encryptionAndAclAreRequested() throws Exception {
        given.putAll(Map.of("s3.ssea.name", "aws:kms", "s3.sse.kms.key.id", "key-1", "s3.acl.canned", "private"));
        put();
        Headers headers = seen.get(0).headers();
        assertEquals("aws:kms", headers.getFirst("x-amz-server-side-encryption"));
        assertEquals("key-1", headers.getFirst("x-amz-server-side-encryption-aws-kms-key-id"));
        assertEquals("private", headers.getFirst("x-amz-acl"));
    }

    @Test
    void requestsToABusyStoreAreRetried() throws Exception {
        given.put("s3.part.retries", "2");
        statuses.addAll(List.of(503, 500));
        put();
        assertEquals(3, seen.size());
    }

    @Test
    void afterTheRetriesABusyStoreIsUnavailable() {
        given.put("s3.part.retries", "1");
        statuses.addAll(List.of(503, 503, 503));
        assertThrows(ObjectStore.StoreUnavailable.class, this::put);
        assertEquals(2, seen.size());
    }

    @Test
    void aStoreThatDiesDuringARequestIsUnavailable() throws Exception {
        given.put("s3.part.retries", "0");
        try (ServerSocket dying = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            given.put("store.url", "http://127.0.0.1:" + dying.getLocalPort());
            new Thread(() -> {
                try {
                    while (true) {
                        Socket connection = dying.accept();
                        connection.getInputStream().read();
                        connection.close();
                    }
                } catch (IOException closed) {
                    // The test is over.
                }
            }).start();
            assertThrows(ObjectStore.StoreUnavailable.class, this::put);
        }
    }

    @Test
    void retryBackoffDelaysRetries() throws Exception {
        given.put("s3.retry.backoff.ms", "200");
        long begun = System.nanoTime();
        for (int i = 0; i < 6; i++) {
            statuses.add(503);
            put();
        }
        assertEquals(12, seen.size());
        // Each wait is a random part of the back-off: 600 ms in all on average.
        assertTrue(System.nanoTime() - begun > 100_000_000L);
    }

    @Test
    void aBucketThatDeniesAccessFailsTheTask() {
        statuses.add(403);
        var error = assertThrows(ConnectException.class, this::put);
        assertTrue(error.getMessage().startsWith("key in bucket lake at http://127.0.0.1"), error.getMessage());
    }

    @Test
    void validateReportsAMissingBucket() {
        statuses.add(404);
        assertTrue(errors().get("s3.bucket.name").startsWith("s3.bucket.name: bucket lake does not exist at http://127.0.0.1"));
    }

    @Test
    void validateReportsARefusedAccessKey() {
        statuses.add(403);
        String error = errors().get("aws.access.key.id");
        assertTrue(error.endsWith("denies this access key access to bucket lake"), error);
    }

    @Test
    void validateReportsThatNothingAnswers() {
        server.stop(0);
        assertTrue(errors().get("store.url").contains("does not answer"));
    }

    @Test
    void aMissingBucketFailsTheTaskAtStart() {
        SinkHarness harness = new SinkHarness();
        harness.store.problem = new ObjectStore.CheckFailed("s3.bucket.name", true, "bucket lake does not exist", null);
        var error = assertThrows(ConnectException.class, harness::start);
        assertEquals("s3.bucket.name: bucket lake does not exist", error.getMessage());
    }

    @Test
    void validateAcceptsTheDocumentedConfiguration() {
        given.putAll(Map.of(
                "s3.region", "us-east-2",
                "s3.part.size", "5242880",
                "storage.class", "io.confluent.connect.s3.storage.S3Storage",
                "schema.generator.class", "io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator",
                "partitioner.class", "io.confluent.connect.storage.partitioner.DefaultPartitioner",
                "schema.compatibility", "NONE"));
        assertEquals(Map.of(), errors());
        assertEquals(List.of("schema.generator.class"), List.copyOf(S3Keys.VENDOR.effectless(given).keySet()));
    }

    @Test
    void eachKeyIsChecked() {
        given.putAll(Map.of(
                "format.class", "io.confluent.connect.s3.format.parquet.ParquetFormat",
                "s3.part.size", "5",
                "flush.size", "0",
                "timezone", "Mars",
                "timestamp.extractor", "Guess",
                "store.kafka.keys", "true"));
        assertEquals(
                List.of("flush.size", "format.class", "s3.part.size", "store.kafka.keys", "timestamp.extractor", "timezone"),
                errors().keySet().stream().sorted().toList());
    }

    @Test
    void missingKeysAreReportedByName() {
        given.keySet().retainAll(List.of("store.url"));
        given.put("aws.access.key.id", null);
        given.put("partitioner.class", "io.confluent.connect.storage.partitioner.TimeBasedPartitioner");
        Map<String, String> errors = errors();
        for (String key : List.of("s3.bucket.name", "flush.size", "format.class", "locale", "timezone", "path.format",
                "partition.duration.ms")) {
            assertTrue(errors.get(key).startsWith("Missing required configuration \"" + key + "\""), errors.toString());
        }
        assertEquals(7, errors.size(), errors.toString());
    }

    @Test
    void anErrorThatTheStoreReportsNamesItsKey() {
        statuses.add(404);
        assertTrue(errors().get("s3.bucket.name").startsWith("s3.bucket.name: "), errors().toString());
    }

    private void put() throws Exception {
        try (ObjectStore store = new AwsObjectStore(new S3SinkConfig(given))) {
            store.put("key", new byte[] {1});
        }
    }

    private Map<String, String> errors() {
        Map<String, String> found = new HashMap<>();
        for (ConfigValue value : new S3SinkConnector().validate(new HashMap<>(given)).configValues()) {
            if (!value.errorMessages().isEmpty()) {
                found.put(value.name(), value.errorMessages().get(0));
            }
        }
        return found;
    }
}
