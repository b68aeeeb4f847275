package bifrost.connect.syslog;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread for each sender: a sender whose messages Kafka does not take yet is not read from, and has to wait. */
final class TcpListener implements Listener {
    private static final Logger LOG = LoggerFactory.getLogger(TcpListener.class);
    private static final int BUFFER = 1 << 16;

    private final SyslogConfig config;
    private final Inbox inbox;
    private final ServerSocket server;
    private final Set<Socket> senders = ConcurrentHashMap.newKeySet();

    TcpListener(SyslogConfig config, Inbox inbox) throws IOException {
        this.config = config;
        this.inbox = inbox;
        server = sockets(config).createServerSocket();
        try {
            server.setReuseAddress(true);
            server.setReceiveBufferSize(Math.min(config.receiveBuffer, 1 << 20));
            server.bind(new InetSocketAddress(config.host, config.port));
        } catch (IOException problem) {
            server.close();
            throw problem;
        }
        daemon(this::accept, "syslog-tcp-" + server.getLocalPort());
    }

    @Override
    public int port() {
        return server.getLocalPort();
    }

    @Override
    public long dropped() {
        return 0;
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket sender : senders) {
            sender.close();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                welcome(server.accept());
            } catch (IOException problem) {
                if (!server.isClosed()) {
                    LOG.warn("TCP port {}: {}", port(), problem.toString());
                }
            }
        }
    }

    private void welcome(Socket sender) throws IOException {
        if (senders.size() >= config.mostConnections) {
            inbox.refused.increment();
            sender.close();
            return;
        }
        sender.setSoTimeout(config.idleTimeoutMs);
        sender.setKeepAlive(true);
        senders.add(sender);
        daemon(() -> receive(sender), "syslog-tcp-" + sender.getRemoteSocketAddress());
    }

    private void receive(Socket sender) {
        InetSocketAddress from = (InetSocketAddress) sender.getRemoteSocketAddress();
        try (sender) {
            FrameReader frames =
                    new FrameReader(new BufferedInputStream(sender.getInputStream(), BUFFER), config.longestMessage);
            for (byte[] message = frames.next(); message != null; message = frames.next()) {
                if (frames.wasCut()) {
                    inbox.cut.increment();
                }
                inbox.put(new Received(message, from));
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (SocketTimeoutException | EOFException ended) {
            LOG.debug("{}: {}", from, ended.toString());
        } catch (IOException problem) {
            if (!server.isClosed()) {
                LOG.info("{}: {}", from, problem.toString());
            }
        } finally {
            senders.remove(sender);
        }
    }

    private static void daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static ServerSocketFactory sockets(SyslogConfig config) throws IOException {
        if (config.keystore == null) {
            return ServerSocketFactory.getDefault();
        }
        try (InputStream file = Files.newInputStream(config.keystore)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(file, config.keystorePassword);
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(store, config.keystorePassword);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            return context.getServerSocketFactory();
        } catch (GeneralSecurityException problem) {
            throw new ConnectException("syslog.keystore " + config.keystore + ": " + problem.getMessage(), problem);
        }
    }
}
