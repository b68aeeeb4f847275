package bifrost.mongo;

import de.bwaldvogel.mongo.backend.Missing;
import de.bwaldvogel.mongo.backend.Utils;
import de.bwaldvogel.mongo.bson.Document;
import java.util.ArrayList;
import java.util.List;

/** The description of an update in a change event. */
final class UpdateDescription {
  private UpdateDescription() {}

  /** Whether an update consists of operators; otherwise it replaces the document. */
  static boolean isPartial(Document update) {
    return update.keySet().stream().anyMatch(key -> key.startsWith("$"));
  }

  /** The updated and removed fields; {@code now} is the document after the update, null if it was deleted meanwhile. */
  static Document of(Document update, Document now) {
    Document set = new Document();
    List<String> removed = new ArrayList<>();
    update.forEach(
        (operator, fields) -> {
          for (String path : ((Document) fields).keySet()) {
            if (operator.equals("$unset")) {
              removed.add(path);
            } else if (!operator.equals("$setOnInsert") && now != null) {
              describe(path, now, set);
            }
          }
        });
    return new Document("updatedFields", set.cloneDeeply())
        .append("removedFields", removed)
        .append("truncatedArrays", List.of());
  }

  private static void describe(String path, Document now, Document set) {
    Object value = path.contains("$") ? Missing.getInstance() : Utils.getSubdocumentValue(now, path);
    String top = path.split("\\.")[0];
    if (!(value instanceof Missing)) {
      set.put(path, value);
    } else if (now.containsKey(top)) {
      set.put(top, now.get(top)); // a change within an array is reported as the whole array
    }
  }
}
