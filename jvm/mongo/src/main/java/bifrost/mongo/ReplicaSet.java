package bifrost.mongo;

import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import io.netty.channel.Channel;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;

/**
 * mongo-java-server with storage on disk. Acts as the primary of a replica set with one member and provides change
 * streams that survive a restart.
 *
 * <p>Every write is on disk before it is answered, and its change events are stored in the same commit. Change streams
 * return an event once it is on disk. A store that has failed, as on a full disk, accepts nothing until it is opened
 * again, so the process must end, as MongoDB does.
 */
class ReplicaSet extends H2Backend implements Oplog {
  private static final int WIRE_VERSION = 17; // MongoDB 6.0
  private static final int DEFAULT_BATCH = 101;
  private static final int DEFAULT_MORE = 1000;
  private static final long DEFAULT_WAIT_MS = 1000;
  private static final long LONGEST_WAIT_MS = 5000;

  private final String address;
  private final String name;
  private final ChangeLog changes;
  private final Consumer<MVStoreException> storeFailed;
  private final Object writing = new Object();
  private final ThreadLocal<Boolean> ignoresInserts = ThreadLocal.withInitial(() -> false);

  /**
   * Serves a store.
   *
   * @param storeFailed called when the store cannot be read or written any more
   */
  ReplicaSet(MVStore store, String address, String name, Consumer<MVStoreException> storeFailed) {
    super(store);
    this.address = address;
    this.name = name;
    this.storeFailed = storeFailed;
    this.changes = new ChangeLog(store);
    this.oplog = this;
    version(new Version());
  }

  private static final class Version implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(6, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return WIRE_VERSION;
    }
  }

  @Override
  public void handleInsert(String namespace, List<Document> documents) {
    if (!ignoresInserts.get()) {
      documents.forEach(document -> emitInsert(namespace, document));
    }
  }

  @Override
  public void handleDelete(String namespace, Document query, List<Object> ids) {
    ids.forEach(id -> emit("delete", namespace, key(id)));
  }

  @Override
  public void handleDropCollection(String namespace) {
    emit("drop", namespace, new Document());
  }

  @Override
  public void handleUpdate(String namespace, Document selector, Document update, List<Object> ids) {
    for (Object id : ids) {
      Document now = byId(namespace, id);
      Document details = key(id).append("fullDocument", now);
      if (UpdateDescription.isPartial(update)) {
        emit("update", namespace, details.append("updateDescription", UpdateDescription.of(update, now)));
      } else {
        emit("replace", namespace, details);
      }
    }
  }

  @Override
  public Cursor createCursor(Document changeStream, String namespace, Aggregation aggregation) {
    throw new UnsupportedOperationException("change streams are opened by the command aggregate");
  }

  private void emitInsert(String namespace, Document document) {
    emit("insert", namespace, key(document.get("_id")).append("fullDocument", document.cloneDeeply()));
  }

  private void emit(String operation, String name, Document details) {
    Namespace namespace = Namespace.parse(name);
    if (!namespace.isInternal()) {
      changes.append(operation, namespace, details);
    }
  }

  private static Document key(Object id) {
    return new Document("documentKey", new Document("_id", id));
  }

  private Document byId(String name, Object id) {
    return find(name, new Document("_id", new Document("$eq", id))); // an id may be a document with operators as names
  }

  private Document find(String name, Document query) {
    Namespace namespace = Namespace.parse(name);
    MongoCollection<?> collection =
        resolveDatabase(namespace.database()).resolveCollection(namespace.collection(), false);
    if (collection == null) {
      return null;
    }
    return collection
        .handleQueryAsStream(query == null ? new Document() : query)
        .findFirst()
        .map(Document::cloneDeeply)
        .orElse(null);
  }

  @Override
  public Document handleCommand(Channel channel, String database, String command, Document query) {
    try {
      return answer(channel, database, command, query);
    } catch (MVStoreException error) {
      if (error.getErrorCode() != DataUtils.ERROR_CLOSED) { // it is closed when the process ends
        storeFailed.accept(error);
      }
      throw error;
    }
  }

  private Document answer(Channel channel, String database, String command, Document query) {
    switch (command.toLowerCase(Locale.ROOT)) {
      case "hello", "ismaster":
        return hello(super.handleCommand(channel, database, "ismaster", query));
      case "replsetgetstatus":
        return status();
      case "listcollections", "listindexes": // the superclass refuses them on the database admin
        return resolveDatabase(database).handleCommand(channel, command, query, this::resolveDatabase, this);
      case "endsessions", "refreshsessions":
        return new Document("ok", 1.0);
      case "aggregate":
        List<Document> pipeline = Aggregation.parse(query.get("pipeline"));
        if (!pipeline.isEmpty() && pipeline.get(0).containsKey("$changeStream")) {
          return open(database, query.get(command), pipeline, query);
        }
        break;
      case "getmore":
        Cursor cursor = getCursorRegistry().getCursor(number(query, command, 0));
        if (cursor instanceof ChangeStream stream) {
          long waitMs = Math.min(LONGEST_WAIT_MS, number(query, "maxTimeMS", DEFAULT_WAIT_MS));
          return stream.reply("nextBatch", (int) number(query, "batchSize", DEFAULT_MORE), waitMs);
        }
        break;
      case "insert", "update", "delete", "findandmodify", "drop", "dropdatabase":
        synchronized (writing) {
          try {
            return write(channel, database, command, query);
          } finally { // a command that fails may have changed something before
            commit();
            changes.publish();
          }
        }
      default:
        break;
    }
    return super.handleCommand(channel, database, command, query);
  }

  private Document hello(Document answer) {
    BsonTimestamp time = new BsonTimestamp(changes.tick());
    Document position = new Document("ts", time).append("t", 1L);
    return answer
        .append("helloOk", true)
        .append("isWritablePrimary", true)
        .append("secondary", false)
        .append("setName", name)
        .append("setVersion", 1)
        .append("hosts", List.of(address))
        .append("me", address)
        .append("primary", address)
        .append("maxWireVersion", WIRE_VERSION)
        .append("readOnly", false)
        .append("lastWrite", new Document("opTime", position).append("lastWriteDate", Instant.now()))
        .append("operationTime", time)
        .append("ok", 1.0);
  }

  private Document status() {
    Document self =
        new Document("_id", 0)
            .append("name", address)
            .append("health", 1.0)
            .append("state", 1)
            .append("stateStr", "PRIMARY")
            .append("self", true);
    return new Document("set", name).append("myState", 1).append("members", List.of(self)).append("ok", 1.0);
  }

  private Document open(String database, Object collection, List<Document> pipeline, Document query) {
    List<Document> rest =
        pipeline.stream()
            .skip(1)
            .filter(stage -> !stage.containsKey("$changeStreamSplitLargeEvent"))
            .collect(Collectors.toList());
    ChangeStream stream =
        new ChangeStream(
            getCursorRegistry().generateCursorId(),
            changes,
            database,
            collection instanceof String text ? text : null,
            (Document) pipeline.get(0).get("$changeStream"),
            Aggregation.fromPipeline(EventEscaping.escapedStages(rest), this::resolveDatabase, resolveDatabase(database), null, this));
    getCursorRegistry().add(stream);
    Document options = (Document) query.getOrDefault("cursor", new Document());
    return stream.reply("firstBatch", (int) number(options, "batchSize", DEFAULT_BATCH), 0);
  }

  private Document write(Channel channel, String database, String command, Document query) {
    String namespace = database + "." + query.get(command);
    switch (command.toLowerCase(Locale.ROOT)) {
      case "insert":
        return insert(channel, database, command, query, namespace);
      case "findandmodify":
        return findAndModify(channel, database, command, query, namespace);
      default:
        return super.handleCommand(channel, database, command, query);
    }
  }

  /** Inserts documents and emits events only for those that were inserted: an ordered batch ends at the first error. */
  @SuppressWarnings("unchecked")
  private Document insert(Channel channel, String database, String command, Document query, String namespace) {
    Document answer;
    ignoresInserts.set(true);
    try {
      answer = super.handleCommand(channel, database, command, query);
    } finally {
      ignoresInserts.set(false);
    }
    Set<Integer> refused = new TreeSet<>();
    for (Document error : (List<Document>) answer.getOrDefault("writeErrors", List.of())) {
      refused.add((int) number(error, "index", 0));
    }
    List<Document> documents = (List<Document>) query.get("documents");
    boolean isOrdered = !Boolean.FALSE.equals(query.get("ordered"));
    int inserted = 0;
    for (int index = 0; index < documents.size() && !(isOrdered && refused.contains(index)); index++) {
      if (!refused.contains(index)) {
        inserted++;
        emitInsert(namespace, documents.get(index));
      }
    }
    answer.put("n", inserted);
    return answer;
  }

  /** Runs findAndModify. Collections do not report its writes, so its events are derived from the answer. */
  private Document findAndModify(Channel channel, String database, String command, Document query, String namespace) {
    boolean isInsert =
        Boolean.TRUE.equals(query.get("upsert")) && find(namespace, (Document) query.get("query")) == null;
    Document request = isInsert ? query.cloneDeeply().append("new", true) : query;
    Document answer = super.handleCommand(channel, database, command, request);
    Object id = answer.get("value") instanceof Document found ? found.get("_id") : null;
    if (isInsert && !Boolean.TRUE.equals(query.get("new"))) {
      answer.put("value", null);
    }
    if (id != null && Boolean.TRUE.equals(query.get("remove"))) {
      emit("delete", namespace, key(id));
    } else if (id != null && isInsert) {
      emitInsert(namespace, byId(namespace, id));
    } else if (id != null) {
      handleUpdate(namespace, null, (Document) query.get("update"), List.of(id));
    }
    return answer;
  }

  private static long number(Document document, String field, long otherwise) {
    return document.get(field) instanceof Number number ? number.longValue() : otherwise;
  }
}
