package bifrost.connect.jdbc.database;

import java.util.Locale;

/** What differs between databases. */
public enum Dialect {
    /** MySQL and MariaDB. */
    MYSQL("SELECT CURRENT_TIMESTAMP"),
    POSTGRESQL("SELECT date_trunc('second', CURRENT_TIMESTAMP)"),
    GENERIC("SELECT CURRENT_TIMESTAMP");

    /**
     * A statement that returns the database's time. It has no fraction of a second: a column without a fraction gets
     * more rows until the second ends, so that second must not be read before.
     */
    final String currentTime;

    Dialect(String currentTime) {
        this.currentTime = currentTime;
    }

    /** The dialect that the configuration names, or that of the URL. */
    static Dialect of(String name, String url) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "mysqldatabasedialect" -> MYSQL;
            case "postgresqldatabasedialect" -> POSTGRESQL;
            case "genericdatabasedialect" -> GENERIC;
            default -> ofUrl(url.toLowerCase(Locale.ROOT));
        };
    }

    private static Dialect ofUrl(String url) {
        if (url.startsWith("jdbc:mysql:") || url.startsWith("jdbc:mariadb:")) {
            return MYSQL;
        }
        return url.startsWith("jdbc:postgresql:") ? POSTGRESQL : GENERIC;
    }

    /** How many rows the driver fetches ahead. MySQL's own driver holds a whole result in memory unless it gets this number. */
    int fetchSize(String driver, int batchRows) {
        return driver.startsWith("MySQL Connector/J") ? Integer.MIN_VALUE : batchRows;
    }
}
