package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
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
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MetricValueProvider;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SyslogSourceTaskTest {
    private final SyslogSourceTask task = new SyslogSourceTask();
    private final Map<String, String> settings =
            new HashMap<>(Map.of("kafka.topic", "syslog", "syslog.host", "127.0.0.1"));

    @AfterEach
    void stop() {
        task.stop();
    }

    private void start(String protocol) throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            settings.put("syslog.port", String.valueOf(free.getLocalPort()));
        }
        settings.put(SyslogConfig.PROTOCOL, protocol);
        task.initialize(new Context());
        task.start(settings);
    }

    private List<SourceRecord> poll(int count) throws InterruptedException {
        List<SourceRecord> all = new ArrayList<>();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (all.size() < count && System.nanoTime() < end) {
            List<SourceRecord> batch = task.poll();
            all.addAll(batch == null ? List.of() : batch);
        }
        assertEquals(count, all.size());
        return all;
    }

    private Socket connected() throws IOException {
        return new Socket("127.0.0.1", task.port());
    }

    @Test
    void aDatagramIsARecordWithTheDocumentsFields() throws Exception {
        start("udp");
        byte[] text = "<14>I \u2764  logs\n".getBytes(StandardCharsets.UTF_8);
        int port;
        try (DatagramSocket sender = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            port = sender.getLocalPort();
            sender.send(new DatagramPacket(text, text.length, new InetSocketAddress("127.0.0.1", task.port())));
        }

        SourceRecord record = poll(1).get(0);

        String sender = "/127.0.0.1:" + port;
        assertEquals(
                "Struct{facility=1,host=I,level=6,message=I \u2764  logs\n,charset=UTF-8,remote_address=" + sender
                        + ",hostname=I}",
                record.value().toString());
        assertEquals("Struct{remote_address=" + sender + "}", record.key().toString());
        assertEquals(1L, task.counts().get("received"));
        assertEquals(0L, task.counts().get("dropped"));
    }

    @Test
    void manySendersAtOnceAreAllHeard() throws Exception {
        start("tcp");
        List<Socket> senders = new ArrayList<>();
        for (int sender = 0; sender < 50; sender++) {
            senders.add(connected());
        }
        for (int line = 0; line < 20; line++) {
            for (Socket sender : senders) {
                sender.getOutputStream().write(("<13>line " + line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }

        List<SourceRecord> records = poll(1000);

        assertEquals(50, records.stream().map(SourceRecord::key).distinct().count());
        for (Socket sender : senders) {
            sender.close();
        }
    }

    @Test
    void aSenderWaitsUntilKafkaTakesMore() throws Exception {
        settings.put("syslog.queue.size", "10");
        settings.put("syslog.receive.buffer.bytes", "4096");
        start("tcp");
        byte[] line = ("<13>" + "x".repeat(995) + "\n").getBytes(StandardCharsets.UTF_8);
        int lines = 20_000;
        Thread sending = new Thread(() -> send(line, lines));
        sending.start();
        sending.join(300);
        assertTrue(sending.isAlive(), "the sender was not held up");
        assertEquals(10L, task.counts().get("waiting"));

        assertEquals(lines, poll(lines).size());
        sending.join();
    }

    private void send(byte[] line, int lines) {
        try (Socket sender = connected()) {
            sender.setSendBufferSize(4096);
            for (int count = 0; count < lines; count++) {
                sender.getOutputStream().write(line);
            }
        } catch (IOException problem) {
            throw new AssertionError(problem);
        }
    }

    @Test
    void whatIsTooLongIsCutAndCountedAndNoiseIsKept() throws Exception {
        settings.put("syslog.max.message.bytes", "480");
        start("tcp");
        try (Socket sender = connected()) {
            sender.getOutputStream().write(("<13>" + "x".repeat(1000) + "\n").getBytes(StandardCharsets.UTF_8));
            sender.getOutputStream().write(new byte[] {22, 3, 1, (byte) 0xff, (byte) 0xfe, '\n'});
        }

        List<SourceRecord> records = poll(2);

        assertEquals(476, ((Struct) records.get(0).value()).getString("message").length());
        assertEquals("\u0016\u0003\u0001\uFFFD\uFFFD", ((Struct) records.get(1).value()).getString("message"));
        assertEquals(1L, task.counts().get("cut"));
    }

    @Test
    void moreConnectionsThanAllowedAreRefusedAndCounted() throws Exception {
        settings.put("syslog.max.active.sockets", "1");
        start("tcp");
        try (Socket first = connected(); Socket second = connected()) {
            assertEquals(-1, second.getInputStream().read());
            first.getOutputStream().write("<13>still here\n".getBytes(StandardCharsets.UTF_8));
            poll(1);
        }
        assertEquals(1L, task.counts().get("refused-connections"));
    }

    /** A worker that takes the metrics and has no offsets. */
    private static final class Context implements SourceTaskContext, PluginMetrics {
        @Override
        public Map<String, String> configs() {
            return Map.of();
        }

        @Override
        public OffsetStorageReader offsetStorageReader() {
            throw new AssertionError("not asked for");
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
            throw new AssertionError("not asked for");
        }

        @Override
        public void removeSensor(String name) {}
    }
}
