package bifrost.connect.syslog;

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

/** Hands over what its listener receives, and counts: as metrics of the worker, and in its log when a count changed. */
public final class SyslogSourceTask extends SourceTask {
    private static final Logger LOG = LoggerFactory.getLogger(SyslogSourceTask.class);
    private static final long WAIT_MS = 500;
    private static final long REPORT_EVERY_NS = TimeUnit.SECONDS.toNanos(10);

    /** A task that was just restarted may have to wait until its predecessor is gone. */
    private static final long BIND_WITHIN_NS = TimeUnit.SECONDS.toNanos(5);

    private SyslogConfig config;
    private Inbox inbox;
    private Listener listener;
    private RecordFactory records;
    private String reported = "";
    private long reportedAt;

    @Override
    public String version() {
        return SyslogSourceConnector.VERSION;
    }

    @Override
    public void start(Map<String, String> given) {
        config = new SyslogConfig(given);
        inbox = new Inbox(config.queueSize);
        records = new RecordFactory(config, Clock.systemUTC());
        listener = listen();
        reportedAt = System.nanoTime();
        counts().keySet().forEach(this::publish);
        LOG.info("listening on {} port {} of {}", config.isTcp ? "TCP" : "UDP", listener.port(), config.host);
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        List<Received> batch = inbox.take(config.batchSize, WAIT_MS);
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
            LOG.warn("port {}: {}", config.port, problem.toString());
        }
        if (inbox.waiting() > 0) {
            LOG.warn("port {}: {} messages were received and are lost by the stop", config.port, inbox.waiting());
        }
    }

    /** Where the task listens. */
    int port() {
        return listener.port();
    }

    /** Messages by what became of them. */
    Map<String, Long> counts() {
        Map<String, Long> counts = new LinkedHashMap<>();
        counts.put("received", inbox.received.sum());
        counts.put("cut", inbox.cut.sum());
        counts.put("dropped", listener.dropped());
        counts.put("refused-connections", inbox.refused.sum());
        counts.put("broken-connections", inbox.broken.sum());
        counts.put("waiting", (long) inbox.waiting());
        return counts;
    }

    private Listener listen() {
        long end = System.nanoTime() + BIND_WITHIN_NS;
        while (true) {
            try {
                return config.isTcp ? new TcpListener(config, inbox) : new UdpListener(config, inbox);
            } catch (IOException problem) {
                if (System.nanoTime() > end) {
                    throw new ConnectException(
                            "cannot listen on port " + config.port + " of " + config.host + ": " + problem.getMessage(),
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
            throw new ConnectException("stopped", stopped);
        }
    }

    private void publish(String name) {
        PluginMetrics metrics = context.pluginMetrics();
        String meaning = "Syslog: " + name + " since the task's start";
        MetricName metric = metrics.metricName("syslog-" + name, meaning, new LinkedHashMap<>());
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
            LOG.info("port {}: {}", config.port, counts);
            reported = counts;
        }
    }
}
