package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;

/** A small search engine on a free port with the API that the sink uses; answers can be prepared. */
final class FakeSearch implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** One operation of a bulk request. */
    record Operation(String action, JsonNode head, JsonNode source) {}

    /** An answer instead of the usual one. */
    record Answer(int status, String body) {}

    final List<List<Operation>> bulks = new CopyOnWriteArrayList<>();
    final Map<String, JsonNode> mappings = new ConcurrentHashMap<>();
    final Queue<Answer> prepared = new ConcurrentLinkedQueue<>();
    final List<String> paths = new CopyOnWriteArrayList<>();
    final List<String> encodings = new CopyOnWriteArrayList<>();
    final AtomicInteger running = new AtomicInteger();
    final AtomicInteger mostRunning = new AtomicInteger();
    volatile Function<Operation, String> refusal = operation -> null;
    volatile String root = "{}";
    volatile String authorization = "";
    volatile long delayMillis;
    private final HttpServer server;

    FakeSearch() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    List<Operation> operations() {
        return bulks.stream().flatMap(List::stream).toList();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
        try (exchange) {
            paths.add(exchange.getRequestURI().getPath());
            byte[] body = body(exchange);
            String given = exchange.getRequestHeaders().getFirst("Authorization");
            boolean isRefused = !authorization.isEmpty() && !authorization.equals(given);
            Answer answer = isRefused ? new Answer(401, "{\"error\":\"who?\"}") : preparedOrUsual(exchange, body);
            running.decrementAndGet(); // before the client can send its next request
            send(exchange, answer);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private Answer preparedOrUsual(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        Answer ready = exchange.getRequestURI().getPath().equals("/_bulk") ? prepared.poll() : null;
        return ready == null ? answer(exchange, body) : ready;
    }

    private byte[] body(HttpExchange exchange) throws IOException {
        byte[] sent = exchange.getRequestBody().readAllBytes();
        String encoding = exchange.getRequestHeaders().getFirst("Content-Encoding");
        if (encoding == null) {
            return sent;
        }
        encodings.add(encoding);
        try (InputStream plain = new GZIPInputStream(new ByteArrayInputStream(sent))) {
            return plain.readAllBytes();
        }
    }

    private Answer answer(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/_bulk")) {
            Thread.sleep(delayMillis);
            return bulk(body);
        }
        if (path.equals("/")) {
            return new Answer(200, root);
        }
        String index = path.split("/").length < 2 ? "" : path.split("/")[1];
        boolean isMapping = path.endsWith("/_mapping");
        if (exchange.getRequestMethod().equals("PUT")) {
            mappings.put(index, isMapping ? JSON.readTree(body) : JSON.createObjectNode());
        } else if (!index.isEmpty() && !mappings.containsKey(index)) {
            return new Answer(404, "{\"status\":404}");
        } else if (isMapping) {
            return new Answer(200, "{\"" + index + "\":{\"mappings\":" + mappings.get(index) + "}}");
        }
        return new Answer(200, "{}");
    }

    private Answer bulk(byte[] body) throws IOException {
        List<Operation> operations = new CopyOnWriteArrayList<>();
        String[] lines = new String(body, StandardCharsets.UTF_8).split("\n");
        for (int i = 0; i < lines.length; i++) {
            Map.Entry<String, JsonNode> head = JSON.readTree(lines[i]).properties().iterator().next();
            JsonNode source = head.getKey().equals("delete") ? null : JSON.readTree(lines[++i]);
            operations.add(new Operation(head.getKey(), head.getValue(), source));
        }
        bulks.add(operations);
        List<String> items = operations.stream().map(this::item).toList();
        boolean errors = items.stream().anyMatch(item -> item.contains("error"));
        return new Answer(200, "{\"errors\":" + errors + ",\"items\":[" + String.join(",", items) + "]}");
    }

    private String item(Operation operation) {
        String answer = refusal.apply(operation);
        return "{\"" + operation.action() + "\":" + (answer == null ? "{\"status\":201}" : answer) + "}";
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(answer.status(), bytes.length);
        exchange.getResponseBody().write(bytes);
    }
}
