package bifrost.connect.elasticsearch;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.errors.DataException;

/** The index of each topic: its configured name, or a valid index name derived from the topic's name. */
final class IndexNames {
    private static final int MAX_LENGTH = 255;

    private final Map<String, String> known;

    IndexNames(Map<String, String> configured) {
        known = new HashMap<>(configured);
    }

    /** @throws DataException no valid index name can be derived from the topic's name */
    String of(String topic) {
        return known.computeIfAbsent(topic, IndexNames::derived);
    }

    private static String derived(String topic) {
        String name = topic.toLowerCase(Locale.ROOT).replaceFirst("^[-_+]+", "");
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.length() > MAX_LENGTH) {
            throw new DataException("topic " + topic + " has no valid index name; set one in topic.index.map");
        }
        return name;
    }
}
