package bifrost.connect.jdbc.database;

import static org.junit.jupiter.api.Assertions.assertEquals;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Connecting;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Messages without passwords. */
class SecretsTest {
    @Test
    void passwordsOfTheUrlAndOfPropertiesAreHidden() {
        Secrets secrets = of(
                "jdbc:mysql://ann:s3cret@db:3306/demo?user=u&password=p%40ss&useSSL=true",
                Map.of("user", "u", "password", "hunter22", "sslKeyPassword", "k3y", "socketTimeout", "60000"));
        assertEquals(
                "refused ******** ******** ******** ******** ******** 60000",
                secrets.hide("refused s3cret p%40ss p@ss hunter22 k3y 60000"));
        assertEquals("jdbc:mysql://db:3306/demo", secrets.place());
    }

    @Test
    void aUrlWithoutASecretStaysAsItIs() {
        assertEquals("jdbc:postgresql://db/demo", of("jdbc:postgresql://db/demo", Map.of()).place());
        assertEquals("text", of("jdbc:postgresql://db/demo?password=", Map.of("password", "")).hide("text"));
    }

    private static Secrets of(String url, Map<String, String> properties) {
        return new Secrets(new Connecting(url, properties, 1, Duration.ZERO, "", ZoneOffset.UTC, 0));
    }
}
