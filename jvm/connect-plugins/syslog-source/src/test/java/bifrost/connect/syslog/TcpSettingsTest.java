package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TcpSettingsTest extends SyslogHarness {
    @Test
    void furtherConnectionsWaitInTheBacklog() throws Exception {
        settings.put("syslog.max.active.sockets", "1");
        start("tcp");
        Socket first = connected();
        first.getOutputStream().write(bytes("<13>first\n"));
        assertEquals("first", message(poll(1).get(0)));
        try (Socket second = connected()) {
            second.getOutputStream().write(bytes("<13>second\n"));
            assertEquals(null, task.poll());
            first.close();
            assertEquals("second", message(poll(1).get(0)));
        }
        assertEquals(0L, task.counts().get("refused-connections"));
    }

    @Test
    void furtherConnectionsCanBeRefusedAndCounted() throws Exception {
        settings.put("syslog.max.active.sockets", "1");
        settings.put("syslog.max.active.sockets.behavior", "1");
        start("tcp");
        try (Socket first = connected(); Socket second = connected()) {
            assertEquals(-1, second.getInputStream().read());
            first.getOutputStream().write(bytes("<13>still here\n"));
            poll(1);
        }
        assertEquals(1L, task.counts().get("refused-connections"));
    }

    @Test
    void zeroMaxActiveSocketsIsNoLimit() throws Exception {
        settings.put("syslog.max.active.sockets", "0");
        settings.put("syslog.max.active.sockets.behavior", "1");
        start("tcp");
        List<Socket> senders = new ArrayList<>();
        for (int count = 0; count < 20; count++) {
            Socket sender = connected();
            sender.getOutputStream().write(bytes("<13>hello\n"));
            senders.add(sender);
        }
        poll(20);
        for (Socket sender : senders) {
            sender.close();
        }
    }

    @Test
    void backlogBoundsWaitingConnections() throws Exception {
        settings.put("syslog.max.active.sockets", "1");
        settings.put("syslog.backlog", "1");
        start("tcp");
        List<Socket> waiting = new ArrayList<>();
        int most = 10;
        while (waiting.size() < most) {
            Socket sender = new Socket();
            waiting.add(sender);
            try {
                sender.connect(new InetSocketAddress("127.0.0.1", task.port()), 500);
            } catch (SocketTimeoutException full) {
                break;
            }
        }
        assertTrue(waiting.size() < most, "ten were let in");
        for (Socket sender : waiting) {
            sender.close();
        }
    }

    @Test
    void timeoutClosesASilentConnectionAndKeepsItsMessages() throws Exception {
        settings.put("syslog.timeout", "200");
        start("tcp");
        try (Socket sender = connected()) {
            sender.getOutputStream().write(bytes("<13>half a line"));
            assertEquals(-1, sender.getInputStream().read());
        }
        assertEquals("half a line", message(poll(1).get(0)));
    }

    @Test
    void withoutATimeoutASilentConnectionStaysOpen() throws IOException {
        start("tcp");
        try (Socket sender = connected()) {
            sender.setSoTimeout(400);
            boolean isEnded = false;
            try {
                isEnded = sender.getInputStream().read() < 0;
            } catch (SocketTimeoutException stillOpen) {
                // expected
            }
            assertFalse(isEnded);
        }
    }
}
