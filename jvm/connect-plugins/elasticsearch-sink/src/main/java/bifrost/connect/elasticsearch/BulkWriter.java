package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.Batch.Refusal;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Gathers documents into batches and has several on their way at once. For the task's thread alone: refusals are
 * handed over in it, in the order of the records, before the offsets behind them count as acknowledged.
 */
final class BulkWriter implements AutoCloseable {
    private final BulkSender sender;
    private final Consumer<Refusal> refused;
    private final LongSupplier clock;
    private final ExecutorService threads;
    private final int batchSize;
    private final long bulkBytes;
    private final int inFlight;
    private final int buffered;
    private final Duration linger;
    private final Duration patience;

    private final Deque<Batch> sent = new ArrayDeque<>();
    private final Map<TopicPartition, OffsetAndMetadata> acknowledged = new HashMap<>();
    private Batch open;

    /** @param clock nanoseconds that only go forward */
    BulkWriter(ElasticsearchSinkConfig config, SearchClient client, Consumer<Refusal> refused, LongSupplier clock) {
        sender = new BulkSender(
                client, config.getInt(ElasticsearchSinkConfig.RETRIES), config.duration(ElasticsearchSinkConfig.BACKOFF));
        this.refused = refused;
        this.clock = clock;
        batchSize = config.getInt(ElasticsearchSinkConfig.BATCH_SIZE);
        bulkBytes = config.bulkBytes();
        inFlight = config.inFlight();
        buffered = config.getInt(ElasticsearchSinkConfig.BUFFERED);
        linger = config.duration(ElasticsearchSinkConfig.LINGER);
        patience = config.duration(ElasticsearchSinkConfig.FLUSH_TIMEOUT);
        threads = Executors.newFixedThreadPool(inFlight);
        open = new Batch(clock.getAsLong());
    }

    /** Takes a document in; waits while there are too many. */
    void add(Document document) {
        if (!open.hasRoomFor(document, bulkBytes)) {
            send();
        }
        while (waiting() + open.documents().size() >= buffered && !sent.isEmpty()) {
            awaitAny();
        }
        begin();
        open.add(document);
        if (open.holds(Math.min(batchSize, buffered), bulkBytes)) {
            send();
        }
    }

    /** A record that is not written is done with when those before it are. */
    void skip(SinkRecord record) {
        begin();
        open.passed(record);
    }

    /** Sends what waited long enough, if a request is free for it; how long the rest may wait, or null. */
    Duration sendDue() {
        settle();
        if (open.isEmpty()) {
            return null;
        }
        Duration left = linger.minusNanos(open.ageNanos(clock.getAsLong()));
        if (!left.isNegative() && !left.isZero()) {
            return left;
        }
        if (running() >= inFlight) {
            return Duration.ofMillis(1); // it grows meanwhile
        }
        send();
        return null;
    }

    /** Sends everything and waits until all of it is answered. */
    void flush() {
        if (!open.isEmpty()) {
            send();
        }
        while (!sent.isEmpty()) {
            await(sent.getFirst().result());
        }
    }

    /** By partition the offset up to which everything was taken or refused. */
    Map<TopicPartition, OffsetAndMetadata> acknowledged() {
        settle();
        return Map.copyOf(acknowledged);
    }

    /** Forget partitions that another task reads from now on. */
    void forget(Collection<TopicPartition> partitions) {
        acknowledged.keySet().removeAll(partitions);
        sent.forEach(batch -> batch.forget(partitions));
        open.forget(partitions);
    }

    /** Gives up what is on its way: it was not acknowledged and will be read again. */
    @Override
    public void close() {
        threads.shutdownNow();
    }

    private void begin() {
        if (open.isEmpty()) {
            open = new Batch(clock.getAsLong());
        }
    }

    private void send() {
        while (running() >= inFlight) {
            awaitAny();
        }
        Batch batch = open;
        open = new Batch(clock.getAsLong());
        sent.add(batch);
        threads.execute(() -> {
            try {
                batch.result().complete(sender.send(batch.documents()));
            } catch (InterruptedException stopped) {
                batch.result().cancel(false);
            } catch (RuntimeException failed) {
                batch.result().completeExceptionally(failed);
            }
        });
    }

    private long running() {
        return sent.stream().filter(batch -> !batch.result().isDone()).count();
    }

    private int waiting() {
        return sent.stream().mapToInt(batch -> batch.documents().size()).sum();
    }

    private void awaitAny() {
        CompletableFuture<?>[] running = sent.stream()
                .map(Batch::result)
                .filter(result -> !result.isDone())
                .toArray(CompletableFuture<?>[]::new);
        if (running.length == 0) {
            settle();
        } else {
            await(CompletableFuture.anyOf(running));
        }
    }

    private void await(CompletableFuture<?> result) {
        try {
            result.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw new ConnectException(
                    "The search engine did not answer within " + patience.toMillis() + " ms (flush.timeout.ms)", late);
        } catch (ExecutionException failed) {
            throw failure(failed);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new ConnectException("Stopped while documents were on their way", stopped);
        }
        settle();
    }

    /** Takes note of the answers that came, up to the first that has not. */
    private void settle() {
        while (!sent.isEmpty() && sent.getFirst().result().isDone()) {
            Batch batch = sent.getFirst();
            result(batch).forEach(refused);
            acknowledged.putAll(batch.next());
            sent.removeFirst();
        }
    }

    private static List<Refusal> result(Batch batch) {
        try {
            return batch.result().get();
        } catch (ExecutionException failed) {
            throw failure(failed);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new ConnectException("Stopped while documents were on their way", stopped);
        }
    }

    private static ConnectException failure(ExecutionException failed) {
        return new ConnectException(failed.getCause().getMessage(), failed.getCause());
    }
}
