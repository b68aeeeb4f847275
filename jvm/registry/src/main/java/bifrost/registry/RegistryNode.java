package bifrost.registry;

import bifrost.security.ServerSecurity;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The schema registry with Confluent's API at the root of its address, as Confluent's clients expect it.
 *
 * <p>The application answers that API below {@code /apis/ccompat/v7} only, and no setting changes that, so it listens on
 * a port that the kernel chooses, and {@link ConfluentFront} takes the requests.
 *
 * <p>Arguments: the port on the loopback address, then further host names that requests may use. {@link ServerSecurity}
 * says where TLS and users come from.
 */
public final class RegistryNode {
  private static final String FRONT = "front";
  private static final String APPLICATION_PORT = "quarkus.http.port";

  private RegistryNode() {}

  public static void main(String[] arguments) throws Exception {
    System.setProperty("quarkus.http.host", "127.0.0.1");
    // A port that is chosen here and bound later could be another program's by then. The application replaces the 0.
    System.setProperty(APPLICATION_PORT, "0");
    // Without it the JDK's server waits up to 40 ms for an acknowledgement in the middle of an answer.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Set<String> hosts = Set.copyOf(Arrays.asList(arguments).subList(1, arguments.length));
    Optional<ServerSecurity> security = ServerSecurity.ofThisProcess();
    String password = security.isPresent() ? requireLogin() : "";
    ConfluentFront front =
        new ConfluentFront(
            () -> Integer.getInteger(APPLICATION_PORT, 0), hosts, security, ServerSecurity.basic(FRONT, password));
    front.start(Integer.parseInt(arguments[0]));
    Class.forName("io.quarkus.runner.GeneratedMain")
        .getMethod("main", String[].class)
        .invoke(null, (Object) new String[0]);
  }

  /** Makes the application refuse everyone but the front; returns the front's password, which only this process has. */
  private static String requireLogin() {
    byte[] random = new byte[24];
    new SecureRandom().nextBytes(random);
    String password = HexFormat.of().formatHex(random);
    Map.of(
            "quarkus.http.auth.basic", "true",
            "quarkus.http.auth.permission.all.paths", "/*",
            "quarkus.http.auth.permission.all.policy", "authenticated",
            "quarkus.security.users.embedded.plain-text", "true",
            "quarkus.security.users.embedded.users." + FRONT, password)
        .forEach(System::setProperty);
    return password;
  }
}
