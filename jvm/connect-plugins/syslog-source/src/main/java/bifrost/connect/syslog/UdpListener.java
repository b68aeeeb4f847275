package bifrost.connect.syslog;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Receives messages as datagrams. */
final class UdpListener implements Listener {
    private static final Logger LOG = LoggerFactory.getLogger(UdpListener.class);
    private static final int LARGEST_DATAGRAM = 65_535;
    private static final List<Path> SOCKETS = List.of(Path.of("/proc/net/udp"), Path.of("/proc/net/udp6"));

    private final SyslogConfig config;
    private final MessageQueue queue;
    private final DatagramSocket socket;
    private final Thread thread;

    UdpListener(SyslogConfig config, MessageQueue queue) throws IOException {
        this.config = config;
        this.queue = queue;
        socket = new DatagramSocket(null);
        socket.setReceiveBufferSize(config.receiveBuffer);
        try {
            socket.bind(new InetSocketAddress(config.host, config.port));
        } catch (SocketException problem) {
            socket.close();
            throw problem;
        }
        warnOfSmallBuffer();
        thread = new Thread(this::receive, "syslog-udp-" + socket.getLocalPort());
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public int port() {
        return socket.getLocalPort();
    }

    @Override
    public long dropped() {
        return SOCKETS.stream().mapToLong(this::dropped).sum();
    }

    @Override
    public void close() {
        socket.close();
        thread.interrupt();
    }

    private void warnOfSmallBuffer() throws SocketException {
        int given = socket.getReceiveBufferSize();
        if (given < config.receiveBuffer) {
            LOG.warn("UDP port {}: the receive buffer has {} bytes instead of syslog.receive.buffer.bytes={}; increase net.core.rmem_max",
                    port(), given, config.receiveBuffer);
        }
    }

    private void receive() {
        DatagramPacket packet = new DatagramPacket(new byte[LARGEST_DATAGRAM], LARGEST_DATAGRAM);
        try {
            while (!socket.isClosed()) {
                packet.setLength(LARGEST_DATAGRAM);
                socket.receive(packet);
                int length = Terminators.lengthWithout(packet.getData(), packet.getLength());
                if (length > config.maxMessageBytes) {
                    queue.cut.increment();
                }
                byte[] bytes = Arrays.copyOf(packet.getData(), Math.min(length, config.maxMessageBytes));
                queue.put(new ReceivedMessage(bytes, (InetSocketAddress) packet.getSocketAddress()));
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (IOException problem) {
            if (!socket.isClosed()) {
                LOG.error("UDP port {}: {}", port(), problem.toString());
            }
        }
    }

    /** Linux counts drops per socket in the last column; the second column has the local port in hexadecimal. */
    private long dropped(Path sockets) {
        String port = String.format(":%04X", socket.getLocalPort());
        try {
            return Files.readAllLines(sockets).stream()
                    .map(line -> line.trim().split("\\s+"))
                    .filter(columns -> columns[1].endsWith(port))
                    .mapToLong(columns -> Long.parseLong(columns[columns.length - 1]))
                    .sum();
        } catch (IOException notLinux) {
            return 0;
        }
    }
}
