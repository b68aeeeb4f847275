package bifrost.connect.jdbc.database;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Connecting;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.TimeZone;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, opened when it is needed and again after {@link #close}. Statements run in transactions: PostgreSQL's
 * driver only streams rows inside one.
 */
public final class Database implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Database.class);

    /** Classes of SQLSTATE that a retry does not change: data, login, unknown names, syntax, missing features. */
    private static final List<String> PERMANENT = List.of("0A", "22", "28", "3D", "3F", "42");

    private final Connecting connecting;
    private final Secrets secrets;
    private final Dialect dialect;
    private Connection connection;

    public Database(Connecting connecting) {
        this.connecting = connecting;
        this.secrets = new Secrets(connecting);
        this.dialect = Dialect.of(connecting.dialect(), connecting.url());
    }

    public Dialect dialect() {
        return dialect;
    }

    /** A calendar of the zone of times in the database, which drivers may change. */
    public Calendar calendar() {
        return new GregorianCalendar(TimeZone.getTimeZone(connecting.zone()));
    }

    /**
     * The open connection.
     *
     * @throws SQLException it could not be opened
     */
    public Connection connection() throws SQLException {
        if (connection == null) {
            connection = Drivers.open(connecting);
            connection.setAutoCommit(false);
            if (connecting.isolation() != Connection.TRANSACTION_NONE) {
                connection.setTransactionIsolation(connecting.isolation());
            }
        }
        return connection;
    }

    /** A statement whose rows are fetched in portions of this size. */
    public PreparedStatement prepare(String statement, int batchRows) throws SQLException {
        PreparedStatement prepared = connection().prepareStatement(
                statement, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY);
        prepared.setFetchSize(dialect.fetchSize(connection.getMetaData().getDriverName(), batchRows));
        return prepared;
    }

    /** The database's time, without a fraction of a second. */
    public Timestamp now() throws SQLException {
        try (Statement statement = connection().createStatement();
                ResultSet found = statement.executeQuery(dialect.currentTime)) {
            found.next();
            return found.getTimestamp(1, calendar());
        }
    }

    /** The quote of identifiers; empty if the database has none. */
    public String quote() throws SQLException {
        return connection().getMetaData().getIdentifierQuoteString().trim();
    }

    /** Ends the transaction, so that the next statement sees what was committed since. */
    public void endTransaction() throws SQLException {
        if (connection != null) {
            connection.commit();
        }
    }

    /** Closes the connection; the next use opens it again. */
    @Override
    public void close() {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException problem) {
                LOG.debug("{}: {}", secrets.place(), describe(problem));
            }
            connection = null;
        }
    }

    /** Whether an error stays the same when the statement is run again. */
    public static boolean isPermanent(SQLException problem) {
        String state = problem.getSQLState();
        return state != null && PERMANENT.stream().anyMatch(state::startsWith);
    }

    /** An error in one line, with its SQLSTATE, without passwords. */
    public String describe(SQLException problem) {
        String text = String.valueOf(problem.getMessage()).lines().findFirst().orElse("");
        Throwable cause = problem.getCause();
        if (cause != null && cause.getMessage() != null && !text.contains(cause.getMessage())) {
            text += ": " + cause.getMessage().lines().findFirst().orElse("");
        }
        String state = problem.getSQLState() == null ? "" : " (SQLSTATE " + problem.getSQLState() + ")";
        return secrets.hide(text) + state;
    }

    /** The URL up to its parameters, for messages. */
    public String place() {
        return secrets.place();
    }
}
