package bifrost.connect.elasticsearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
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
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import org.apache.kafka.common.config.ConfigValue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsKeysTest {
    private static final String PASSWORD = "changeit";

    @TempDir
    static Path folder;

    private static Path server;
    private static Path otherServer;
    private static Path elsewhere;
    private static Path client;

    private final Map<String, String> given = new HashMap<>();
    private HttpsServer search;
    private boolean needsClientCertificate;

    @BeforeAll
    static void makeCertificates() throws Exception {
        server = keystore("server", "san=dns:localhost,ip:127.0.0.1");
        otherServer = keystore("other", "san=dns:localhost,ip:127.0.0.1");
        elsewhere = keystore("elsewhere", "san=dns:elsewhere.example");
        client = keystore("client", "san=dns:client");
    }

    @BeforeEach
    void start() throws Exception {
        startWith(server);
        given.put("elastic.security.protocol", "SSL");
        given.put("elastic.https.ssl.truststore.location", server.toString());
        given.put("elastic.https.ssl.truststore.password", PASSWORD);
        given.put("elastic.https.ssl.truststore.type", "PKCS12");
    }

    @AfterEach
    void stop() {
        search.stop(0);
    }

    @Test
    void aTrustedCertificateIsAccepted() {
        assertEquals(Map.of(), errors());
    }

    @Test
    void aPemFileIsTrustedWithoutAPassword() throws Exception {
        Path pem = folder.resolve("server.pem");
        byte[] certificate = loaded(server).getCertificate("server").getEncoded();
        String body = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(certificate);
        Files.writeString(pem, "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n");
        given.remove("elastic.https.ssl.truststore.password");
        given.putAll(Map.of("elastic.https.ssl.truststore.location", pem.toString(), "elastic.https.ssl.truststore.type", "PEM"));
        assertEquals(Map.of(), errors());
    }

    @Test
    void theCertificateOfAnotherAuthorityIsRefusedAtTheTrustStore() {
        given.put("elastic.https.ssl.truststore.location", otherServer.toString());
        String error = errors().get("elastic.https.ssl.truststore.location").get(0);
        assertTrue(error.contains("No TLS connection to https://127.0.0.1:"), error);
    }

    @Test
    void withProtocolPlaintextTheTrustStoreOfJavaApplies() {
        given.put("elastic.security.protocol", "PLAINTEXT");
        String error = errors().get("connection.url").get(0);
        assertTrue(error.contains("unable to find valid certification path"), error);
    }

    @Test
    void protocolSslRequiresHttps() {
        given.put("connection.url", "http://127.0.0.1:9200");
        String error = errors().get("connection.url").get(0);
        assertTrue(error.contains("must begin with https://"), error);
    }

    @Test
    void aHostThatTheCertificateDoesNotNameIsRefusedUnlessTheCheckIsOff() throws Exception {
        search.stop(0);
        startWith(elsewhere);
        given.put("elastic.https.ssl.truststore.location", elsewhere.toString());
        String error = errors().get("elastic.https.ssl.truststore.location").get(0);
        assertTrue(error.contains("127.0.0.1"), error);
        given.put("elastic.https.ssl.endpoint.identification.algorithm", "");
        assertEquals(Map.of(), errors());
    }

    @Test
    void aKeyStoreProvesWhoTheClientIs() {
        needsClientCertificate = true;
        assertEquals(List.of("elastic.https.ssl.truststore.location"), List.copyOf(errors().keySet()));
        given.put("elastic.https.ssl.keystore.location", client.toString());
        given.put("elastic.https.ssl.keystore.password", PASSWORD);
        given.put("elastic.https.ssl.keystore.type", "PKCS12");
        given.put("elastic.https.ssl.key.password", PASSWORD);
        assertEquals(Map.of(), errors());
    }

    @Test
    void aStoreThatCannotBeReadIsNamed() {
        given.put("elastic.https.ssl.truststore.location", folder.resolve("missing").toString());
        String error = errors().get("elastic.https.ssl.truststore.location").get(0);
        assertTrue(error.contains("missing"), error);
    }

    @Test
    void emptyKeysAreAsGoodAsNone() {
        given.put("elastic.https.ssl.keystore.location", "");
        assertEquals(Map.of(), errors());
    }

    private Map<String, List<String>> errors() {
        Map<String, List<String>> found = new HashMap<>();
        for (ConfigValue value : new ElasticsearchSinkConnector().validate(new HashMap<>(given)).configValues()) {
            if (!value.errorMessages().isEmpty()) {
                found.put(value.name(), value.errorMessages());
            }
        }
        return found;
    }

    private void startWith(Path keystore) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(loaded(keystore), PASSWORD.toCharArray());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(loaded(client));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        search = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        search.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters chosen = getSSLContext().getDefaultSSLParameters();
                chosen.setNeedClientAuth(needsClientCertificate);
                parameters.setSSLParameters(chosen);
            }
        });
        search.createContext("/", TlsKeysTest::answer);
        search.start();
        given.put("connection.url", "https://127.0.0.1:" + search.getAddress().getPort());
    }

    private static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            exchange.sendResponseHeaders(200, 2);
            exchange.getResponseBody().write("{}".getBytes(StandardCharsets.UTF_8));
        }
    }

    /** A key with a self-signed certificate. */
    private static Path keystore(String name, String names) throws IOException, InterruptedException {
        Path path = folder.resolve(name + ".p12");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN=" + name, "-validity", "2",
                "-ext", names, "-storetype", "PKCS12", "-storepass", PASSWORD, "-keystore", path.toString());
        Process tool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, tool.waitFor(), output);
        return path;
    }

    private static KeyStore loaded(Path path) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(path)) {
            store.load(file, PASSWORD.toCharArray());
        }
        return store;
    }
}
