package bifrost.mongo;

import bifrost.mongo.ScramLogin.StoredPassword;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.wire.message.MongoQuery;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;

/**
 * A replica set whose clients must log in with SCRAM-SHA-256.
 *
 * <p>A user may do everything, or, if it is one of the readers, only read.
 */
final class SecuredReplicaSet extends ReplicaSet {
  private static final AttributeKey<ScramLogin> LOGIN = AttributeKey.valueOf("bifrost.login");
  private static final Set<String> OPEN = Set.of("hello", "ismaster", "ping", "buildinfo", "endsessions", "logout");
  private static final Set<String> READS =
      Set.of(
          "find",
          "getmore",
          "killcursors",
          "aggregate",
          "count",
          "distinct",
          "listcollections",
          "listdatabases",
          "listindexes",
          "collstats",
          "dbstats",
          "getparameter",
          "replsetgetstatus",
          "serverstatus",
          "refreshsessions",
          "whatsmyuri");

  private final Map<String, List<StoredPassword>> users = new HashMap<>();
  private final Set<String> readers;

  /**
   * Opens it.
   *
   * @param passwords the accepted passwords by user
   * @param readers the users that may not write
   * @param storeFailed called when the store cannot be read or written any more
   */
  SecuredReplicaSet(
      MVStore store,
      String address,
      String name,
      Map<String, List<String>> passwords,
      Set<String> readers,
      Consumer<MVStoreException> storeFailed)
      throws GeneralSecurityException {
    super(store, address, name, storeFailed);
    for (Map.Entry<String, List<String>> user : passwords.entrySet()) {
      List<StoredPassword> accepted = new ArrayList<>();
      for (String password : user.getValue()) {
        accepted.add(StoredPassword.of(password));
      }
      users.put(user.getKey(), accepted);
    }
    this.readers = readers;
  }

  @Override
  public Document handleCommand(Channel channel, String database, String command, Document query) {
    String name = command.toLowerCase(Locale.ROOT);
    switch (name) {
      case "saslstart":
        return start(channel, query);
      case "saslcontinue":
        return proceed(channel, query);
      case "logout":
        channel.attr(LOGIN).set(null);
        return new Document("ok", 1.0);
      case "hello", "ismaster":
        Document answer = super.handleCommand(channel, database, command, query);
        // Clients that get no list of mechanisms would take SCRAM-SHA-1.
        return query.containsKey("saslSupportedMechs")
            ? answer.append("saslSupportedMechs", List.of(ScramLogin.MECHANISM))
            : answer;
      default:
        break;
    }
    if (!OPEN.contains(name)) {
      String user = user(channel, command);
      if (readers.contains(user) && !isRead(name, query)) {
        throw unauthorized("not authorized on " + database + " to execute command " + command + ": " + user + " reads only");
      }
    }
    return super.handleCommand(channel, database, command, query);
  }

  @Override
  public QueryResult handleQuery(MongoQuery query) {
    user(query.getChannel(), "find");
    return super.handleQuery(query);
  }

  @Override
  public Collection<Document> getCurrentOperations(MongoQuery query) {
    user(query.getChannel(), "currentOp");
    return super.getCurrentOperations(query);
  }

  private Document start(Channel channel, Document query) {
    channel.attr(LOGIN).set(null);
    if (!ScramLogin.MECHANISM.equals(query.get("mechanism"))) {
      throw new MongoServerError(
          334, "MechanismUnavailable", "Authentication mechanism " + query.get("mechanism") + " is not supported; use " + ScramLogin.MECHANISM);
    }
    ScramLogin login = new ScramLogin(payload(query), users);
    channel.attr(LOGIN).set(login);
    return answer(false, login.challenge());
  }

  private Document proceed(Channel channel, Document query) {
    ScramLogin login = channel.attr(LOGIN).get();
    if (login == null) {
      throw ScramLogin.failed();
    }
    if (login.isDone()) { // a client that expects one more, empty, message
      return answer(true, new byte[0]);
    }
    try {
      byte[] proof = login.finish(payload(query));
      return answer(true, proof);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    } finally {
      if (!login.isDone()) {
        channel.attr(LOGIN).set(null);
      }
    }
  }

  private static Document answer(boolean isDone, byte[] payload) {
    return new Document("conversationId", 1)
        .append("done", isDone)
        .append("payload", new BinData(payload))
        .append("ok", 1.0);
  }

  private static byte[] payload(Document query) {
    if (query.get("payload") instanceof BinData data) {
      return data.getData();
    }
    throw ScramLogin.failed();
  }

  private static boolean isRead(String name, Document query) {
    return READS.contains(name) && !(name.equals("aggregate") && writes(query.get("pipeline")));
  }

  /** Whether a pipeline, or one inside it, has a stage that writes. */
  private static boolean writes(Object part) {
    if (part instanceof Document stage) {
      return stage.containsKey("$out") || stage.containsKey("$merge") || stage.values().stream().anyMatch(SecuredReplicaSet::writes);
    }
    return part instanceof Collection<?> parts && parts.stream().anyMatch(SecuredReplicaSet::writes);
  }

  private static String user(Channel channel, String command) {
    ScramLogin login = channel.attr(LOGIN).get();
    if (login == null || !login.isDone()) {
      throw unauthorized("command " + command + " requires authentication");
    }
    return login.user();
  }

  private static MongoServerError unauthorized(String problem) {
    return new MongoServerError(13, "Unauthorized", problem);
  }
}
