package bifrost.mongo;

import de.bwaldvogel.mongo.MongoServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.h2.mvstore.MVStore;

/**
 * A MongoDB-compatible server on the loopback address.
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
    MVStore store = new MVStore.Builder().fileName(file.toString()).compress().open();
    MongoServer server = new MongoServer(new ReplicaSet(store, address, arguments[2]));
    server.bind(new InetSocketAddress(HOST, port), ACCEPTING_THREADS, CONNECTION_THREADS);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("listening on mongodb://" + address + "/?replicaSet=" + arguments[2]);
    new CountDownLatch(1).await();
  }
}
