package bifrost.registry;

import bifrost.security.ServerSecurity;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.function.IntSupplier;

/**
 * Forwards requests to the registry's application; paths of Confluent's API get the prefix that it has there.
 *
 * <p>A request whose Host or Origin is neither a loopback name nor an allowed one is refused: a web page may reach this
 * port through its own host name. On a secured platform, callers need TLS and a login; the application accepts only the
 * login of this front.
 */
final class ConfluentFront {
  private static final String API = "/apis/ccompat/v7";
  private static final List<String> PASSED = List.of("/apis", "/health", "/q", "/api-specifications");
  private static final Set<String> NOT_PASSED =
      Set.of(
          "authorization",
          "connection",
          "content-length",
          "expect",
          "host",
          "keep-alive",
          "transfer-encoding",
          "upgrade");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final int THREADS = 32;
  private static final int BACKLOG = 128;

  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final IntSupplier applicationPort;
  private final Set<String> hosts;
  private final Optional<ServerSecurity> security;
  private final String login;

  /**
   * Forwards to a port, which is 0 until the application listens; {@code login} is the {@code Authorization} header of the
   * front on a secured platform.
   */
  ConfluentFront(IntSupplier applicationPort, Set<String> hosts, Optional<ServerSecurity> security, String login) {
    this.applicationPort = applicationPort;
    this.hosts = hosts;
    this.security = security;
    this.login = login;
  }

  /** Listens on a port of the loopback address until the process ends. */
  void start(int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port);
    HttpServer server =
        security.isPresent() ? securedServer(address, security.get()) : HttpServer.create(address, BACKLOG);
    server.createContext("/", this::handle);
    server.setExecutor(Executors.newFixedThreadPool(THREADS));
    server.start();
  }

  private static HttpsServer securedServer(InetSocketAddress address, ServerSecurity security) throws IOException {
    HttpsServer server = HttpsServer.create(address, BACKLOG);
    server.setHttpsConfigurator(new HttpsConfigurator(security.context()));
    return server;
  }

  /** The path of a request at the application. */
  static String applicationPath(String path) {
    boolean passed = PASSED.stream().anyMatch(prefix -> path.equals(prefix) || path.startsWith(prefix + "/"));
    return passed ? path : API + path;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String refusal = refusal(exchange.getRequestHeaders());
      if (refusal != null) {
        answer(exchange, 403, 40301, refusal);
      } else if (!isLoggedIn(exchange.getRequestHeaders())) {
        exchange.getResponseHeaders().set("WWW-Authenticate", ServerSecurity.CHALLENGE);
        answer(exchange, 401, 40101, "User or password is missing or wrong");
      } else if (exchange.getRequestURI().getRawPath().equals("/")) {
        send(exchange, 200, "{}".getBytes(StandardCharsets.UTF_8));
      } else {
        forward(exchange);
      }
    }
  }

  private boolean isLoggedIn(Headers headers) {
    return security.isEmpty() || security.get().accepts(headers.getFirst("Authorization"));
  }

  private void forward(HttpExchange exchange) throws IOException {
    try {
      HttpResponse<byte[]> response = client.send(request(exchange), BodyHandlers.ofByteArray());
      response.headers().map().forEach((name, values) -> copy(exchange.getResponseHeaders(), name, values));
      send(exchange, response.statusCode(), response.body());
    } catch (ConnectException error) {
      answer(exchange, 503, 50301, "The schema registry is starting; retry in a few seconds");
    } catch (IOException error) {
      answer(exchange, 502, 50201, "The schema registry's application did not answer: " + error.getMessage());
    } catch (IllegalArgumentException error) {
      answer(exchange, 400, 40001, "Not a valid request: " + error.getMessage());
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      answer(exchange, 503, 50301, "The schema registry is stopping");
    }
  }

  private HttpRequest request(HttpExchange exchange) throws IOException {
    int port = applicationPort.getAsInt();
    if (port == 0) {
      throw new ConnectException("the application does not listen yet");
    }
    URI uri = exchange.getRequestURI();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    byte[] body = exchange.getRequestBody().readAllBytes();
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + applicationPath(uri.getRawPath()) + query))
            .timeout(DEADLINE)
            .method(exchange.getRequestMethod(), BodyPublishers.ofByteArray(body));
    if (security.isPresent()) {
      request.header("Authorization", login);
    }
    exchange.getRequestHeaders().forEach(
        (name, values) -> {
          if (!NOT_PASSED.contains(name.toLowerCase(Locale.ROOT))) {
            values.forEach(value -> request.header(name, value));
          }
        });
    return request.build();
  }

  private static void copy(Headers headers, String name, List<String> values) {
    if (!name.startsWith(":") && !NOT_PASSED.contains(name.toLowerCase(Locale.ROOT))) {
      headers.put(name, values);
    }
  }

  private String refusal(Headers headers) {
    String host = headers.getFirst("Host");
    if (host != null && !LOOPBACK.contains(name(host)) && !hosts.contains(name(host))) {
      return "Host " + host + " is not a name of this server; BIFROST_ALLOWED_HOSTS can allow it";
    }
    String origin = headers.getFirst("Origin");
    if (origin != null && !isOwn(origin.replaceFirst("^https?://", ""), host)) {
      return "Origin " + origin + " may not use this server; BIFROST_ALLOWED_HOSTS can allow its host";
    }
    return null;
  }

  /** Whether a page is one of this server's: another program's page on the loopback has another port. */
  private boolean isOwn(String origin, String host) {
    return origin.equalsIgnoreCase(host) || hosts.contains(name(origin));
  }

  private static String name(String authority) {
    return authority.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
  }

  private static void answer(HttpExchange exchange, int status, int code, String message) throws IOException {
    String text = message.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
    String body = "{\"error_code\":" + code + ",\"message\":\"" + text + "\"}";
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    send(exchange, status, body.getBytes(StandardCharsets.UTF_8));
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    boolean isEmpty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, isEmpty ? -1 : body.length);
    if (!isEmpty) {
      exchange.getResponseBody().write(body);
    }
  }
}
