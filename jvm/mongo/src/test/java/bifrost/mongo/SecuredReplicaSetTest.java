package bifrost.mongo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may log in, and do what then. */
class SecuredReplicaSetTest {
  private static final String NONCE = "r=client-nonce";

  private final MVStore store = new MVStore.Builder().open();
  private final EmbeddedChannel client = new EmbeddedChannel();
  private SecuredReplicaSet server;

  @BeforeEach
  void open() throws Exception {
    Map<String, List<String>> users = Map.of("owner", List.of("secret", "renewed"), "reader", List.of("other"));
    server = new SecuredReplicaSet(store, "127.0.0.1:27017", "rs0", users, Set.of("reader"), error -> {});
  }

  @AfterEach
  void close() {
    store.close();
  }

  static List<Document> writes() {
    return List.of(
        new Document("insert", "device").append("documents", List.of(new Document("_id", 1))),
        new Document("update", "device").append("updates", List.of()),
        new Document("delete", "device").append("deletes", List.of()),
        new Document("findAndModify", "device").append("query", new Document()),
        new Document("create", "device"),
        new Document("createIndexes", "device").append("indexes", List.of()),
        new Document("drop", "device"),
        new Document("dropDatabase", 1),
        new Document("aggregate", "device").append("pipeline", List.of(new Document("$out", "copy"))),
        new Document("aggregate", "device")
            .append("pipeline", List.of(new Document("$merge", new Document("into", "copy")))),
        new Document("aggregate", "device")
            .append("pipeline", List.of(new Document("$facet", new Document("x", List.of(new Document("$out", "copy")))))));
  }

  @ParameterizedTest
  @CsvSource({"owner, secret", "owner, renewed", "reader, other"})
  void aUserLogsInWithEachAcceptedPassword(String user, String password) throws Exception {
    logIn(user, password);
    assertEquals(1.0, send(new Document("find", "device")).get("ok"));
  }

  @ParameterizedTest
  @CsvSource({"owner, wrong", "owner, ''", "owner, other", "reader, secret", "stranger, secret", "'', secret"})
  void anotherPasswordOrUserIsRefused(String user, String password) {
    assertEquals(18, assertThrows(MongoServerError.class, () -> logIn(user, password.isEmpty() ? " " : password)).getCode());
    assertRefused(new Document("find", "device"));
  }

  @ParameterizedTest
  @MethodSource("writes")
  void nothingIsPossibleWithoutALogin(Document write) {
    assertRefused(write);
    assertRefused(new Document("find", "device"));
    assertRefused(new Document("listDatabases", 1));
  }

  @ParameterizedTest
  @MethodSource("writes")
  void aReaderDoesNotWrite(Document write) throws Exception {
    logIn("reader", "other");
    assertRefused(write);
  }

  @Test
  void aReaderReadsWhatTheOwnerWrites() throws Exception {
    logIn("owner", "secret");
    send(writes().get(0));
    logIn("reader", "other");
    Document cursor = (Document) send(new Document("find", "device")).get("cursor");
    assertEquals(List.of(new Document("_id", 1)), cursor.get("firstBatch"));
  }

  @Test
  void aFailedLoginAndALogoutEndTheEarlierOne() throws Exception {
    logIn("owner", "secret");
    assertThrows(MongoServerError.class, () -> logIn("owner", "wrong"));
    assertRefused(new Document("find", "device"));
    logIn("owner", "secret");
    send(new Document("logout", 1));
    assertRefused(new Document("find", "device"));
  }

  @Test
  void aProofIsNotAcceptedTwice() throws Exception {
    Document proof = proof("owner", "secret", send(start("n,,n=owner," + NONCE)));
    send(proof);
    send(new Document("logout", 1));
    send(start("n,,n=owner," + NONCE));
    assertEquals(18, assertThrows(MongoServerError.class, () -> send(proof)).getCode());
    assertRefused(new Document("find", "device"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "n,,", "n,,n=owner", "y,,n=owner,r=x", "p=tls-unique,,n=owner,r=x", ",", "n,,r=x"})
  void aMalformedFirstMessageIsRefused(String message) {
    assertEquals(18, assertThrows(MongoServerError.class, () -> send(start(message))).getCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "c=biws", "p=", "c=biws,r=x,p=!", "c=biws,r=client-nonce,p=AAAA"})
  void aMalformedLastMessageIsRefused(String message) {
    send(start("n,,n=owner," + NONCE));
    assertEquals(18, assertThrows(MongoServerError.class, () -> send(saslContinue(message))).getCode());
    assertRefused(new Document("find", "device"));
  }

  @Test
  void aLastMessageThatBeginsWithItsProofIsRefused() throws Exception {
    Document last = proof("owner", "secret", send(start("n,,n=owner," + NONCE)));
    String[] fields = new String(((BinData) last.get("payload")).getData(), StandardCharsets.UTF_8).split(",");
    String turned = String.join(",", fields[2], fields[0], fields[1]);
    assertEquals(18, assertThrows(MongoServerError.class, () -> send(saslContinue(turned))).getCode());
  }

  @Test
  void clientsLearnTheMechanismBeforeALogin() {
    Document hello = send(new Document("hello", 1).append("saslSupportedMechs", "admin.owner"));
    assertEquals(List.of("SCRAM-SHA-256"), hello.get("saslSupportedMechs"));
    Document other = start("n,,n=owner," + NONCE).append("mechanism", "PLAIN");
    assertTrue(assertThrows(MongoServerError.class, () -> send(other)).getMessage().contains("use SCRAM-SHA-256"));
  }

  private void assertRefused(Document command) {
    assertEquals(13, assertThrows(MongoServerError.class, () -> send(command)).getCode());
  }

  private Document send(Document command) {
    return server.handleCommand(client, "ace", command.keySet().iterator().next(), command);
  }

  private void logIn(String user, String password) throws Exception {
    Document answer = send(proof(user, password, send(start("n,,n=" + user + "," + NONCE))));
    assertEquals(true, answer.get("done"));
  }

  private static Document start(String message) {
    return new Document("saslStart", 1).append("mechanism", "SCRAM-SHA-256").append("payload", bytes(message));
  }

  private static Document saslContinue(String message) {
    return new Document("saslContinue", 1).append("conversationId", 1).append("payload", bytes(message));
  }

  private static BinData bytes(String text) {
    return new BinData(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The client's last message, as the RFC has it. */
  private static Document proof(String user, String password, Document answer) throws Exception {
    String challenge = new String(((BinData) answer.get("payload")).getData(), StandardCharsets.UTF_8);
    String[] fields = challenge.split(",");
    byte[] salt = Base64.getDecoder().decode(fields[1].substring(2));
    PBEKeySpec keys = new PBEKeySpec(password.toCharArray(), salt, Integer.parseInt(fields[2].substring(2)), 256);
    byte[] salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(keys).getEncoded();
    byte[] clientKey = hmac(salted, "Client Key");
    byte[] storedKey = MessageDigest.getInstance("SHA-256").digest(clientKey);
    String last = "c=biws," + fields[0];
    byte[] signature = hmac(storedKey, "n=" + user + "," + NONCE + "," + challenge + "," + last);
    for (int index = 0; index < clientKey.length; index++) {
      clientKey[index] ^= signature[index];
    }
    return saslContinue(last + ",p=" + Base64.getEncoder().encodeToString(clientKey));
  }

  private static byte[] hmac(byte[] key, String text) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
  }
}
