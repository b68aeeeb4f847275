package bifrost.mongo;

import de.bwaldvogel.mongo.exception.MongoServerError;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** The server's side of one login with SCRAM-SHA-256 (RFC 5802 and 7677). A user may have more than one password. */
final class ScramLogin {
  static final String MECHANISM = "SCRAM-SHA-256";

  private static final String HEADER = "n,,"; // without channel binding
  private static final int ITERATIONS = 4096; // the fewest that clients accept; passwords are random
  private static final int BYTES = 32;
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final byte[] SALT = random();

  /** What the server knows of a password. */
  record StoredPassword(byte[] storedKey, byte[] serverKey) {
    static StoredPassword of(String password) throws GeneralSecurityException {
      PBEKeySpec keys = new PBEKeySpec(password.toCharArray(), SALT, ITERATIONS, BYTES * Byte.SIZE);
      byte[] salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(keys).getEncoded();
      return new StoredPassword(hash(hmac(salted, "Client Key")), hmac(salted, "Server Key"));
    }
  }

  private final String user;
  private final List<StoredPassword> accepted;
  private final String nonce;
  private final String messages;
  private final String challenge;
  private boolean isDone;

  /** Begins a login with the client's first message; it fails for an unknown user. */
  ScramLogin(byte[] first, Map<String, List<StoredPassword>> passwords) {
    String message = new String(first, StandardCharsets.UTF_8);
    if (!message.startsWith(HEADER)) {
      throw failed();
    }
    String bare = message.substring(HEADER.length());
    Map<Character, String> fields = fields(bare);
    user = fields.getOrDefault('n', "").replace("=2C", ",").replace("=3D", "=");
    accepted = passwords.getOrDefault(user, List.of());
    if (accepted.isEmpty() || !fields.containsKey('r')) {
      throw failed();
    }
    nonce = fields.get('r') + Base64.getEncoder().encodeToString(random());
    challenge = "r=" + nonce + ",s=" + Base64.getEncoder().encodeToString(SALT) + ",i=" + ITERATIONS;
    messages = bare + "," + challenge;
  }

  /** The answer to the client's first message. */
  byte[] challenge() {
    return challenge.getBytes(StandardCharsets.UTF_8);
  }

  /** Returns the proof that this server knows the password, if the client's last message proves the same. */
  byte[] finish(byte[] last) throws GeneralSecurityException {
    String message = new String(last, StandardCharsets.UTF_8);
    Map<Character, String> fields = fields(message);
    String binding = Base64.getEncoder().encodeToString(HEADER.getBytes(StandardCharsets.UTF_8));
    int end = message.lastIndexOf(",p=");
    if (isDone || end < 0 || !nonce.equals(fields.get('r')) || !binding.equals(fields.get('c'))) {
      throw failed();
    }
    byte[] proof = decoded(fields.get('p'));
    String signed = messages + "," + message.substring(0, end);
    for (StoredPassword password : accepted) {
      byte[] key = xor(hmac(password.storedKey(), signed), proof);
      if (MessageDigest.isEqual(hash(key), password.storedKey())) {
        isDone = true;
        String signature = Base64.getEncoder().encodeToString(hmac(password.serverKey(), signed));
        return ("v=" + signature).getBytes(StandardCharsets.UTF_8);
      }
    }
    throw failed();
  }

  /** Whether the client has proved that it knows the password. */
  boolean isDone() {
    return isDone;
  }

  String user() {
    return user;
  }

  static MongoServerError failed() {
    return new MongoServerError(18, "AuthenticationFailed", "Authentication failed.");
  }

  private static Map<Character, String> fields(String message) {
    Map<Character, String> found = new HashMap<>();
    for (String part : message.split(",")) {
      if (part.length() > 1 && part.charAt(1) == '=') {
        found.put(part.charAt(0), part.substring(2));
      }
    }
    return found;
  }

  private static byte[] decoded(String text) {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException malformed) {
      throw failed();
    }
  }

  private static byte[] xor(byte[] one, byte[] other) {
    if (one.length != other.length) {
      throw failed();
    }
    byte[] both = new byte[one.length];
    for (int index = 0; index < both.length; index++) {
      both[index] = (byte) (one[index] ^ other[index]);
    }
    return both;
  }

  private static byte[] hash(byte[] value) throws GeneralSecurityException {
    return MessageDigest.getInstance("SHA-256").digest(value);
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, mac.getAlgorithm()));
    return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] random() {
    byte[] made = new byte[BYTES];
    RANDOM.nextBytes(made);
    return made;
  }
}
