package bifrost.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord.BrokerEndpoint;
import org.apache.kafka.common.metadata.RegisterBrokerRecord.BrokerEndpointCollection;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.server.common.KRaftVersion;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;

class CorrectedMetadataCacheTest {
    private static final int BROKER = 1;
    private static final int NONE = -1;
    private static final Uuid TOPIC = Uuid.randomUuid();
    private static final ListenerName LISTENER = new ListenerName("PLAINTEXT");

    private static Optional<Node> leaderOf(String topic, int partition, int leader) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        BrokerEndpoint endpoint = new BrokerEndpoint().setName("PLAINTEXT").setHost("127.0.0.1").setPort(9092);
        delta.replay(new RegisterBrokerRecord()
                .setBrokerId(BROKER)
                .setIncarnationId(Uuid.randomUuid())
                .setFenced(false)
                .setRack(null)
                .setLogDirs(List.of(Uuid.randomUuid()))
                .setEndPoints(new BrokerEndpointCollection(List.of(endpoint).iterator())));
        delta.replay(new TopicRecord().setName("orders").setTopicId(TOPIC));
        delta.replay(new PartitionRecord()
                .setTopicId(TOPIC)
                .setPartitionId(0)
                .setReplicas(List.of(BROKER))
                .setIsr(List.of(BROKER))
                .setLeader(leader)
                .setLeaderEpoch(3)
                .setPartitionEpoch(3));
        KRaftMetadataCache cache = new KRaftMetadataCache(BROKER, () -> KRaftVersion.KRAFT_VERSION_0);
        cache.setImage(delta.apply(MetadataProvenance.EMPTY));
        return cache.getPartitionLeaderEndpoint(topic, partition, LISTENER);
    }

    @Test
    void aPartitionWithoutALeaderStillExists() {
        assertEquals(Optional.of(Node.noNode()), leaderOf("orders", 0, NONE));
    }

    @Test
    void aLeaderHasItsEndpoint() {
        assertEquals(Optional.of(new Node(BROKER, "127.0.0.1", 9092)), leaderOf("orders", 0, BROKER));
    }

    @Test
    void whatDoesNotExistHasNoLeader() {
        assertEquals(Optional.empty(), leaderOf("orders", 1, NONE));
        assertEquals(Optional.empty(), leaderOf("deleted", 0, NONE));
    }

    @Test
    void aClassWithoutTheMethodIsAnError() {
        ClassWriter other = new ClassWriter(0);
        other.visit(Opcodes.V17, Opcodes.ACC_PUBLIC, "Other", null, "java/lang/Object", null);
        other.visitEnd();
        assertThrows(IllegalStateException.class, () -> RewriteMetadataCache.corrected(other.toByteArray()));
    }
}
