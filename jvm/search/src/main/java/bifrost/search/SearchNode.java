package bifrost.search;

import bifrost.security.ServerSecurity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/**
 * A single search node on the loopback address, with the modules that sinks, dashboards and Elasticsearch clients use.
 *
 * <p>Arguments: the data folder, the HTTP port, the folder for configuration and logs. {@link ServerSecurity} says where
 * TLS and users come from.
 */
public final class SearchNode extends Node {
  private static final String NAME = "search";

  private static final List<Class<? extends Plugin>> MODULES =
      List.of(
          Netty4Plugin.class,
          CommonAnalysisPlugin.class,
          MapperExtrasPlugin.class,
          IngestCommonPlugin.class,
          PainlessPlugin.class,
          ReindexPlugin.class);

  private SearchNode(Environment environment, Collection<Class<? extends Plugin>> modules) {
    super(environment, modules, true);
  }

  public static void main(String[] arguments) throws Exception {
    Path data = Path.of(arguments[0]).toAbsolutePath();
    Path run = Path.of(arguments[2]).toAbsolutePath();
    boolean isSecured = ServerSecurity.ofThisProcess().isPresent();
    Environment environment = environment(data, arguments[1], run, isSecured ? SecuredAccess.TRANSPORT : "netty4");
    SearchNode node = new SearchNode(environment, isSecured ? secured(MODULES) : MODULES);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    new CountDownLatch(1).await();
  }

  private static List<Class<? extends Plugin>> secured(List<Class<? extends Plugin>> modules) {
    return Stream.<Class<? extends Plugin>>concat(modules.stream(), Stream.of(SecuredAccess.class)).toList();
  }

  private static Environment environment(Path data, String port, Path run, String transport) throws IOException {
    Path configuration = run.resolve("config");
    for (String folder : List.of("config", "modules", "plugins")) {
      Files.createDirectories(run.resolve(folder));
    }
    Settings settings =
        Settings.builder()
            .put("cluster.name", "bifrost")
            .put("node.name", NAME)
            .put("path.home", run.toString())
            .put("path.data", data.toString())
            .put("path.logs", run.resolve("logs").toString())
            .put("network.host", "127.0.0.1")
            .put("http.port", port)
            .put("http.type", transport)
            .put("transport.type", transport)
            // A single node has no peers: any free port will do.
            .put("transport.port", "0")
            .put("discovery.type", "single-node")
            // A full disk also stops the databases beside it; refusing to allocate shards would only hide the reason.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("action.destructive_requires_name", true)
            .build();
    return InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), configuration, () -> NAME);
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }
}
