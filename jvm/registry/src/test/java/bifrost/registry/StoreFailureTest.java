package bifrost.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A database whose file cannot be written any more, as on a full disk, and one that only refuses a statement. */
class StoreFailureTest {
  private static final AtomicInteger ENDED = new AtomicInteger();

  @TempDir private Path folder;

  /** The listener that the database makes in this test. */
  public static final class Counting extends StoreFailure {
    public Counting() {
      super(ENDED::incrementAndGet);
    }
  }

  @BeforeEach
  void begin() {
    FullDisk.register();
    FullDisk.FULL.set(false);
    ENDED.set(0);
  }

  @Test
  void aWriteThatCannotBeStoredEndsTheServer() throws SQLException {
    Connection connection = open(); // which cannot be closed: the database has closed itself
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE T (ID INT PRIMARY KEY)");
      connection.setAutoCommit(false); // as the application does
      statement.execute("INSERT INTO T VALUES (1)");
      FullDisk.FULL.set(true);

      assertThrows(SQLException.class, connection::commit);

      assertEquals(1, ENDED.get());
    }
  }

  @Test
  void aStatementThatIsRefusedDoesNot() throws SQLException {
    try (Connection connection = open();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE T (ID INT PRIMARY KEY)");
      statement.execute("INSERT INTO T VALUES (1)");

      assertThrows(SQLException.class, () -> statement.execute("INSERT INTO T VALUES (1)"));
      assertThrows(SQLException.class, () -> statement.execute("SELECT * FROM MISSING"));

      assertEquals(0, ENDED.get());
    }
  }

  private Connection open() throws SQLException {
    String listener = ";DATABASE_EVENT_LISTENER='" + Counting.class.getName() + "'";
    return DriverManager.getConnection("jdbc:h2:full:" + folder.resolve("registry") + ";WRITE_DELAY=0" + listener);
  }
}
