package bifrost.connect.s3.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.apache.kafka.common.config.ConfigException;

/** Whom to trust at a store whose certificate no public authority has signed. */
public final class TrustedAuthorities {
    private TrustedAuthorities() {}

    /**
     * Reads the certificates of a file.
     *
     * @param key the key that names the file
     * @throws ConfigException the file cannot be read, or has no certificates in PEM form
     */
    public static TrustManager[] read(String key, String file) {
        try (InputStream content = Files.newInputStream(Path.of(file))) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate authority : CertificateFactory.getInstance("X.509").generateCertificates(content)) {
                store.setCertificateEntry("authority" + store.size(), authority);
            }
            if (store.size() == 0) {
                throw new ConfigException(key, file, "has no certificates in PEM form");
            }
            TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trusted.init(store);
            return trusted.getTrustManagers();
        } catch (IOException unreadable) {
            throw new ConfigException(key, file, "cannot be read");
        } catch (GeneralSecurityException invalid) {
            throw new ConfigException(key, file, "has no certificates in PEM form");
        }
    }
}
