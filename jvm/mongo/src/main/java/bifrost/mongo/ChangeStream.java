package bifrost.mongo;

import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A client's cursor on the change log: of one collection, one database, or everything. */
final class ChangeStream implements Cursor {
  private static final String DEFAULT = "default";

  private final long id;
  private final ChangeLog log;
  private final Aggregation stages;
  private final String database;
  private final String collection;
  private final boolean isWithFullDocument;
  private long position;

  /**
   * @param options those of the stage {@code $changeStream}
   * @param collection null for all of the database
   * @param stages the stages that follow it
   */
  ChangeStream(long id, ChangeLog log, String database, String collection, Document options, Aggregation stages) {
    this.id = id;
    this.log = log;
    this.stages = stages;
    this.database = Boolean.TRUE.equals(options.get("allChangesForCluster")) ? null : database;
    this.collection = collection;
    this.isWithFullDocument = !DEFAULT.equals(options.getOrDefault("fullDocument", DEFAULT));
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

  /** The answer to a command: what came, waiting for it up to so many milliseconds, and where to resume. */
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
      ChangeLog.Batch batch = log.read(position, this::isWanted, limit, System.nanoTime() + waitMs * 1_000_000);
      position = batch.position();
      return batch.events().stream()
          .map(this::shown)
          .flatMap(event -> stages.runStagesAsStream(Stream.of(event)))
          .collect(Collectors.toList());
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private boolean isWanted(Document event) {
    Document namespace = (Document) event.get("ns");
    return (database == null || database.equals(namespace.get("db")))
        && (collection == null || collection.equals(namespace.get("coll")));
  }

  private Document shown(Document event) {
    if (!isWithFullDocument && "update".equals(event.get("operationType"))) {
      event.remove("fullDocument");
    }
    return event;
  }
}
