package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SyslogSourceTaskTest extends SyslogHarness {
    @Test
    void aDatagramBecomesARecordWithTheVendorsFields() throws Exception {
        start("udp");
        byte[] text = bytes("<14>I \u2764  logs\n");
        int port;
        try (DatagramSocket sender = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            port = sender.getLocalPort();
            sender.send(new DatagramPacket(text, text.length, new InetSocketAddress("127.0.0.1", task.port())));
        }

        SourceRecord record = poll(1).get(0);

        String sender = "/127.0.0.1:" + port;
        assertEquals(
                "Struct{facility=1,host=I,level=6,message=I \u2764  logs,charset=UTF-8,remote_address=" + sender
                        + ",hostname=I}",
                record.value().toString());
        assertEquals("Struct{remote_address=" + sender + "}", record.key().toString());
        assertEquals(1L, task.counts().get("received"));
        assertEquals(0L, task.counts().get("dropped"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "\r\n", "\0", "\n\0", "\r\n\0", "\n\n"})
    void terminatorsOfADatagramAreRemoved(String terminator) throws Exception {
        assertEquals("a\nb", receivedOver("udp", bytes("<13>a\nb" + terminator)).getString("message"));
    }

    @Test
    void aTerminatorDoesNotMakeADatagramTooLong() throws Exception {
        settings.put("syslog.max.message.bytes", "480");
        String longest = "x".repeat(476);
        assertEquals(longest, receivedOver("udp", bytes("<13>" + longest + "\0")).getString("message"));
        assertEquals(0L, task.counts().get("cut"));
    }

    @Test
    void aDatagramOfTerminatorsIsAnEmptyMessage() throws Exception {
        assertEquals("", receivedOver("udp", bytes("\r\n\0")).getString("message"));
    }

    @Test
    void manySendersAreReadInParallel() throws Exception {
        start("tcp");
        List<Socket> senders = new ArrayList<>();
        for (int sender = 0; sender < 50; sender++) {
            senders.add(connected());
        }
        for (int line = 0; line < 20; line++) {
            for (Socket sender : senders) {
                sender.getOutputStream().write(bytes("<13>line " + line + "\n"));
            }
        }

        List<SourceRecord> records = poll(1000);

        assertEquals(50, records.stream().map(SourceRecord::key).distinct().count());
        for (Socket sender : senders) {
            sender.close();
        }
    }

    @Test
    void aSenderIsBlockedWhileTheQueueIsFull() throws Exception {
        settings.put("syslog.queue.size", "10");
        settings.put("syslog.receive.buffer.bytes", "4096");
        start("tcp");
        byte[] line = bytes("<13>" + "x".repeat(995) + "\n");
        int lines = 20_000;
        Thread sending = new Thread(() -> send(line, lines));
        sending.start();
        eventually(() -> task.counts().get("waiting") == 10L, "the queue is full");
        sending.join(300);
        assertTrue(sending.isAlive(), "the sender was not held up");

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
    void aStopEndsBlockedSenders() throws Exception {
        settings.put("syslog.queue.size", "1");
        start("tcp");
        send(bytes("<13>one\n<13>two\n<13>three\n"));
        eventually(() -> task.counts().get("waiting") == 1L, "the queue is full");

        task.stop();

        eventually(() -> threads("syslog-tcp-").isEmpty(), "threads of the listener are left: " + threads("syslog-tcp-"));
    }

    private static List<String> threads(String prefix) {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith(prefix))
                .toList();
    }

    @Test
    void anIncompleteLineIsKept() throws Exception {
        start("tcp");
        send(bytes("<13>whole\n<13>half"));
        send(bytes("99 <13>counted"));

        assertEquals(
                List.of("counted", "half", "whole"),
                poll(3).stream().map(this::message).sorted().toList());
    }

    @Test
    void aConnectionThatIsResetIsCountedAndItsLinesAreKept() throws Exception {
        start("tcp");
        try (Socket sender = connected()) {
            sender.getOutputStream().write(bytes("<13>before\n"));
            assertEquals("before", message(poll(1).get(0)));
            sender.setSoLinger(true, 0);
        }

        eventually(() -> task.counts().get("broken-connections") == 1L, "the reset is counted");
    }

    @Test
    void invalidBytesAreKept() throws Exception {
        start("tcp");
        send(new byte[] {22, 3, 1, (byte) 0xff, (byte) 0xfe, '\n'});

        assertEquals("\u0016\u0003\u0001\uFFFD\uFFFD", message(poll(1).get(0)));
    }

    @Test
    void randomBytesDoNotDisturbTheNextSender() throws Exception {
        start("tcp");
        Random random = new Random(5424);
        for (int round = 0; round < 20; round++) {
            byte[] noise = new byte[5000];
            random.nextBytes(noise);
            send(noise);
        }
        send(bytes("<13>the last one\n"));

        eventually(() -> next().contains("the last one"), "the line behind the noise");
    }

    private List<String> next() {
        try {
            List<SourceRecord> batch = task.poll();
            return batch == null ? List.of() : batch.stream().map(this::message).toList();
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }
}
