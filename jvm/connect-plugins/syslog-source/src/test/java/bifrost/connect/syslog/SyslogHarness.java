package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MetricValueProvider;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.junit.jupiter.api.AfterEach;

/** A task on a free port, and senders for it. */
abstract class SyslogHarness {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(20);

    final SyslogSourceTask task = new SyslogSourceTask();
    final Map<String, String> settings = new HashMap<>(Map.of("kafka.topic", "syslog", "syslog.host", "127.0.0.1"));

    @AfterEach
    void stop() {
        task.stop();
    }

    void start(String protocol) throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            settings.put("syslog.port", String.valueOf(free.getLocalPort()));
        }
        settings.put(SyslogConfig.PROTOCOL, protocol);
        task.initialize(new Context());
        task.start(settings);
    }

    List<SourceRecord> poll(int count) throws InterruptedException {
        List<SourceRecord> all = new ArrayList<>();
        long end = System.nanoTime() + PATIENCE_NS;
        while (all.size() < count && System.nanoTime() < end) {
            List<SourceRecord> batch = task.poll();
            all.addAll(batch == null ? List.of() : batch);
        }
        assertEquals(count, all.size());
        return all;
    }

    Struct receivedOver(String protocol, byte[] line) throws Exception {
        start(protocol);
        if (protocol.equals("udp")) {
            sendDatagrams(line, 1);
        } else {
            send(line);
        }
        return (Struct) poll(1).get(0).value();
    }

    String message(SourceRecord record) {
        return ((Struct) record.value()).getString("message");
    }

    Socket connected() throws IOException {
        return new Socket("127.0.0.1", task.port());
    }

    void send(byte[] bytes) throws IOException {
        try (Socket sender = connected()) {
            sender.getOutputStream().write(bytes);
        }
    }

    void sendDatagrams(byte[] bytes, int count) throws IOException {
        try (DatagramSocket sender = new DatagramSocket()) {
            for (int sent = 0; sent < count; sent++) {
                sender.send(new DatagramPacket(bytes, bytes.length, new InetSocketAddress("127.0.0.1", task.port())));
            }
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void eventually(BooleanSupplier holds, String what) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE_NS;
        while (!holds.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, what);
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** A worker that accepts metrics and has no offsets. */
    private static final class Context implements SourceTaskContext, PluginMetrics {
        @Override
        public Map<String, String> configs() {
            return Map.of();
        }

        @Override
        public OffsetStorageReader offsetStorageReader() {
            throw new AssertionError("unexpected call");
        }

        @Override
        public PluginMetrics pluginMetrics() {
            return this;
        }

        @Override
        public MetricName metricName(String name, String description, LinkedHashMap<String, String> tags) {
            return new MetricName(name, "plugins", description, tags);
        }

        @Override
        public void addMetric(MetricName metricName, MetricValueProvider<?> metricValueProvider) {
            assertTrue(metricName.name().startsWith("syslog-"));
        }

        @Override
        public void removeMetric(MetricName metricName) {}

        @Override
        public Sensor addSensor(String name) {
            throw new AssertionError("unexpected call");
        }

        @Override
        public void removeSensor(String name) {}
    }
}
