package bifrost.jmx;

import bifrost.security.ServerSecurity;
import com.sun.net.httpserver.HttpsConfigurator;
import io.prometheus.jmx.BuildInfoMetrics;
import io.prometheus.jmx.JmxCollector;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.File;
import java.net.InetAddress;
import java.util.Optional;

/**
 * Serves what the JMX exporter collects, with TLS and a login where {@code bifrost.security} names a file of them.
 *
 * <p>The exporter's own agent knows one user with one password. This one knows several, and while passwords are rotated
 * the old and the new of each.
 */
public final class FiguresAgent {
  private FiguresAgent() {}

  /**
   * Runs before the program. An exception ends the process, with its text in the log.
   *
   * @param argument {@code ADDRESS:PORT:FILE}; the file holds the exporter's rules.
   */
  public static void premain(String argument) throws Exception {
    String[] parts = argument.split(":", 3);
    PrometheusRegistry registry = PrometheusRegistry.defaultRegistry;
    new BuildInfoMetrics().register(registry);
    JvmMetrics.builder().register(registry);
    new JmxCollector(new File(parts[2]), JmxCollector.Mode.AGENT).register(registry);
    HTTPServer.Builder server =
        HTTPServer.builder()
            .inetAddress(InetAddress.getByName(parts[0]))
            .port(Integer.parseInt(parts[1]))
            .registry(registry);
    Optional<ServerSecurity> security = ServerSecurity.ofThisProcess();
    if (security.isPresent()) {
      server.httpsConfigurator(new HttpsConfigurator(security.get().context()));
      server.authenticator(new Login(security.get()));
    }
    server.buildAndStart();
  }
}
