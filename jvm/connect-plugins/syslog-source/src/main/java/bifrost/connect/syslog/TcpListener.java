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

/** Reads each sender on its own thread. While the queue is full, senders are not read from, which blocks them. */
final class TcpListener implements Listener {
    private static final Logger LOG = LoggerFactory.getLogger(TcpListener.class);
    private static final int BUFFER = 1 << 16;

    private final SyslogConfig config;
    private final MessageQueue queue;
    private final ServerSocket server;
    private final Semaphore connectionPermits;
    private final Map<Socket, Thread> senders = new ConcurrentHashMap<>();
    private final Thread acceptor;

    TcpListener(SyslogConfig config, MessageQueue queue) throws IOException {
        this.config = config;
        this.queue = queue;
        connectionPermits = new Semaphore(config.maxConnections == 0 ? Integer.MAX_VALUE : config.maxConnections);
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
                if (config.refusesExtraConnections) {
                    startOrRefuse(server.accept());
                } else {
                    acceptNext();
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

    private void startOrRefuse(Socket sender) throws IOException {
        if (connectionPermits.tryAcquire()) {
            startReceiver(sender);
        } else {
            queue.refused.increment();
            sender.close();
        }
    }

    /** Accepts the next sender when the number of connections allows it; until then it waits in the backlog. */
    private void acceptNext() throws InterruptedException, IOException {
        connectionPermits.acquire();
        Socket sender;
        try {
            sender = server.accept();
        } catch (IOException problem) {
            connectionPermits.release();
            throw problem;
        }
        startReceiver(sender);
    }

    private void startReceiver(Socket sender) throws IOException {
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
                    new FrameReader(new BufferedInputStream(sender.getInputStream(), BUFFER), config.maxMessageBytes), from);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (SocketTimeoutException ended) {
            LOG.debug("{}: nothing for {} ms", from, config.idleTimeoutMs);
        } catch (IOException problem) {
            if (!server.isClosed()) {
                queue.broken.increment();
                LOG.info("{}: {}", from, problem.toString());
            }
        } finally {
            senders.remove(sender);
            connectionPermits.release();
        }
    }

    private void receiveAll(FrameReader frames, InetSocketAddress from) throws IOException, InterruptedException {
        for (byte[] message = frames.next(); message != null; message = frames.next()) {
            if (frames.wasCut()) {
                queue.cut.increment();
            }
            queue.put(new ReceivedMessage(message, from));
        }
    }

    private static Thread daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }
}
