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
 * Collects documents into batches and keeps several bulk requests in flight. Must be used by the task's thread only.
 * Refusals are reported on that thread, in record order, before the offsets after them count as acknowledged.
 */
final class BulkWriter implements AutoCloseable {
    private final BulkSender sender;
    private final Consumer<Refusal> onRefusal;
    private final LongSupplier clock;
    private final ExecutorService threads;
    private final int batchSize;
    private final long bulkBytes;
    private final int maxInFlight;
    private final int maxBuffered;
    private final Duration linger;
    private final Duration flushTimeout;

    private final Deque<Batch> sent = new ArrayDeque<>();
    private final Map<TopicPartition, OffsetAndMetadata> acknowledged = new HashMap<>();
    private Batch open;

    /** @param clock monotonic, in nanoseconds */
    BulkWriter(ElasticsearchSinkConfig config, SearchClient client, Consumer<Refusal> onRefusal, LongSupplier clock) {
        sender = new BulkSender(
                client, config.getInt(ElasticsearchSinkConfig.RETRIES), config.duration(ElasticsearchSinkConfig.BACKOFF));
        this.onRefusal = onRefusal;
        this.clock = clock;
        batchSize = config.getInt(ElasticsearchSinkConfig.BATCH_SIZE);
        bulkBytes = config.bulkBytes();
        maxInFlight = config.inFlight();
        maxBuffered = config.getInt(ElasticsearchSinkConfig.BUFFERED);
        linger = config.duration(ElasticsearchSinkConfig.LINGER);
        flushTimeout = config.duration(ElasticsearchSinkConfig.FLUSH_TIMEOUT);
        threads = Executors.newFixedThreadPool(maxInFlight);
        open = new Batch(clock.getAsLong());
    }

    /** Adds a document; blocks while {@code max.buffered.records} documents are unanswered. */
    void add(Document document) {
        if (!open.hasRoomFor(document, bulkBytes)) {
            send();
        }
        while (unanswered() + open.documents().size() >= maxBuffered && !sent.isEmpty()) {
            awaitAny();
        }
        startBatchIfEmpty();
        open.add(document);
        if (open.isFull(Math.min(batchSize, maxBuffered), bulkBytes)) {
            send();
        }
    }

    /** Skips a record. Its offset is acknowledged together with the documents before it. */
    void skip(SinkRecord record) {
        startBatchIfEmpty();
        open.handled(record);
    }

    /** Sends the open batch if its linger time is over. Returns how long it may still wait, or null if nothing waits. */
    Duration sendDue() {
        handleAnswers();
        if (open.isEmpty()) {
            return null;
        }
        Duration remaining = linger.minusNanos(open.ageNanos(clock.getAsLong()));
        if (!remaining.isNegative() && !remaining.isZero()) {
            return remaining;
        }
        if (inFlight() >= maxInFlight) {
            return Duration.ofMillis(1); // all requests are in use; the batch grows meanwhile
        }
        send();
        return null;
    }

    /** Sends everything and waits until every document is answered. */
    void flush() {
        if (!open.isEmpty()) {
            send();
        }
        while (!sent.isEmpty()) {
            await(sent.getFirst().result());
        }
    }

    /** For each partition the offset up to which every document was accepted or refused. */
    Map<TopicPartition, OffsetAndMetadata> acknowledged() {
        handleAnswers();
        return Map.copyOf(acknowledged);
    }

    /** Drops the offsets of partitions that another task reads from now on. */
    void forget(Collection<TopicPartition> partitions) {
        acknowledged.keySet().removeAll(partitions);
        sent.forEach(batch -> batch.forget(partitions));
        open.forget(partitions);
    }

    /** Cancels requests in flight; their records are not acknowledged and are read again. */
    @Override
    public void close() {
        threads.shutdownNow();
    }

    private void startBatchIfEmpty() {
        if (open.isEmpty()) {
            open = new Batch(clock.getAsLong());
        }
    }

    private void send() {
        while (inFlight() >= maxInFlight) {
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

    private long inFlight() {
        return sent.stream().filter(batch -> !batch.result().isDone()).count();
    }

    private int unanswered() {
        return sent.stream().mapToInt(batch -> batch.documents().size()).sum();
    }

    private void awaitAny() {
        CompletableFuture<?>[] running = sent.stream()
                .map(Batch::result)
                .filter(result -> !result.isDone())
                .toArray(CompletableFuture<?>[]::new);
        if (running.length == 0) {
            handleAnswers();
        } else {
            await(CompletableFuture.anyOf(running));
        }
    }

    private void await(CompletableFuture<?> result) {
        try {
            result.get(flushTimeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw new ConnectException(
                    "The search engine did not answer within " + flushTimeout.toMillis() + " ms (flush.timeout.ms)", late);
        } catch (ExecutionException failed) {
            throw failure(failed);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new ConnectException("Stopped while bulk requests were in flight", stopped);
        }
        handleAnswers();
    }

    /** Handles the answered batches in order, up to the first one that is not answered. */
    private void handleAnswers() {
        while (!sent.isEmpty() && sent.getFirst().result().isDone()) {
            Batch batch = sent.getFirst();
            result(batch).forEach(onRefusal);
            acknowledged.putAll(batch.nextOffsets());
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
            throw new ConnectException("Stopped while bulk requests were in flight", stopped);
        }
    }

    private static ConnectException failure(ExecutionException failed) {
        return new ConnectException(failed.getCause().getMessage(), failed.getCause());
    }
}
