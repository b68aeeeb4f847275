package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.SearchClient.Busy;
import bifrost.connect.elasticsearch.SearchClient.Refused;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Sees to it that an index is there, with its mapping, before its first document. */
final class Indices {
    private final ElasticsearchSinkConfig config;
    private final SearchClient client;
    private final IndexMapping mapping;
    private final Set<String> ready = new HashSet<>();

    Indices(ElasticsearchSinkConfig config, SearchClient client) {
        this.config = config;
        this.client = client;
        mapping = new IndexMapping(config.getBoolean(ElasticsearchSinkConfig.COMPACT_MAPS));
    }

    /**
     * @throws RetriableException the search engine is not there at the moment
     * @throws ConnectException it will not have this index or mapping
     */
    void ensure(Document document) {
        if (ready.contains(document.index())) {
            return;
        }
        try {
            client.ensureIndex(document.index(), mappingFor(document.record()));
        } catch (Busy busy) {
            throw new RetriableException("Index " + document.index() + ": " + busy.getMessage(), busy);
        } catch (Refused refused) {
            throw new ConnectException("Index " + document.index() + ": " + refused.getMessage(), refused);
        }
        ready.add(document.index());
    }

    private ObjectNode mappingFor(SinkRecord record) {
        Schema schema = record.valueSchema();
        boolean isMapped = schema != null && schema.type() == Schema.Type.STRUCT && !config.ignoresSchema(record.topic());
        return isMapped ? mapping.of(schema) : null;
    }
}
