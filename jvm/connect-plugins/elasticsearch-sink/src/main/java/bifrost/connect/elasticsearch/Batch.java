package bifrost.connect.elasticsearch;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/** Documents that go out together, and how far the task has read with them. */
final class Batch {
    /** A document that the search engine will never take. */
    record Refusal(Document document, String reason) {}

    private final long begunNanos;
    private final List<Document> documents = new ArrayList<>();
    private final Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    private final CompletableFuture<List<Refusal>> result = new CompletableFuture<>();
    private long bytes;

    Batch(long begunNanos) {
        this.begunNanos = begunNanos;
    }

    void add(Document document) {
        documents.add(document);
        bytes += document.bytes();
        passed(document.record());
    }

    /** A record is done with, sent or not. */
    void passed(SinkRecord record) {
        TopicPartition partition = new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
        next.put(partition, new OffsetAndMetadata(record.originalKafkaOffset() + 1));
    }

    List<Document> documents() {
        return documents;
    }

    /** The offsets to be committed once everything in here was answered. */
    Map<TopicPartition, OffsetAndMetadata> next() {
        return next;
    }

    /** Another task reads these from now on. */
    void forget(Collection<TopicPartition> partitions) {
        next.keySet().removeAll(partitions);
    }

    boolean holds(int count, long size) {
        return documents.size() >= count || bytes >= size;
    }

    boolean hasRoomFor(Document document, long size) {
        return documents.isEmpty() || bytes + document.bytes() <= size;
    }

    boolean isEmpty() {
        return next.isEmpty();
    }

    long ageNanos(long nowNanos) {
        return nowNanos - begunNanos;
    }

    CompletableFuture<List<Refusal>> result() {
        return result;
    }
}
