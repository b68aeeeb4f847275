package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.Test;

class CommonSettingsTest extends SyslogHarness {
    private static final byte[] LINE = bytes("<13>Mar 12 13:30:59 h app: text\n");

    @Test
    void recordsGoToTheTopic() throws Exception {
        settings.put("kafka.topic", "elsewhere");
        start("udp");
        sendDatagrams(LINE, 1);

        assertEquals("elsewhere", poll(1).get(0).topic());
    }

    @Test
    void thePortIsUsedAndAPortInUseIsReported() throws Exception {
        start("tcp");
        assertEquals(Integer.parseInt(settings.get("syslog.port")), task.port());

        SyslogSourceTask second = new SyslogSourceTask();
        Exception problem =
                assertThrows(org.apache.kafka.connect.errors.ConnectException.class, () -> second.start(settings));
        assertTrue(problem.getMessage().startsWith("Cannot listen on port " + task.port()));
    }

    @Test
    void hostLimitsListeningToOneAddress() throws Exception {
        settings.put("syslog.host", "127.0.0.2");
        start("tcp");

        assertThrows(ConnectException.class, this::connected);
        new Socket("127.0.0.2", task.port()).close();
    }

    @Test
    void withoutAHostTheTaskListensOnEveryAddress() throws Exception {
        settings.remove("syslog.host");
        start("tcp");

        connected().close();
        new Socket("127.0.0.2", task.port()).close();
    }

    @Test
    void charsetDecodesMessages() throws Exception {
        settings.put("syslog.charset", "ISO-8859-1");

        var value = receivedOver("udp", "<13>gr\u00fc\u00dfe".getBytes(StandardCharsets.ISO_8859_1));

        assertEquals("gr\u00fc\u00dfe", value.getString("message"));
        assertEquals("ISO-8859-1", value.getString("charset"));
    }

    @Test
    void timezoneAppliesToDatesWithoutAZone() throws Exception {
        settings.put("syslog.timezone", "Asia/Tokyo");

        long date = receivedOver("udp", bytes("<13>Mar 12 2018 09:00:00 h x")).getInt64("date");

        assertEquals("2018-03-12T00:00:00Z", Instant.ofEpochMilli(date).toString());
    }

    @Test
    void structuredDataComesBeforeTheText() throws Exception {
        settings.put("syslog.structured.data", "true");

        var value = receivedOver("udp", bytes("<13>1 - h app - - [a b=\"c\"] text"));

        assertEquals("h app: [a b=\"c\"] text", value.getString("message"));
    }

    @Test
    void reverseDnsLooksUpTheSender() throws Exception {
        settings.put("syslog.reverse.dns.remote.ip", "true");

        var value = receivedOver("udp", LINE);

        assertEquals(InetAddress.getByName("127.0.0.1").getCanonicalHostName(), value.getString("hostname"));
        assertEquals("h", value.getString("host"));
    }

    @Test
    void reverseDnsNamesAreCached() throws Exception {
        settings.put("syslog.port", "5140");
        settings.put("syslog.reverse.dns.cache.ms", "1000");
        List<Instant> lookups = new ArrayList<>();
        Instant[] now = {Instant.EPOCH};
        Clock clock = Clock.tick(new ManualClock(now), Duration.ofMillis(1));
        HostNames names = new HostNames(new SyslogConfig(settings).reverseDnsCacheMs, clock, address -> {
            lookups.add(now[0]);
            return "name" + lookups.size();
        });
        InetAddress address = InetAddress.getByName("10.0.0.1");

        assertEquals("name1", names.of(address));
        now[0] = Instant.ofEpochMilli(999);
        assertEquals("name1", names.of(address));
        now[0] = Instant.ofEpochMilli(1000);
        assertEquals("name2", names.of(address));
    }

    @Test
    void longerMessagesAreCutAndCounted() throws Exception {
        settings.put("syslog.max.message.bytes", "480");

        assertEquals(476, receivedOver("tcp", bytes("<13>" + "x".repeat(1000) + "\n")).getString("message").length());
        assertEquals(1L, task.counts().get("cut"));
    }

    @Test
    void longerDatagramsAreAlsoCut() throws Exception {
        settings.put("syslog.max.message.bytes", "480");

        assertEquals(476, receivedOver("udp", bytes("<13>" + "x".repeat(1000))).getString("message").length());
        assertEquals(1L, task.counts().get("cut"));
    }

    @Test
    void batchSizeBoundsBatches() throws Exception {
        settings.put("batch.size", "3");
        start("udp");
        sendDatagrams(LINE, 7);
        eventually(() -> task.counts().get("received") == 7L, "all are there");

        assertEquals(List.of(3, 3, 1), List.of(task.poll().size(), task.poll().size(), task.poll().size()));
    }

    @Test
    void queueSizeBoundsWaitingMessages() throws Exception {
        settings.put("syslog.queue.size", "5");
        start("udp");
        sendDatagrams(LINE, 9);
        eventually(() -> task.counts().get("waiting") == 5L, "the queue is full");

        List<SourceRecord> all = poll(9);

        assertEquals(9, all.size());
        assertEquals(0L, task.counts().get("dropped"));
    }

    @Test
    void messagesBeyondTheReceiveBufferAreDroppedAndCounted() throws Exception {
        settings.put("syslog.receive.buffer.bytes", "4096");
        settings.put("syslog.queue.size", "1");
        start("udp");
        sendDatagrams(bytes("<13>" + "x".repeat(500)), 1000);
        long dropped = task.counts().get("dropped");
        assertTrue(dropped > 900, dropped + " were dropped");

        poll((int) (1000 - dropped));
        assertEquals(1000 - dropped, task.counts().get("received"));
    }

    @Test
    void wrongValuesAreReported() {
        settings.put("syslog.port", "5140");
        for (String key : List.of("syslog.charset", "syslog.timezone")) {
            settings.put(key, "nonsense!");
            ConfigException problem = assertThrows(ConfigException.class, () -> new SyslogConfig(settings));
            assertTrue(problem.getMessage().contains(key), problem.getMessage());
            settings.remove(key);
        }
    }

    @Test
    void validateReportsMissingAndWrongKeysByName() {
        settings.clear();
        settings.put("syslog.port", null);
        assertEquals(
                List.of(
                        "Missing required configuration \"kafka.topic\" which has no default value.",
                        "Missing required configuration \"syslog.port\" which has no default value."),
                messages());
        settings.putAll(Map.of("kafka.topic", "", "syslog.port", "0", "syslog.charset", "x!", "syslog.timezone", "Moon"));
        assertEquals(4, messages().size());
        for (String key : settings.keySet()) {
            assertTrue(messages().stream().anyMatch(message -> message.contains(key)), key);
        }
        settings.putAll(Map.of("kafka.topic", "t", "syslog.port", "5140", "syslog.charset", "latin1", "syslog.timezone", "EST"));
        assertEquals(List.of(), messages());
    }

    private List<String> messages() {
        return new UdpSyslogSourceConnector().validate(settings).configValues().stream()
                .flatMap(value -> value.errorMessages().stream())
                .sorted()
                .toList();
    }

    /** A clock that the test moves. */
    private static final class ManualClock extends Clock {
        private final Instant[] now;

        ManualClock(Instant[] now) {
            this.now = now;
        }

        @Override
        public java.time.ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now[0];
        }
    }
}
