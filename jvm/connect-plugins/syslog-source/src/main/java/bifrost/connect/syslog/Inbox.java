package bifrost.connect.syslog;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Messages between the network and Kafka. Whoever puts into a full one waits: that is what slows a TCP sender down. */
final class Inbox {
    final LongAdder received = new LongAdder();
    final LongAdder cut = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder broken = new LongAdder();
    private final BlockingQueue<Received> queue;

    Inbox(int size) {
        queue = new ArrayBlockingQueue<>(size);
    }

    void put(Received message) throws InterruptedException {
        // Before it can be taken: who sees the record finds it counted.
        received.increment();
        queue.put(message);
    }

    /** What is there, after waiting a moment for the first one. */
    List<Received> take(int most, long waitMs) throws InterruptedException {
        List<Received> batch = new ArrayList<>();
        Received first = queue.poll(waitMs, TimeUnit.MILLISECONDS);
        if (first != null) {
            batch.add(first);
            queue.drainTo(batch, most - 1);
        }
        return batch;
    }

    int waiting() {
        return queue.size();
    }
}
