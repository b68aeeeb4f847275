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

/** Makes documents of records. */
final class DocumentFactory {
    /** The search engine refuses a whole request over a longer id. */
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
     * The document of a record; nothing where the record is to be passed over.
     *
     * @throws DataException the record is no document
     */
    Optional<Document> of(SinkRecord record) {
        String index = names.of(record.topic());
        boolean ignoresKey = config.ignoresKey(record.topic());
        if (record.value() == null) {
            return tombstone(record, index, ignoresKey);
        }
        String id = ignoresKey
                ? record.topic() + "+" + record.kafkaPartition() + "+" + record.kafkaOffset()
                : idOf(record.key());
        Action action = upserts ? Action.UPDATE : Action.INDEX;
        return Optional.of(new Document(record, action, index, id, version(record), json.of(record)));
    }

    private Optional<Document> tombstone(SinkRecord record, String index, boolean ignoresKey) {
        return switch (nullValues) {
            case IGNORE -> Optional.empty();
            case FAIL -> throw new DataException("has no value, and behavior.on.null.values is fail");
            // Where ids are not keys, there is no document of this key.
            case DELETE -> ignoresKey || record.key() == null
                    ? Optional.empty()
                    : Optional.of(new Document(record, Action.DELETE, index, idOf(record.key()), version(record), null));
        };
    }

    /** Updates count versions by themselves, so that with them nothing else can set one. */
    private long version(SinkRecord record) {
        if (upserts) {
            return Document.NO_VERSION;
        }
        return versionHeader.isEmpty() ? record.kafkaOffset() : headerVersion(record);
    }

    private long headerVersion(SinkRecord record) {
        Header header = record.headers().lastWithName(versionHeader);
        if (header == null || header.value() == null) {
            throw new DataException("has no header " + versionHeader + ", which external.version.header names");
        }
        try {
            return Long.parseLong(header.value().toString());
        } catch (NumberFormatException notOne) {
            throw new DataException("header " + versionHeader + " is not a version number", notOne);
        }
    }

    private static String idOf(Object key) {
        if (key == null) {
            throw new DataException("has no key, which is to be the document's id; set key.ignore=true for others");
        }
        if (!(key instanceof String || key instanceof Long || key instanceof Integer || key instanceof Short
                || key instanceof Byte)) {
            throw new DataException("has a key of type " + typeOf(key)
                    + ", which cannot be a document's id; convert it with StringConverter, or take a field of it");
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
