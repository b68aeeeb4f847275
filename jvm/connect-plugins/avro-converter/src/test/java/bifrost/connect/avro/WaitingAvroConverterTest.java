package bifrost.connect.avro;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A registry on a real port that is closed, kills connections, or answers with an error. */
@Timeout(60)
class WaitingAvroConverterTest {
    private static final String TOPIC = "ratings";
    /** Magic byte, schema id 7, and 4 as Avro's int. */
    private static final byte[] FOUR_STARS = {0, 0, 0, 0, FakeRegistry.ID, 8};

    private static final Schema RATING =
            SchemaBuilder.struct().name("Rating").field("stars", Schema.INT32_SCHEMA).build();

    private final FakeRegistry registry = new FakeRegistry();

    @AfterEach
    void stop() {
        registry.close();
    }

    @Test
    void aRecordWaitsUntilTheRegistryStarts() throws Exception {
        CompletableFuture<Integer> stars = CompletableFuture.supplyAsync(this::stars);
        assertThrows(TimeoutException.class, () -> stars.get(500, TimeUnit.MILLISECONDS));

        registry.start();
        assertEquals(4, stars.get(30, TimeUnit.SECONDS));
    }

    @Test
    void aRecordOfASourceWaitsUntilTheRegistryStarts() throws Exception {
        CompletableFuture<byte[]> bytes = CompletableFuture.supplyAsync(this::bytes);
        assertThrows(TimeoutException.class, () -> bytes.get(500, TimeUnit.MILLISECONDS));

        registry.start();
        assertArrayEquals(FOUR_STARS, bytes.get(30, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 502, 503, 504, 408, 429, 401, 403, FakeRegistry.CLOSE})
    void aRecordWaitsWhileTheRegistryFails(int status) throws Exception {
        registry.start();
        registry.failWith(status, status, status, status, status, status);
        assertEquals(4, stars());
        registry.failWith(status, status, status, status, status, status);
        assertArrayEquals(FOUR_STARS, bytes());
    }

    @Test
    void aRecordWaitsForARegistryThatIsKilledInTheMiddleOfAnAnswer() throws Exception {
        registry.start();
        registry.failWith(FakeRegistry.CLOSE_IN_ANSWER);
        CompletableFuture<Integer> stars = CompletableFuture.supplyAsync(this::stars);
        assertThrows(TimeoutException.class, () -> stars.get(500, TimeUnit.MILLISECONDS));

        registry.start();
        assertEquals(4, stars.get(30, TimeUnit.SECONDS));
    }

    @Test
    void aSchemaThatTheRegistryDoesNotKnowFailsTheRecord() throws Exception {
        registry.start();
        byte[] unknown = {0, 0, 0, 0, 8, 8};
        assertThrows(RuntimeException.class, () -> registry.converter().toConnectData(TOPIC, unknown));
        assertTrue(registry.requests.get() <= 2);
    }

    @Test
    void aSchemaThatTheRegistryRefusesFailsTheRecord() throws Exception {
        registry.start();
        registry.failWith(409);
        assertThrows(RuntimeException.class, this::bytes);
        assertEquals(1, registry.requests.get());
    }

    @Test
    void aRecordThatEndsTooEarlyFails() throws Exception {
        registry.start();
        byte[] cut = {0, 0, 0, 0, FakeRegistry.ID};
        assertThrows(RuntimeException.class, () -> registry.converter().toConnectData(TOPIC, cut));
    }

    @Test
    void bytesThatAreNoAvroFailAlsoDuringAnOutage() {
        byte[] text = "{\"stars\": 4}".getBytes(StandardCharsets.UTF_8);
        assertThrows(RuntimeException.class, () -> registry.converter().toConnectData(TOPIC, text));
    }

    @Test
    void aWorkerThatStopsEndsTheWaitWithoutAnExceptionThatConnectTolerates() throws Exception {
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Thread task = new Thread(() -> {
            try {
                registry.converter(Duration.ofMinutes(5)).toConnectData(TOPIC, FOUR_STARS);
            } catch (Throwable error) {
                ended.complete(error);
            }
        });
        task.start();
        while (task.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        assertFalse(ended.isDone());
        task.interrupt();
        assertInstanceOf(Error.class, ended.get(30, TimeUnit.SECONDS));
    }

    private int stars() {
        Struct rating = (Struct) registry.converter().toConnectData(TOPIC, new RecordHeaders(), FOUR_STARS).value();
        return rating.getInt32("stars");
    }

    private byte[] bytes() {
        Struct rating = new Struct(RATING).put("stars", 4);
        return registry.converter().fromConnectData(TOPIC, new RecordHeaders(), RATING, rating);
    }
}
