package bifrost.connect.syslog;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** The queue between the network and Kafka. Adding to a full queue blocks, which slows TCP senders down. */
final class MessageQueue {
    final LongAdder received = new LongAdder();
    final LongAdder cut = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder broken = new LongAdder();
    private final BlockingQueue<ReceivedMessage> queue;

    MessageQueue(int size) {
        queue = new ArrayBlockingQueue<>(size);
    }

    void put(ReceivedMessage message) throws InterruptedException {
        // Count first: a record that is visible in Kafka must be counted already.
        received.increment();
        queue.put(message);
    }

    /** Takes up to {@code most} messages; waits up to {@code waitMs} milliseconds for the first. */
    List<ReceivedMessage> take(int most, long waitMs) throws InterruptedException {
        List<ReceivedMessage> batch = new ArrayList<>();
        ReceivedMessage first = queue.poll(waitMs, TimeUnit.MILLISECONDS);
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
