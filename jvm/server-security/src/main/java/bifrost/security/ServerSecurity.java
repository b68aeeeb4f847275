package bifrost.security;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The certificate of a server, and the users that may call it with HTTP basic authentication.
 *
 * <p>Both come from the properties file that the system property {@code bifrost.security} names: {@code keystore} (PKCS
 * #12), {@code keystore.password}, and {@code user.NAME.NUMBER} with each password of each user. Passwords are in a file
 * because other users of the machine may see the arguments and the environment of a process.
 */
public final class ServerSecurity {
  /** The value of the header {@code WWW-Authenticate} of a refused request. */
  public static final String CHALLENGE = "Basic realm=\"Bifrost\", charset=\"UTF-8\"";

  private static final String FILE = "bifrost.security";
  private static final String USER = "user.";
  private static final String SCHEME = "basic ";

  private final SSLContext context;
  private final List<byte[]> logins;

  private ServerSecurity(SSLContext context, List<byte[]> logins) {
    this.context = context;
    this.logins = logins;
  }

  /** The security of this process; empty if the server is open. */
  public static Optional<ServerSecurity> ofThisProcess() throws IOException, GeneralSecurityException {
    String file = System.getProperty(FILE);
    return file == null ? Optional.empty() : Optional.of(read(Path.of(file)));
  }

  /** The {@code Authorization} header of a user. */
  public static String basic(String user, String password) {
    return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  private static ServerSecurity read(Path file) throws IOException, GeneralSecurityException {
    Properties values = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      values.load(reader);
    }
    List<byte[]> logins =
        values.stringPropertyNames().stream()
            .filter(key -> key.startsWith(USER))
            .map(key -> key.substring(USER.length(), key.lastIndexOf('.')) + ":" + values.getProperty(key))
            .map(login -> login.getBytes(StandardCharsets.UTF_8))
            .collect(Collectors.toUnmodifiableList());
    char[] password = values.getProperty("keystore.password").toCharArray();
    return new ServerSecurity(context(Path.of(values.getProperty("keystore")), password), logins);
  }

  private static SSLContext context(Path file, char[] password) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream content = Files.newInputStream(file)) {
      store.load(content, password);
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    SSLContext made = SSLContext.getInstance("TLS");
    made.init(keys.getKeyManagers(), new TrustManager[] {new TrustsNoClient()}, null);
    return made;
  }

  /** The TLS context of the server. It accepts no client certificate: one that requires them has no callers. */
  public SSLContext context() {
    return context;
  }

  /** Whether an {@code Authorization} header, which may be null, names one of the users with the right password. */
  public boolean accepts(String header) {
    if (header == null || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return false;
    }
    byte[] given;
    try {
      given = Base64.getDecoder().decode(header.substring(SCHEME.length()).strip());
    } catch (IllegalArgumentException malformed) {
      return false;
    }
    // All are compared, each in constant time: response times reveal neither a user nor a part of a password.
    boolean isKnown = false;
    for (byte[] login : logins) {
      isKnown |= MessageDigest.isEqual(login, given);
    }
    return isKnown;
  }
}
