package bifrost.registry;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Arrays;
import java.util.Set;

/**
 * The schema registry with Confluent's API at the root of its address, as Confluent's clients expect it.
 *
 * <p>The application answers that API below {@code /apis/ccompat/v7} only, and no setting changes that, so it listens on
 * an internal port and {@link ConfluentFront} takes the requests.
 *
 * <p>Arguments: the port on the loopback address, then further host names that requests may use.
 */
public final class RegistryNode {
  private RegistryNode() {}

  public static void main(String[] arguments) throws Exception {
    int internalPort = freePort();
    System.setProperty("quarkus.http.host", "127.0.0.1");
    System.setProperty("quarkus.http.port", String.valueOf(internalPort));
    // Without it the JDK's server waits up to 40 ms for an acknowledgement in the middle of an answer.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Set<String> hosts = Set.copyOf(Arrays.asList(arguments).subList(1, arguments.length));
    ConfluentFront.start(Integer.parseInt(arguments[0]), internalPort, hosts);
    Class.forName("io.quarkus.runner.GeneratedMain")
        .getMethod("main", String[].class)
        .invoke(null, (Object) new String[0]);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
