package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.SearchClient.Busy;
import bifrost.connect.elasticsearch.SearchClient.Refused;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Creates an index with its mapping before its first document. */
final class Indices {
    private final ElasticsearchSinkConfig config;
    private final SearchClient client;
    private final IndexMapping mapping;
    private final Set<String> present = new HashSet<>();
    private final Set<String> mapped = new HashSet<>();

    Indices(ElasticsearchSinkConfig config, SearchClient client) {
        this.config = config;
        this.client = client;
        mapping = new IndexMapping(config.getBoolean(ElasticsearchSinkConfig.COMPACT_MAPS));
    }

    /**
     * Creates the index of a document, and its mapping, unless they exist.
     *
     * @throws RetriableException the search engine is unavailable
     * @throws ConnectException the search engine refuses this index or mapping
     */
    void ensure(Document document) {
        boolean hasMapping = givesMapping(document.record());
        if ((hasMapping ? mapped : present).contains(document.index())) {
            return;
        }
        try {
            client.ensureIndex(document.index(), hasMapping ? mapping.of(document.record().valueSchema()) : null);
        } catch (Busy busy) {
            throw new RetriableException("Index " + document.index() + ": " + busy.getMessage(), busy);
        } catch (Refused refused) {
            throw new ConnectException("Index " + document.index() + ": " + refused.getMessage(), refused);
        }
        present.add(document.index());
        if (hasMapping) {
            mapped.add(document.index());
        }
    }

    /** Whether the record's schema gives a mapping. A tombstone has no schema and may be the first record. */
    private boolean givesMapping(SinkRecord record) {
        Schema schema = record.valueSchema();
        return schema != null && schema.type() == Schema.Type.STRUCT && !config.ignoresSchema(record.topic());
    }
}
