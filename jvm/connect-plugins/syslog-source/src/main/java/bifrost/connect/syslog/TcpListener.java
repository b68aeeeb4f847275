package bifrost.connect.syslog;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread for each sender: a sender whose messages Kafka does not take yet is not read from, and has to wait. */
final class TcpListener implements Listener {
    private static final Logger LOG = LoggerFactory.getLogger(TcpListener.class);
    private static final int BUFFER = 1 << 16;

    private final SyslogConfig config;
    private final Inbox inbox;
    private final ServerSocket server;
    private final Semaphore places;
    private final Map<Socket, Thread> senders = new ConcurrentHashMap<>();
    private final Thread acceptor;

    TcpListener(SyslogConfig config, Inbox inbox) throws IOException {
        this.config = config;
        this.inbox = inbox;
        places = new Semaphore(config.mostConnections == 0 ? Integer.MAX_VALUE : config.mostConnections);
        server = config.keystore == null ? new ServerSocket() : TlsSockets.unbound(config.keystore, config.truststore);
        try {
            server.setReuseAddress(true);
            server.setReceiveBufferSize(Math.min(config.receiveBuffer, 1 << 20));
            server.bind(new InetSocketAddress(config.host, config.port), config.backlog);
        } catch (IOException problem) {
            server.close();
            throw problem;
        }
        acceptor = daemon(this::accept, "syslog-tcp-" + server.getLocalPort());
        acceptor.start();
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
        acceptor.interrupt();
        for (Map.Entry<Socket, Thread> sender : senders.entrySet()) {
            sender.getKey().close();
            sender.getValue().interrupt();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                if (config.refusesMore) {
                    welcomeOrRefuse(server.accept());
                } else {
                    welcomeNext();
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                return;
            } catch (IOException problem) {
                if (!server.isClosed()) {
                    LOG.warn("TCP port {}: {}", port(), problem.toString());
                }
            }
        }
    }

    private void welcomeOrRefuse(Socket sender) throws IOException {
        if (places.tryAcquire()) {
            welcome(sender);
        } else {
            inbox.refused.increment();
            sender.close();
        }
    }

    /** The next sender is taken on when there is a place for it; until then it waits in the backlog. */
    private void welcomeNext() throws InterruptedException, IOException {
        places.acquire();
        Socket sender;
        try {
            sender = server.accept();
        } catch (IOException problem) {
            places.release();
            throw problem;
        }
        welcome(sender);
    }

    private void welcome(Socket sender) throws IOException {
        Thread thread = daemon(() -> receive(sender), "syslog-tcp-" + sender.getRemoteSocketAddress());
        senders.put(sender, thread);
        thread.start();
        if (server.isClosed()) {
            sender.close();
        }
    }

    private void receive(Socket sender) {
        InetSocketAddress from = (InetSocketAddress) sender.getRemoteSocketAddress();
        try (sender) {
            sender.setSoTimeout(config.idleTimeoutMs);
            sender.setKeepAlive(true);
            receiveAll(
                    new FrameReader(new BufferedInputStream(sender.getInputStream(), BUFFER), config.longestMessage), from);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (SocketTimeoutException ended) {
            LOG.debug("{}: nothing for {} ms", from, config.idleTimeoutMs);
        } catch (IOException problem) {
            if (!server.isClosed()) {
                inbox.broken.increment();
                LOG.info("{}: {}", from, problem.toString());
            }
        } finally {
            senders.remove(sender);
            places.release();
        }
    }

    private void receiveAll(FrameReader frames, InetSocketAddress from) throws IOException, InterruptedException {
        for (byte[] message = frames.next(); message != null; message = frames.next()) {
            if (frames.wasCut()) {
                inbox.cut.increment();
            }
            inbox.put(new Received(message, from));
        }
    }

    private static Thread daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }
}
