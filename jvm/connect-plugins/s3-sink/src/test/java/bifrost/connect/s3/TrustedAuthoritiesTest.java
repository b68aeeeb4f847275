package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.kafka.common.config.ConfigValue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store whose certificate no public authority has signed. */
class TrustedAuthoritiesTest {
    private static final String PASSWORD = "changeit";
    private static final String KEY = "s3.https.ssl.truststore.location";

    @TempDir
    static Path folder;

    private static KeyStore server;
    private static Path trusted;
    private static Path foreign;
    private static Path both;

    private final Map<String, String> given = new HashMap<>();
    private HttpsServer store;

    @BeforeAll
    static void makeCertificates() throws Exception {
        server = keystore("server");
        trusted = pem("trusted.crt", server);
        KeyStore other = keystore("other");
        foreign = pem("foreign.crt", other);
        both = pem("both.crt", other, server);
    }

    @BeforeEach
    void start() throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(server, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        store = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        store.setHttpsConfigurator(new HttpsConfigurator(context));
        store.createContext("/", exchange -> {
            try (exchange) {
                exchange.sendResponseHeaders(200, -1);
            }
        });
        store.start();
        given.putAll(Map.of(
                "store.url", "https://127.0.0.1:" + store.getAddress().getPort(),
                "s3.bucket.name", "lake",
                "aws.access.key.id", "me",
                "aws.secret.access.key", "mine",
                "flush.size", "3",
                "format.class", "io.confluent.connect.s3.format.avro.AvroFormat"));
    }

    @AfterEach
    void stop() {
        store.stop(0);
    }

    @Test
    void aStoreOfATrustedAuthorityIsUsed() {
        for (Path file : List.of(trusted, both)) {
            given.put(KEY, file.toString());
            assertEquals(Map.of(), errors());
        }
    }

    @Test
    void aStoreOfAnotherAuthorityIsRefused() {
        assertTrue(errors().get("store.url").contains("unable to find valid certification path"), errors().toString());
        given.put(KEY, foreign.toString());
        assertTrue(errors().get("store.url").contains("unable to find valid certification path"), errors().toString());
    }

    @Test
    void aFileWithoutCertificatesIsNamed() throws IOException {
        given.put(KEY, folder.resolve("missing.crt").toString());
        assertTrue(errors().get(KEY).endsWith("missing.crt for configuration " + KEY + ": cannot be read"), errors().toString());
        for (String content : List.of("", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")) {
            given.put(KEY, Files.writeString(folder.resolve("damaged.crt"), content).toString());
            assertTrue(errors().get(KEY).endsWith("has no certificates in PEM form"), errors().toString());
        }
    }

    private Map<String, String> errors() {
        Map<String, String> found = new HashMap<>();
        for (ConfigValue value : new S3SinkConnector().validate(new HashMap<>(given)).configValues()) {
            if (!value.errorMessages().isEmpty()) {
                found.put(value.name(), value.errorMessages().get(0));
            }
        }
        return found;
    }

    private static Path pem(String name, KeyStore... stores) throws Exception {
        StringBuilder text = new StringBuilder();
        for (KeyStore each : stores) {
            byte[] encoded = each.getCertificate(each.aliases().nextElement()).getEncoded();
            text.append("-----BEGIN CERTIFICATE-----\n")
                    .append(Base64.getMimeEncoder().encodeToString(encoded))
                    .append("\n-----END CERTIFICATE-----\n");
        }
        return Files.writeString(folder.resolve(name), text);
    }

    private static KeyStore keystore(String name) throws Exception {
        Path path = folder.resolve(name + ".p12");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN=" + name, "-validity", "2",
                "-ext", "san=dns:localhost,ip:127.0.0.1", "-storetype", "PKCS12", "-storepass", PASSWORD,
                "-keystore", path.toString());
        Process tool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, tool.waitFor(), output);
        KeyStore made = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(path)) {
            made.load(file, PASSWORD.toCharArray());
        }
        return made;
    }
}
