package bifrost.mongo;

import de.bwaldvogel.mongo.bson.Document;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Protects the data of change events from the stages of a pipeline.
 *
 * <p>The stages evaluate documents that an expression such as {@code $$ROOT} yields once more. A field named {@code $c}
 * would then be an unknown operator and a text such as {@code $100} the path of a field. A mark in front of both makes
 * them plain data, and is removed from the result.
 */
final class EventEscaping {
  private static final String MARK = "\uE000"; // private use: no client gives it a meaning

  /** Operators of filters whose operand is not a value of a document. */
  private static final Set<String> NOT_COMPARED = Set.of("$expr", "$regex", "$options", "$where", "$jsonSchema", "$type");

  private EventEscaping() {}

  /** A copy of an event in which no name and no text begins with a dollar sign. */
  static Document escaped(Document event) {
    return mapped(event, EventEscaping::escapedText);
  }

  /** Reverts {@link #escaped}. */
  static Document unescaped(Document event) {
    return mapped(event, text -> text.startsWith(MARK) ? text.substring(MARK.length()) : text);
  }

  /** The stages of a pipeline, with the values that {@code $match} compares with escaped as those of the events. */
  static List<Document> escapedStages(List<Document> stages) {
    return stages.stream().map(EventEscaping::escapedStage).toList();
  }

  private static Document escapedStage(Document stage) {
    return stage.get("$match") instanceof Document filter ? new Document("$match", escapedFilter(filter)) : stage;
  }

  private static Document escapedFilter(Document filter) {
    Document result = new Document();
    filter.forEach((name, value) -> result.put(name, NOT_COMPARED.contains(name) ? value : escapedOperand(value)));
    return result;
  }

  private static Object escapedOperand(Object value) {
    if (value instanceof Document filter) {
      return escapedFilter(filter);
    }
    if (value instanceof Collection<?> items) {
      return items.stream().map(EventEscaping::escapedOperand).toList();
    }
    return value instanceof String text ? escapedText(text) : value;
  }

  private static String escapedText(String text) {
    return text.startsWith("$") || text.startsWith(MARK) ? MARK + text : text;
  }

  private static Document mapped(Document document, UnaryOperator<String> change) {
    Document result = new Document();
    document.forEach((name, value) -> result.put(change.apply(name), mappedValue(value, change)));
    return result;
  }

  private static Object mappedValue(Object value, UnaryOperator<String> change) {
    if (value instanceof String text) {
      return change.apply(text);
    }
    if (value instanceof Document document) {
      return mapped(document, change);
    }
    if (value instanceof Collection<?> items) {
      List<Object> result = new ArrayList<>(items.size());
      items.forEach(item -> result.add(mappedValue(item, change)));
      return result;
    }
    return value;
  }
}
