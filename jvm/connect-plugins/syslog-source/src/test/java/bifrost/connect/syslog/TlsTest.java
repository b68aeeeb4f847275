package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsTest extends SyslogHarness {
    private static final String PASSWORD = "changeit";

    @TempDir
    static Path folder;

    private static Path server;
    private static Path sender;

    @BeforeAll
    static void makeCertificates() throws Exception {
        server = keystore("server");
        sender = keystore("sender");
    }

    /** A key with a self-signed certificate. */
    private static Path keystore(String name) throws IOException, InterruptedException {
        Path path = folder.resolve(name + ".p12");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "2",
                "-ext", "san=dns:localhost,ip:127.0.0.1",
                "-storetype", "PKCS12", "-storepass", PASSWORD, "-keystore", path.toString());
        Process message = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(message.getInputStream().readAllBytes());
        assertEquals(0, message.waitFor(), said);
        return path;
    }

    private void useKeystore() {
        settings.put("syslog.keystore", server.toString());
        settings.put("syslog.keystore.password", PASSWORD);
    }

    private SSLSocket connectedWith(KeyManager[] own) throws IOException, GeneralSecurityException {
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(loaded(server));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own, trust.getTrustManagers(), null);
        return (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", task.port());
    }

    private static KeyStore loaded(Path path) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(path)) {
            store.load(file, PASSWORD.toCharArray());
        }
        return store;
    }

    private static KeyManager[] ownKeys() throws IOException, GeneralSecurityException {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(loaded(sender), PASSWORD.toCharArray());
        return keys.getKeyManagers();
    }

    @Test
    void aKeystoreEnablesTls() throws Exception {
        useKeystore();
        start("tcp");
        try (SSLSocket socket = connectedWith(null)) {
            socket.getOutputStream().write(bytes("9 <13>hello<13>secret\n"));
        }

        assertEquals(List.of("hello", "secret"), poll(2).stream().map(this::message).toList());
    }

    @Test
    void aSenderWithoutTlsIsRefusedAndCounted() throws Exception {
        useKeystore();
        start("tcp");
        send(bytes("<13>in plain words\n"));

        eventually(() -> task.counts().get("broken-connections") == 1L, "the broken handshake is counted");
        assertEquals(0L, task.counts().get("received"));
    }

    @Test
    void withATruststoreOnlyTrustedSendersAreAccepted() throws Exception {
        useKeystore();
        settings.put("syslog.truststore", sender.toString());
        settings.put("syslog.truststore.password", PASSWORD);
        start("tcp");
        try (SSLSocket stranger = connectedWith(null)) {
            assertThrows(IOException.class, () -> {
                stranger.getOutputStream().write(bytes("<13>stranger\n"));
                stranger.getInputStream().read();
            });
        }
        try (SSLSocket known = connectedWith(ownKeys())) {
            known.getOutputStream().write(bytes("<13>known\n"));
        }

        assertEquals("known", message(poll(1).get(0)));
    }

    @Test
    void aWrongPasswordIsReported() {
        useKeystore();
        settings.put("syslog.keystore.password", "wrong");

        Exception problem = assertThrows(ConnectException.class, () -> start("tcp"));

        assertTrue(problem.getMessage().contains("syslog.keystore.password"), problem.getMessage());
    }

    @Test
    void theTlsConnectorRequiresAKeystore() {
        settings.put("syslog.port", "5140");

        var problems = SyslogConfig.TLS.validate(settings).stream()
                .filter(value -> !value.errorMessages().isEmpty())
                .map(value -> value.name())
                .toList();

        assertEquals(List.of("syslog.keystore"), problems);
        assertThrows(ConfigException.class, () -> SyslogConfig.TLS.parse(settings));
    }
}
