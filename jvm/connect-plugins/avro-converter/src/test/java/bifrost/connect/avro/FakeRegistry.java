package bifrost.connect.avro;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A registry on a real port, which can be unavailable. It knows one schema, with id 7. */
final class FakeRegistry implements AutoCloseable {
    static final int ID = 7;
    static final int CLOSE = -1;
    static final int CLOSE_IN_ANSWER = -2;

    private static final String SCHEMA =
            "{\"type\":\"record\",\"name\":\"Rating\",\"fields\":[{\"name\":\"stars\",\"type\":\"int\"}]}";

    final AtomicInteger requests = new AtomicInteger();
    private final ConcurrentLinkedQueue<Integer> failures = new ConcurrentLinkedQueue<>();
    private final int port = freePort();
    private HttpServer server;

    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    /** The next requests are answered with these HTTP statuses, or with a closed connection. */
    void failWith(Integer... statuses) {
        failures.addAll(List.of(statuses));
    }

    WaitingAvroConverter converter() {
        return converter(Duration.ofMillis(10));
    }

    WaitingAvroConverter converter(Duration retry) {
        WaitingAvroConverter converter = new WaitingAvroConverter(retry);
        converter.configure(
                Map.of(
                        "apicurio.registry.url", "http://127.0.0.1:" + port + "/apis/registry/v2",
                        "apicurio.registry.as-confluent", "true",
                        "apicurio.registry.use-id", "contentId",
                        "apicurio.registry.headers.enabled", "false",
                        "apicurio.registry.auto-register", "true",
                        "apicurio.registry.auto-register.if-exists", "RETURN_OR_UPDATE",
                        "apicurio.registry.artifact-resolver-strategy",
                                "io.apicurio.registry.serde.strategy.TopicIdStrategy"),
                false);
        return converter;
    }

    private void answer(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        exchange.getRequestBody().readAllBytes();
        Integer failure = failures.poll();
        if (failure == null) {
            succeed(exchange);
        } else if (failure == CLOSE) {
            exchange.close();
        } else if (failure == CLOSE_IN_ANSWER) {
            exchange.sendResponseHeaders(200, SCHEMA.length());
            exchange.getResponseBody().write(SCHEMA.getBytes(StandardCharsets.UTF_8), 0, 10);
            exchange.getResponseBody().flush();
            server.stop(0);
        } else {
            send(exchange, failure, "<html>not available</html>");
        }
    }

    private static void succeed(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (exchange.getRequestMethod().equals("POST")) {
            send(exchange, 200, "{\"id\":\"ratings-value\",\"version\":\"1\",\"globalId\":9,\"contentId\":" + ID + "}");
        } else if (path.endsWith("/references")) {
            send(exchange, 200, "[]");
        } else if (path.endsWith("/ids/contentIds/" + ID)) {
            send(exchange, 200, SCHEMA);
        } else {
            send(exchange, 404, "{\"message\":\"no such content\",\"error_code\":404,\"name\":\"ContentNotFoundException\"}");
        }
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void close() {
        if (server != null) {
            server.stop(0);
        }
    }
}
