package bifrost.connect.jdbc.database;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Connecting;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.ServiceLoader;

/** Opens connections with the drivers beside the plugin; those of other plugins are never used. */
final class Drivers {
    private static final String MYSQL = "jdbc:mysql:";
    private static final String MARIADB = "jdbc:mariadb:";
    private static final String NOT_SUPPORTED = "0A000";
    private static final String CONNECT_TIMEOUT = "connectTimeout";

    private Drivers() {}

    /**
     * Opens a connection.
     *
     * @throws SQLException the database refuses it or does not answer, or no driver knows the URL
     */
    static Connection open(Connecting connecting) throws SQLException {
        for (String url : urls(connecting.url())) {
            for (Driver driver : ServiceLoader.load(Driver.class, Drivers.class.getClassLoader())) {
                if (driver.acceptsURL(url)) {
                    Connection connection = driver.connect(url, properties(connecting, url));
                    if (connection != null) {
                        return connection;
                    }
                }
            }
        }
        throw new SQLException(
                "no driver accepts this URL; the plugin has those of MariaDB, MySQL and PostgreSQL", NOT_SUPPORTED);
    }

    /** The URL, and for MySQL also the one with which MariaDB's driver connects to it. */
    private static List<String> urls(String url) {
        return isOf(MYSQL, url) ? List.of(url, MARIADB + url.substring(MYSQL.length())) : List.of(url);
    }

    private static Properties properties(Connecting connecting, String url) {
        Properties found = new Properties();
        if (isOf(MARIADB, url)) {
            // Otherwise an unreachable host takes 30 s, and TINYINT(1) is a bit.
            setUnlessInUrl(found, url, CONNECT_TIMEOUT, "10000");
            setUnlessInUrl(found, url, "tinyInt1isBit", "false");
            // The server ends a result that is not read for a minute, for example while the broker is slow.
            setUnlessInUrl(found, url, "sessionVariables", "net_write_timeout=3600");
        } else if (isOf("jdbc:postgresql:", url)) {
            setUnlessInUrl(found, url, "tcpKeepAlive", "true");
        }
        found.putAll(connecting.properties());
        return found;
    }

    private static void setUnlessInUrl(Properties found, String url, String name, String value) {
        if (!url.contains(name + "=")) {
            found.setProperty(name, value);
        }
    }

    private static boolean isOf(String scheme, String url) {
        return url.toLowerCase(Locale.ROOT).startsWith(scheme);
    }
}
