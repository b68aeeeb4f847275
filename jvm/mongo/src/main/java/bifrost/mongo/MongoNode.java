package bifrost.mongo;

import bifrost.security.ServerSecurity;
import de.bwaldvogel.mongo.MongoServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.h2.mvstore.MVStore;

/**
 * A MongoDB-compatible server on the loopback address, with TLS and users if the process has a {@link ServerSecurity}.
 *
 * <p>Arguments: the data file, the port, the name of the replica set.
 */
public final class MongoNode {
  private static final String HOST = "127.0.0.1";
  private static final int ACCEPTING_THREADS = 1;
  private static final int CONNECTION_THREADS = 64; // each waiting change stream occupies one

  private MongoNode() {}

  public static void main(String[] arguments) throws Exception {
    Path file = Path.of(arguments[0]).toAbsolutePath();
    int port = Integer.parseInt(arguments[1]);
    String address = HOST + ":" + port;
    Files.createDirectories(file.getParent());
    Consumer<Throwable> storeFailed = error -> end(file, error);
    MVStore store =
        new MVStore.Builder()
            .fileName(file.toString())
            .compress()
            .backgroundExceptionHandler((thread, error) -> storeFailed.accept(error))
            .open();
    MongoServer server = server(store, address, arguments[2], ServerSecurity.ofThisProcess(), storeFailed);
    server.bind(new InetSocketAddress(HOST, port), ACCEPTING_THREADS, CONNECTION_THREADS);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("listening on mongodb://" + address + "/?replicaSet=" + arguments[2]);
    new CountDownLatch(1).await();
  }

  /** Ends the process, without closing the store: the file has all that was answered, and opens again. */
  private static void end(Path file, Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    System.err.println("cannot read or write " + file + ": " + cause.getMessage() + "; the server ends");
    Runtime.getRuntime().halt(1);
  }

  private static MongoServer server(
      MVStore store, String address, String name, Optional<ServerSecurity> security, Consumer<Throwable> storeFailed)
      throws GeneralSecurityException {
    if (security.isEmpty()) {
      return new MongoServer(new ReplicaSet(store, address, name, storeFailed::accept));
    }
    ServerSecurity found = security.get();
    MongoServer server =
        new MongoServer(new SecuredReplicaSet(store, address, name, found.passwords(), found.readers(), storeFailed::accept));
    X509Certificate[] chain =
        Arrays.stream(found.key().getCertificateChain())
            .map(X509Certificate.class::cast)
            .toArray(X509Certificate[]::new);
    server.enableSsl(found.key().getPrivateKey(), null, chain);
    return server;
  }
}
