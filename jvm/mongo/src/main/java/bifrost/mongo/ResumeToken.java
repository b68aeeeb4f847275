package bifrost.mongo;

import de.bwaldvogel.mongo.bson.Document;

/** Resume tokens: the cluster time of an event in a form that clients can store and compare. */
final class ResumeToken {
  private static final String FIELD = "_data";
  private static final String KIND = "82";

  private ResumeToken() {}

  static Document of(long time) {
    return new Document(FIELD, String.format("%s%016X", KIND, time));
  }

  static long time(Document token) {
    String data = (String) token.get(FIELD);
    return Long.parseUnsignedLong(data.substring(KIND.length(), KIND.length() + 16), 16);
  }
}
