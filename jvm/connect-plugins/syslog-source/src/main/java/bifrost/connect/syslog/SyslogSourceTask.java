package bifrost.connect.syslog;

import bifrost.connect.config.PluginVersion;
import java.io.IOException;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Delivers the messages of its listener. Publishes counts as metrics of the worker, and logs them when they change. */
public final class SyslogSourceTask extends SourceTask {
    private static final Logger LOG = LoggerFactory.getLogger(SyslogSourceTask.class);
    private static final long WAIT_MS = 500;
    private static final long REPORT_EVERY_NS = TimeUnit.SECONDS.toNanos(10);

    /** After a restart, the previous task may still hold the port for a moment. */
    private static final long BIND_WITHIN_NS = TimeUnit.SECONDS.toNanos(5);

    private SyslogConfig config;
    private MessageQueue queue;
    private Listener listener;
    private RecordFactory records;
    private String reported = "";
    private long reportedAt;

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public void start(Map<String, String> given) {
        config = new SyslogConfig(given);
        queue = new MessageQueue(config.queueSize);
        records = new RecordFactory(config, Clock.systemUTC());
        listener = listen();
        reportedAt = System.nanoTime();
        counts().keySet().forEach(this::publish);
        LOG.info("Listening on {} port {} of {}", config.isTcp ? "TCP" : "UDP", listener.port(), config.host);
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        List<ReceivedMessage> batch = queue.take(config.batchSize, WAIT_MS);
        report();
        return batch.isEmpty() ? null : batch.stream().map(records::record).toList();
    }

    @Override
    public void stop() {
        if (listener == null) {
            return;
        }
        try {
            listener.close();
        } catch (IOException problem) {
            LOG.warn("Port {}: {}", config.port, problem.toString());
        }
        if (queue.waiting() > 0) {
            LOG.warn("Port {}: {} messages were received but not delivered; they are lost by the stop", config.port, queue.waiting());
        }
    }

    /** The port that the task listens on. */
    int port() {
        return listener.port();
    }

    /** Counts of messages and connections by name. */
    Map<String, Long> counts() {
        Map<String, Long> counts = new LinkedHashMap<>();
        counts.put("received", queue.received.sum());
        counts.put("cut", queue.cut.sum());
        counts.put("dropped", listener.dropped());
        counts.put("refused-connections", queue.refused.sum());
        counts.put("broken-connections", queue.broken.sum());
        counts.put("waiting", (long) queue.waiting());
        return counts;
    }

    private Listener listen() {
        long end = System.nanoTime() + BIND_WITHIN_NS;
        while (true) {
            try {
                return config.isTcp ? new TcpListener(config, queue) : new UdpListener(config, queue);
            } catch (IOException problem) {
                if (System.nanoTime() > end) {
                    throw new ConnectException(
                            "Cannot listen on port " + config.port + " of " + config.host + ": " + problem.getMessage(),
                            problem);
                }
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new ConnectException("Stopped while waiting for the port", stopped);
        }
    }

    private void publish(String name) {
        PluginMetrics metrics = context.pluginMetrics();
        String description = "Syslog: " + name + " since the task's start";
        MetricName metric = metrics.metricName("syslog-" + name, description, new LinkedHashMap<>());
        metrics.addMetric(metric, (Gauge<Long>) (ignored, now) -> counts().get(name));
    }

    private void report() {
        long now = System.nanoTime();
        if (now - reportedAt < REPORT_EVERY_NS) {
            return;
        }
        reportedAt = now;
        String counts = counts().toString();
        if (!counts.equals(reported)) {
            LOG.info("Port {}: {}", config.port, counts);
            reported = counts;
        }
    }
}
