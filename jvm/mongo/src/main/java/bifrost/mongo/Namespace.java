package bifrost.mongo;

import de.bwaldvogel.mongo.bson.Document;
import java.util.Set;

/** A collection by its full name, {@code database.collection}. */
record Namespace(String database, String collection) {
  private static final Set<String> INTERNAL = Set.of("local", "admin", "config");

  static Namespace parse(String name) {
    int dot = name.indexOf('.');
    return new Namespace(name.substring(0, dot), name.substring(dot + 1));
  }

  /** Whether it contains the server's own data, which change streams do not report. */
  boolean isInternal() {
    return INTERNAL.contains(database);
  }

  Document toDocument() {
    return new Document("db", database).append("coll", collection);
  }
}
