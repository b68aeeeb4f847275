package bifrost.connect.elasticsearch;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.errors.DataException;

/** The index of each topic: as it was named, else the topic's name in the form that indices must have. */
final class IndexNames {
    private static final int MAX_LENGTH = 255;

    private final Map<String, String> known;

    IndexNames(Map<String, String> named) {
        known = new HashMap<>(named);
    }

    /** @throws DataException no index can have this topic's name */
    String of(String topic) {
        return known.computeIfAbsent(topic, IndexNames::derived);
    }

    private static String derived(String topic) {
        String name = topic.toLowerCase(Locale.ROOT).replaceFirst("^[-_+]+", "");
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.length() > MAX_LENGTH) {
            throw new DataException("topic " + topic + " cannot be an index's name; name one in topic.index.map");
        }
        return name;
    }
}
