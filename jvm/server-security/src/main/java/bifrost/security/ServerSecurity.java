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
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The certificate of a server, and the users that may call it, with HTTP basic authentication or the server's own login.
 *
 * <p>Both come from the properties file that the system property {@code bifrost.security} names: {@code keystore} (PKCS
 * #12), {@code keystore.password}, {@code user.NAME.NUMBER} with each password of each user, and {@code readers} with the
 * users that may not write, where a server knows the difference. Passwords are in a file because other users of the
 * machine may see the arguments and the environment of a process.
 */
public final class ServerSecurity {
  /** The value of the header {@code WWW-Authenticate} of a refused request. */
  public static final String CHALLENGE = "Basic realm=\"Bifrost\", charset=\"UTF-8\"";

  private static final String FILE = "bifrost.security";
  private static final String USER = "user.";
  private static final String SCHEME = "basic ";

  private final KeyStore.PrivateKeyEntry key;
  private final SSLContext context;
  private final Map<String, List<String>> passwords;
  private final List<byte[]> logins;
  private final Set<String> readers;

  private ServerSecurity(KeyStore store, char[] password, Map<String, List<String>> passwords, Set<String> readers)
      throws GeneralSecurityException {
    this.key = key(store, password);
    this.context = context(store, password);
    this.passwords = passwords;
    this.logins =
        passwords.entrySet().stream()
            .flatMap(user -> user.getValue().stream().map(accepted -> user.getKey() + ":" + accepted))
            .map(login -> login.getBytes(StandardCharsets.UTF_8))
            .collect(Collectors.toUnmodifiableList());
    this.readers = readers;
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

  /** Reads such a properties file. */
  public static ServerSecurity read(Path file) throws IOException, GeneralSecurityException {
    Properties values = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      values.load(reader);
    }
    Map<String, List<String>> passwords = new TreeMap<>();
    for (String name : values.stringPropertyNames()) {
      if (name.startsWith(USER)) {
        String user = name.substring(USER.length(), name.lastIndexOf('.'));
        passwords.computeIfAbsent(user, added -> new ArrayList<>()).add(values.getProperty(name));
      }
    }
    char[] password = values.getProperty("keystore.password").toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream content = Files.newInputStream(Path.of(values.getProperty("keystore")))) {
      store.load(content, password);
    }
    return new ServerSecurity(store, password, passwords, Set.of(values.getProperty("readers", "").split(",")));
  }

  private static KeyStore.PrivateKeyEntry key(KeyStore store, char[] password) throws GeneralSecurityException {
    KeyStore.PasswordProtection protection = new KeyStore.PasswordProtection(password);
    return (KeyStore.PrivateKeyEntry) store.getEntry(store.aliases().nextElement(), protection);
  }

  private static SSLContext context(KeyStore store, char[] password) throws GeneralSecurityException {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    SSLContext made = SSLContext.getInstance("TLS");
    made.init(keys.getKeyManagers(), new TrustManager[] {new TrustsNoClient()}, null);
    return made;
  }

  /** The key of the server with its certificates, for a server that makes its own TLS context. */
  public KeyStore.PrivateKeyEntry key() {
    return key;
  }

  /** The accepted passwords by user. */
  public Map<String, List<String>> passwords() {
    return passwords;
  }

  /** The users that may not write. */
  public Set<String> readers() {
    return readers;
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
