package bifrost.mongo;

import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/**
 * The change events of all databases in the order of their cluster times, kept on disk beside the documents.
 *
 * <p>Only the latest {@value #KEPT} events are kept; who asks for an older one is told that it is lost.
 */
final class ChangeLog {
  private static final int KEPT = 100_000;
  private static final int HISTORY_LOST = 286;
  private static final String FLOOR = "floor";

  private final MVMap<Long, Document> events;
  private final MVMap<String, Long> bounds;
  private long clock;

  ChangeLog(MVStore store) {
    events = store.openMap("changes.events");
    bounds = store.openMap("changes.bounds");
    clock = events.isEmpty() ? floor() : events.lastKey();
  }

  /** A cluster time later than every other: seconds since 1970 and a count, as MongoDB's. */
  synchronized long tick() {
    clock = Math.max(clock + 1, (Instant.now().getEpochSecond() << 32) | 1);
    return clock;
  }

  /** Adds an event, which gets the next cluster time and the token to resume after it. */
  synchronized void append(String operation, Namespace namespace, Document details) {
    long time = tick();
    Document event =
        new Document("_id", ResumeToken.of(time))
            .append("operationType", operation)
            .append("clusterTime", new BsonTimestamp(time))
            .append("wallTime", Instant.now())
            .append("ns", namespace.toDocument());
    event.putAll(details);
    events.put(time, event);
    while (events.sizeAsLong() > KEPT) {
      long oldest = events.firstKey();
      events.remove(oldest);
      bounds.put(FLOOR, oldest);
    }
    notifyAll();
  }

  /** What {@link #read} found: copies of events, and the time up to which it looked. */
  record Batch(List<Document> events, long position) {}

  /** At most {@code most} events after a time that are wanted; waits for the first until the deadline (nanoTime). */
  synchronized Batch read(long after, Predicate<Document> wanted, int most, long deadline) throws InterruptedException {
    long position = after;
    List<Document> found = new ArrayList<>();
    while (true) {
      refuseLostHistory(position);
      Iterator<Long> times = events.keyIterator(position + 1);
      while (times.hasNext() && found.size() < most) {
        position = times.next();
        Document event = events.get(position);
        if (wanted.test(event)) {
          found.add(event.cloneDeeply());
        }
      }
      long leftMs = (deadline - System.nanoTime()) / 1_000_000;
      if (!found.isEmpty() || leftMs <= 0) {
        return new Batch(found, position);
      }
      wait(leftMs);
    }
  }

  synchronized void refuseLostHistory(long position) {
    if (position < floor()) {
      throw new MongoServerError(
          HISTORY_LOST,
          "ChangeStreamHistoryLost",
          "Resume of change stream was not possible, as the resume point may no longer be in the oplog.");
    }
  }

  synchronized long latest() {
    return clock;
  }

  private long floor() {
    return bounds.getOrDefault(FLOOR, 0L);
  }
}
