package bifrost.mongo;

import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A client's cursor on the change log of one collection, one database or the whole cluster. */
final class ChangeStream implements Cursor {
  private static final String DEFAULT = "default";

  private final long id;
  private final ChangeLog log;
  private final Aggregation stages;
  private final String database;
  private final String collection;
  private final boolean includesFullDocument;
  private long position;

  /**
   * @param options the options of the stage {@code $changeStream}
   * @param collection null for all collections of the database
   * @param stages the stages that follow it in the pipeline
   */
  ChangeStream(long id, ChangeLog log, String database, String collection, Document options, Aggregation stages) {
    this.id = id;
    this.log = log;
    this.stages = stages;
    this.database = Boolean.TRUE.equals(options.get("allChangesForCluster")) ? null : database;
    this.collection = collection;
    this.includesFullDocument = !DEFAULT.equals(options.getOrDefault("fullDocument", DEFAULT));
    this.position = start(log, options);
    log.refuseLostHistory(position);
  }

  private static long start(ChangeLog log, Document options) {
    Document after = (Document) options.getOrDefault("resumeAfter", options.get("startAfter"));
    if (after != null) {
      return ResumeToken.time(after);
    }
    BsonTimestamp at = (BsonTimestamp) options.get("startAtOperationTime");
    return at != null ? at.getValue() - 1 : log.tick();
  }

  @Override
  public long getId() {
    return id;
  }

  @Override
  public boolean isEmpty() {
    return false;
  }

  @Override
  public List<Document> takeDocuments(int most) {
    return take(most, 0);
  }

  /** The answer to a command: new events, the first awaited for up to {@code waitMs} milliseconds, and the token to resume. */
  Document reply(String batch, int most, long waitMs) {
    List<Document> documents = most == 0 ? List.of() : take(most, waitMs);
    String namespace =
        (database == null ? "admin" : database) + "." + (collection == null ? "$cmd.aggregate" : collection);
    Document cursor =
        new Document("id", id)
            .append("ns", namespace)
            .append(batch, documents)
            .append("postBatchResumeToken", ResumeToken.of(position));
    return new Document("cursor", cursor)
        .append("ok", 1.0)
        .append("operationTime", new BsonTimestamp(Math.max(position, log.latest())));
  }

  private synchronized List<Document> take(int most, long waitMs) {
    int limit = most <= 0 ? Integer.MAX_VALUE : most;
    try {
      ChangeLog.Batch batch = log.read(position, this::matchesNamespace, limit, System.nanoTime() + waitMs * 1_000_000);
      position = batch.position();
      return batch.events().stream()
          .map(this::withRequestedFields)
          .map(EventEscaping::escaped)
          .flatMap(event -> stages.runStagesAsStream(Stream.of(event)))
          .map(EventEscaping::unescaped)
          .collect(Collectors.toList());
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private boolean matchesNamespace(Document event) {
    Document namespace = (Document) event.get("ns");
    return (database == null || database.equals(namespace.get("db")))
        && (collection == null || collection.equals(namespace.get("coll")));
  }

  private Document withRequestedFields(Document event) {
    if (!includesFullDocument && "update".equals(event.get("operationType"))) {
      event.remove("fullDocument");
    }
    return event;
  }
}
