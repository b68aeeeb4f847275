package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.Document.Action;
import bifrost.connect.elasticsearch.ElasticsearchSinkConfig.NullValues;
import bifrost.connect.elasticsearch.ElasticsearchSinkConfig.WriteMethod;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;

/** Converts records to documents. */
final class DocumentFactory {
    /** A longer id makes the search engine refuse the whole bulk request. */
    private static final int MAX_ID_BYTES = 512;

    private final ElasticsearchSinkConfig config;
    private final IndexNames names;
    private final JsonSource json;
    private final NullValues nullValues;
    private final boolean upserts;
    private final String versionHeader;

    DocumentFactory(ElasticsearchSinkConfig config) {
        this.config = config;
        names = new IndexNames(config.indices());
        json = new JsonSource(config.getBoolean(ElasticsearchSinkConfig.COMPACT_MAPS));
        nullValues = config.nullValues();
        upserts = config.writeMethod() == WriteMethod.UPSERT;
        versionHeader = config.getString(ElasticsearchSinkConfig.VERSION_HEADER);
    }

    /**
     * The document of a record; empty if the record is skipped.
     *
     * @throws DataException the record cannot become a document
     */
    Optional<Document> of(SinkRecord record) {
        String index = names.of(record.topic());
        boolean ignoresKey = config.ignoresKey(record.topic());
        if (record.value() == null) {
            return tombstone(record, index, ignoresKey);
        }
        // A transform may merge topics, so only the original topic, partition and offset identify a record.
        String id = ignoresKey
                ? record.originalTopic() + "+" + record.originalKafkaPartition() + "+" + record.originalKafkaOffset()
                : idOf(record.key());
        Action action = upserts ? Action.UPDATE : Action.INDEX;
        return Optional.of(new Document(record, action, index, id, version(record), json.of(record)));
    }

    private Optional<Document> tombstone(SinkRecord record, String index, boolean ignoresKey) {
        return switch (nullValues) {
            case IGNORE -> Optional.empty();
            case FAIL -> throw new DataException("has no value, and behavior.on.null.values is fail");
            // If ids are not keys, the key does not lead to a document.
            case DELETE -> ignoresKey || record.key() == null
                    ? Optional.empty()
                    : Optional.of(new Document(record, Action.DELETE, index, idOf(record.key()), version(record), null));
        };
    }

    /** The external version. Update actions do not accept one: the search engine counts their versions itself. */
    private long version(SinkRecord record) {
        if (upserts) {
            return Document.NO_VERSION;
        }
        return versionHeader.isEmpty() ? record.originalKafkaOffset() : headerVersion(record);
    }

    private long headerVersion(SinkRecord record) {
        Header header = record.headers().lastWithName(versionHeader);
        if (header == null || header.value() == null) {
            throw new DataException("has no header " + versionHeader + ", which external.version.header names");
        }
        try {
            return Long.parseLong(header.value().toString());
        } catch (NumberFormatException invalid) {
            throw new DataException("header " + versionHeader + " is not a version number", invalid);
        }
    }

    private static String idOf(Object key) {
        if (key == null) {
            throw new DataException("has no key, which the document's id is taken from; set key.ignore=true to use topic, partition and offset");
        }
        if (!(key instanceof String || key instanceof Long || key instanceof Integer || key instanceof Short
                || key instanceof Byte)) {
            throw new DataException("has a key of type " + typeOf(key)
                    + ", which cannot be a document's id; use StringConverter as key.converter or extract a field of the key");
        }
        String id = key.toString();
        if (id.isEmpty() || id.getBytes(StandardCharsets.UTF_8).length > MAX_ID_BYTES) {
            throw new DataException("has a key of " + id.length() + " characters; an id has 1 to " + MAX_ID_BYTES + " bytes");
        }
        return id;
    }

    private static String typeOf(Object key) {
        return key instanceof Map ? "Map" : key.getClass().getSimpleName();
    }
}
