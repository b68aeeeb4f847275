package bifrost.connect.elasticsearch;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/** The worker's side of a task. */
final class FakeContext {
    final List<SinkRecord> reported = new ArrayList<>();
    final List<String> reasons = new ArrayList<>();
    final List<Long> timeouts = new ArrayList<>();
    boolean hasQueue = true;
    CompletableFuture<Void> queued = CompletableFuture.completedFuture(null);

    SinkTaskContext context() {
        ErrantRecordReporter reporter = (record, error) -> {
            reported.add(record);
            reasons.add(error.getMessage());
            return queued;
        };
        return (SinkTaskContext) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {SinkTaskContext.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("timeout")) {
                        timeouts.add((Long) arguments[0]);
                    }
                    return method.getName().equals("errantRecordReporter") && hasQueue ? reporter : null;
                });
    }
}
