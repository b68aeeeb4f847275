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
 * The change events of all databases in the order of their cluster times, stored on disk beside the documents.
 *
 * <p>Only the latest {@value #MAX_EVENTS} events are stored. A reader that resumes at an older event, or at one from
 * before a lost folder was replaced, gets the error ChangeStreamHistoryLost.
 */
final class ChangeLog {
  private static final int MAX_EVENTS = 100_000;
  private static final int HISTORY_LOST = 286;
  private static final String FLOOR = "floor";

  private final MVMap<Long, Document> events;
  private final MVMap<String, Long> bounds;
  private long clock;
  private long published;

  ChangeLog(MVStore store) {
    events = store.openMap("changes.events");
    bounds = store.openMap("changes.bounds");
    if (events.isEmpty() && bounds.isEmpty()) {
      bounds.put(FLOOR, Instant.now().getEpochSecond() << 32);
    }
    clock = events.isEmpty() ? floor() : events.lastKey();
    published = clock;
  }

  /** Returns a cluster time after all others: seconds since 1970 and a counter, in MongoDB's form. */
  synchronized long tick() {
    clock = Math.max(clock + 1, (Instant.now().getEpochSecond() << 32) | 1);
    return clock;
  }

  /** Adds an event with the next cluster time and with the token to resume after it; {@link #publish} shows it. */
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
    while (events.sizeAsLong() > MAX_EVENTS) {
      long oldest = events.firstKey();
      events.remove(oldest);
      bounds.put(FLOOR, oldest);
    }
  }

  /** Shows readers all events so far, which are on disk now. */
  synchronized void publish() {
    published = clock;
    notifyAll();
  }

  /** The result of {@link #read}: copies of events, and the cluster time up to which the log was read. */
  record Batch(List<Document> events, long position) {}

  /** Reads at most {@code most} matching events after a cluster time; waits for the first until the deadline (nanoTime). */
  synchronized Batch read(long after, Predicate<Document> filter, int most, long deadline) throws InterruptedException {
    long position = after;
    List<Document> found = new ArrayList<>();
    while (true) {
      refuseLostHistory(position);
      Iterator<Long> times = events.keyIterator(position + 1);
      while (times.hasNext() && found.size() < most) {
        long time = times.next();
        if (time > published) {
          break;
        }
        position = time;
        Document event = events.get(position);
        if (filter.test(event)) {
          found.add(event.cloneDeeply());
        }
      }
      long remainingMs = (deadline - System.nanoTime()) / 1_000_000;
      if (!found.isEmpty() || remainingMs <= 0) {
        return new Batch(found, position);
      }
      wait(remainingMs);
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
