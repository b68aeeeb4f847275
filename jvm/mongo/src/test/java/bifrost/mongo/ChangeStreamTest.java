package bifrost.mongo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Events of change streams, read through the commands that clients send. */
class ChangeStreamTest {
  private static final Document MATCH = new Document("$match", new Document("operationType", "insert"));

  private final MVStore store = new MVStore.Builder().open();
  private final EmbeddedChannel client = new EmbeddedChannel();
  private final ReplicaSet server = new ReplicaSet(store, "127.0.0.1:27017", "rs0", error -> {});

  @AfterEach
  void close() {
    store.close();
  }

  static List<Document> documents() {
    return List.of(
        new Document("_id", 1).append("$c", 1),
        new Document("_id", 1).append("$c", 1).append("b", 2),
        new Document("_id", 1).append("a.b", 1).append("a", new Document("b", 2)),
        new Document("_id", 1).append("price", "$100").append("root", "$$ROOT").append("undefined", "$$nothing"),
        new Document("_id", 1).append("nested", new Document("$set", new Document("a.b", new Document("$c", List.of(1))))),
        new Document("_id", 1).append("list", List.of("$x", new Document("$add", List.of(1, 2)), List.of("$ns.db"))),
        new Document("_id", 1).append("names", new Document("", 1).append("$", 2).append(".", 3).append("a.", 4)),
        new Document("_id", new Document("$k", 1)).append("x", 1),
        new Document("_id", "$id").append("x", "\uE000$marked").append("\uE000", 1));
  }

  @ParameterizedTest
  @MethodSource("documents")
  void anEventIsDataInEveryPipeline(Document document) {
    List<List<Document>> pipelines = List.of(List.of(), List.of(MATCH), debezium(), List.of(addFields()));
    List<Long> cursors = pipelines.stream().map(this::open).toList();

    insert("device", document);

    for (long cursor : cursors) {
      assertEquals(document, next(cursor).get(0).get("fullDocument"));
    }
  }

  @Test
  void anEventOfAnotherCollectionDoesNotFailTheStream() {
    long cursor = open(debezium());

    insert("other", new Document("_id", 1).append("$c", 1).append("b", 2));
    insert("device", new Document("_id", 2));

    assertEquals(List.of(2), next(cursor).stream().map(event -> ((Document) event.get("documentKey")).get("_id")).toList());
  }

  @Test
  void aFilterComparesWithTextsThatBeginWithADollarSign() {
    long equal = open(List.of(new Document("$match", new Document("fullDocument.price", "$100"))));
    long among = open(List.of(new Document("$match", new Document(
        "fullDocument.price", new Document("$in", List.of("$100", "$200"))))));

    insert("device", new Document("_id", 1).append("price", "$100"));
    insert("device", new Document("_id", 2).append("price", "100"));

    assertEquals(1, next(equal).size());
    assertEquals(1, next(among).size());
  }

  @Test
  void anUpdateOfADocumentWhoseIdIsADocumentIsReported() {
    insert("device", new Document("_id", new Document("$k", 1)).append("x", 1));
    long cursor = open(debezium());

    Document change = new Document("q", new Document("x", 1)).append("u", new Document("$set", new Document("y", "$2")));
    command("update", new Document("update", "device").append("updates", List.of(change)));

    Document event = next(cursor).get(0);
    assertEquals(new Document("y", "$2"), ((Document) event.get("updateDescription")).get("updatedFields"));
    assertEquals("$2", ((Document) event.get("fullDocument")).get("y"));
  }

  @Test
  void whatACommandChangedBeforeItFailedIsReported() {
    insert("device", new Document("_id", 1).append("x", 1));
    long cursor = open(debezium());

    Document valid = new Document("q", new Document("_id", 1)).append("u", new Document("$set", new Document("x", 2)));
    Document refused = new Document("q", new Document("_id", 1)).append("u", new Document("$nothing", new Document()));
    try {
      command("update", new Document("update", "device").append("updates", List.of(valid, refused)));
    } catch (MongoServerError expected) {
      // Whether it throws or returns the error, the first change is made.
    }

    assertEquals(2, ((Document) next(cursor).get(0).get("fullDocument")).get("x"));
  }

  @Test
  void aPlaceInALogThatWasLostIsRefused() {
    Document place = placeOf(server);
    try (MVStore empty = new MVStore.Builder().open()) {
      ReplicaSet replaced = new ReplicaSet(empty, "127.0.0.1:27017", "rs0", error -> {});
      // Two seconds before the new log began.
      Document lost = ResumeToken.of(ResumeToken.time(place) - (2L << 32));

      MongoServerError error = assertThrows(
          MongoServerError.class, () -> open(replaced, new Document("resumeAfter", lost), List.of()));
      assertEquals(286, error.getCode());
      open(replaced, new Document("resumeAfter", placeOf(replaced)), List.of());
    }
  }

  @Test
  void aPlaceIsValidAfterARestart() {
    Document place = placeOf(server);
    ReplicaSet restarted = new ReplicaSet(store, "127.0.0.1:27017", "rs0", error -> {});

    open(restarted, new Document("resumeAfter", place), List.of());
  }

  /** The stages with which Debezium selects collections by a regular expression. */
  private static List<Document> debezium() {
    Document namespace = new Document("$concat", List.of("$ns.db", ".", "$ns.coll"));
    Document wrapped = new Document("namespace", namespace).append("event", "$$ROOT");
    Document collections = new Document("namespace", new Document("$regex", "^ace\\.device$").append("$options", "i"));
    return List.of(
        new Document("$replaceRoot", new Document("newRoot", wrapped)),
        new Document("$match", new Document("$and", List.of(collections))),
        new Document("$replaceRoot", new Document("newRoot", "$event")));
  }

  private static Document addFields() {
    return new Document("$addFields", new Document("copy", "$fullDocument"));
  }

  private long open(List<Document> stages) {
    return (Long) open(server, new Document("fullDocument", "updateLookup"), stages).get("id");
  }

  private Document open(ReplicaSet server, Document options, List<Document> stages) {
    List<Document> pipeline = new ArrayList<>(List.of(new Document("$changeStream", options)));
    pipeline.addAll(stages);
    Document request = new Document("aggregate", 1).append("pipeline", pipeline).append("cursor", new Document());
    return (Document) server.handleCommand(client, "ace", "aggregate", request).get("cursor");
  }

  /** The token to resume after the latest change of a server. */
  private Document placeOf(ReplicaSet server) {
    return (Document) open(server, new Document(), List.of()).get("postBatchResumeToken");
  }

  @SuppressWarnings("unchecked")
  private List<Document> next(long cursor) {
    Document request = new Document("getMore", cursor).append("collection", "$cmd.aggregate").append("maxTimeMS", 10);
    return (List<Document>) ((Document) command("getMore", request).get("cursor")).get("nextBatch");
  }

  private void insert(String collection, Document document) {
    Document answer = command("insert", new Document(Map.of("insert", collection, "documents", List.of(document))));
    assertEquals(1, answer.get("n"));
  }

  private Document command(String name, Document request) {
    return server.handleCommand(client, "ace", name, request);
  }
}
