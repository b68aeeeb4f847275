package bifrost.broker;

import java.util.Optional;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.metadata.MetadataCache;

/** What a broker knows of a partition's leader while none is available. */
public final class LeaderEndpoints {
    private LeaderEndpoints() {}

    /**
     * Returns the leader's endpoint, {@link Node#noNode()} if the partition exists without one, or nothing if the
     * partition does not exist.
     */
    public static Optional<Node> orNoNode(
            Optional<Node> found, MetadataCache cache, String topic, int partition) {
        return found.or(() -> cache.contains(new TopicPartition(topic, partition))
                ? Optional.of(Node.noNode())
                : Optional.empty());
    }
}
