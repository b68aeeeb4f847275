package bifrost.connect.syslog;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManagerFactory;
import org.apache.kafka.connect.errors.ConnectException;

/** Creates server sockets for TLS. */
final class TlsSockets {
    private TlsSockets() {}

    /** An unbound socket with the certificate of a keystore; with a truststore, senders must present a trusted certificate. */
    static ServerSocket unbound(SyslogConfig.Store keystore, SyslogConfig.Store truststore) throws IOException {
        try {
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(loaded("syslog.keystore", keystore), keystore.password());
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(truststore == null ? null : loaded("syslog.truststore", truststore));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            SSLServerSocket socket = (SSLServerSocket) context.getServerSocketFactory().createServerSocket();
            socket.setNeedClientAuth(truststore != null);
            return socket;
        } catch (GeneralSecurityException problem) {
            throw new ConnectException("syslog.keystore " + keystore.path() + ": " + problem.getMessage(), problem);
        }
    }

    private static KeyStore loaded(String key, SyslogConfig.Store store) throws GeneralSecurityException {
        // The default type reads both PKCS12 and JKS.
        KeyStore found = KeyStore.getInstance(KeyStore.getDefaultType());
        try (InputStream file = Files.newInputStream(store.path())) {
            found.load(file, store.password());
            return found;
        } catch (IOException problem) {
            throw new ConnectException(
                    key + " " + store.path() + " cannot be read: " + problem + "; check " + key + ".password", problem);
        }
    }
}
