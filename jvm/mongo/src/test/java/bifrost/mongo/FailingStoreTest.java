package bifrost.mongo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store whose file cannot be written any more, as on a full disk. */
class FailingStoreTest {
  private final EmbeddedChannel client = new EmbeddedChannel();
  private final List<MVStoreException> failures = new ArrayList<>();

  @TempDir private Path folder;
  private Path file;
  private MVStore store;
  private ReplicaSet server;

  @BeforeEach
  void open() {
    file = folder.resolve("documents.mv");
    store = new MVStore.Builder().fileName(file.toString()).autoCommitDisabled().open();
    server = new ReplicaSet(store, "127.0.0.1:27017", "rs0", failures::add);
  }

  @Test
  void aWriteThatCannotBeStoredEndsTheServer() {
    insert(1);
    assertTrue(failures.isEmpty());

    breakFile();

    assertThrows(MVStoreException.class, () -> insert(2));
    assertFalse(failures.isEmpty());
  }

  @Test
  void aWriteThatCannotBeStoredIsNoEvent() {
    long cursor = openStream();
    insert(1);
    breakFile();
    assertThrows(MVStoreException.class, () -> insert(2));

    assertEquals(List.of(1), next(cursor).stream().map(FailingStoreTest::id).toList());
  }

  @Test
  void theFileOpensAgainWithAllThatWasAnswered() {
    insert(1);
    breakFile();
    assertThrows(MVStoreException.class, () -> insert(2));

    try (MVStore again = new MVStore.Builder().fileName(file.toString()).open()) {
      ReplicaSet restarted = new ReplicaSet(again, "127.0.0.1:27017", "rs0", failures::add);
      Document request = new Document(Map.of("count", "device", "query", new Document()));
      assertEquals(1, restarted.handleCommand(client, "ace", "count", request).get("n"));
    }
  }

  private void breakFile() {
    store.getFileStore().close();
  }

  private static Object id(Document event) {
    return ((Document) event.get("documentKey")).get("_id");
  }

  private long openStream() {
    List<Document> pipeline = List.of(new Document("$changeStream", new Document()));
    Document request = new Document("aggregate", 1).append("pipeline", pipeline).append("cursor", new Document());
    return (Long) ((Document) server.handleCommand(client, "ace", "aggregate", request).get("cursor")).get("id");
  }

  @SuppressWarnings("unchecked")
  private List<Document> next(long cursor) {
    Document request = new Document("getMore", cursor).append("collection", "$cmd.aggregate").append("maxTimeMS", 10);
    Document answer = server.handleCommand(client, "ace", "getMore", request);
    return (List<Document>) ((Document) answer.get("cursor")).get("nextBatch");
  }

  private void insert(int id) {
    Document request = new Document(Map.of("insert", "device", "documents", List.of(new Document("_id", id))));
    server.handleCommand(client, "ace", "insert", request);
  }
}
