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

/** The documents of one bulk request, with the offsets that its answer acknowledges. */
final class Batch {
    /** A document that the search engine refuses for good. */
    record Refusal(Document document, String reason) {}

    private final long createdNanos;
    private final List<Document> documents = new ArrayList<>();
    private final Map<TopicPartition, OffsetAndMetadata> nextOffsets = new HashMap<>();
    private final CompletableFuture<List<Refusal>> result = new CompletableFuture<>();
    private long bytes;

    Batch(long createdNanos) {
        this.createdNanos = createdNanos;
    }

    void add(Document document) {
        documents.add(document);
        bytes += document.bytes();
        handled(document.record());
    }

    /** Moves the offset of the partition behind this record, which is part of the batch or was skipped. */
    void handled(SinkRecord record) {
        TopicPartition partition = new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
        nextOffsets.put(partition, new OffsetAndMetadata(record.originalKafkaOffset() + 1));
    }

    List<Document> documents() {
        return documents;
    }

    /** The offsets to commit once every document of this batch is answered. */
    Map<TopicPartition, OffsetAndMetadata> nextOffsets() {
        return nextOffsets;
    }

    /** Drops the offsets of partitions that another task reads from now on. */
    void forget(Collection<TopicPartition> partitions) {
        nextOffsets.keySet().removeAll(partitions);
    }

    /** Whether the batch has reached this number of documents or bytes. */
    boolean isFull(int count, long size) {
        return documents.size() >= count || bytes >= size;
    }

    /** Whether the document fits without exceeding this number of bytes; an empty batch takes any document. */
    boolean hasRoomFor(Document document, long size) {
        return documents.isEmpty() || bytes + document.bytes() <= size;
    }

    boolean isEmpty() {
        return nextOffsets.isEmpty();
    }

    long ageNanos(long nowNanos) {
        return nowNanos - createdNanos;
    }

    /** The refused documents, once the request is answered. */
    CompletableFuture<List<Refusal>> result() {
        return result;
    }
}
