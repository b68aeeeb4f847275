package bifrost.registry;

import java.io.IOException;
import java.sql.SQLException;
import org.h2.api.DatabaseEventListener;

/**
 * Ends the process when the registry's database can no longer read or write its file, as on a full disk.
 *
 * <p>The database closes itself then, and the application would answer every request with an error until it is started
 * again. The file has all that was answered. H2 makes an instance of the class that {@code DATABASE_EVENT_LISTENER} names.
 */
public class StoreFailure implements DatabaseEventListener {
  private final Runnable end;

  /** Ends this process. */
  public StoreFailure() {
    this(() -> Runtime.getRuntime().halt(1));
  }

  StoreFailure(Runnable end) {
    this.end = end;
  }

  @Override
  public void exceptionThrown(SQLException error, String statement) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException) {
        System.err.println("cannot read or write the registry's database: " + cause.getMessage() + "; the server ends");
        end.run();
        return;
      }
    }
  }
}
