package bifrost.connect.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.slf4j.Logger;

/**
 * What the vendor's plugin knows and ours does not: keys that are accepted without effect, as the result is the same or
 * nearly so, and keys of which only the value is accepted that changes nothing, as ignoring another would do harm.
 */
public final class VendorKeys {
    /** Connect's own keys of a sink or source; plugins are handed them too. */
    private static final Set<String> FRAMEWORK = Set.of(
            "name", "connector.class", "connector.plugin.version", "tasks.max", "tasks.max.enforce", "topics",
            "topics.regex", "transforms", "predicates", "config.action.reload", "key.converter", "value.converter",
            "header.converter", "exactly.once.support", "transaction.boundary", "transaction.boundary.interval.ms",
            "offsets.storage.topic", "task.class", "task.id");

    private static final List<String> FRAMEWORK_PREFIXES = List.of(
            "transforms.", "predicates.", "errors.", "key.converter.", "value.converter.", "header.converter.",
            "consumer.override.", "producer.override.", "admin.override.", "topic.creation.", "bifrost.");

    private final Map<String, String> withoutEffect = new LinkedHashMap<>();
    private final Map<String, Only> limited = new LinkedHashMap<>();

    private record Only(Object value, String why) {}

    /** A key that is accepted and does nothing. */
    public VendorKeys withoutEffect(String name, String why) {
        withoutEffect.put(name, why);
        return this;
    }

    /** A key of which only this value is accepted. */
    public VendorKeys only(String name, String value, String why) {
        limited.put(name, new Only(value, why));
        return this;
    }

    /** The keys' definitions are added, so that validate knows them. */
    void addTo(ConfigDef definition) {
        withoutEffect.forEach((name, why) ->
                definition.define(name, Type.STRING, null, Importance.LOW, "Accepted, without effect: " + why + "."));
        limited.forEach((name, only) -> definition.define(
                name, Type.STRING, only.value, this::check, Importance.LOW,
                "Only '" + only.value + "' is accepted: " + only.why + "."));
    }

    /** Names in the log those of the given keys that do nothing: the vendor's, and those that nobody knows. */
    public void warn(Logger log, ConfigDef definition, Map<String, String> given) {
        effectless(given).forEach((name, why) -> log.warn("{} has no effect: {}", name, why));
        unknown(definition, given).forEach(name -> log.warn("{} is not a key of this connector: it has no effect", name));
    }

    /** Those of the given keys that are accepted without effect, with the reason. */
    public Map<String, String> effectless(Map<String, String> given) {
        Map<String, String> found = new TreeMap<>(withoutEffect);
        found.keySet().retainAll(given.keySet());
        return found;
    }

    /** Those of the given keys that are neither defined nor Connect's own. */
    public static List<String> unknown(ConfigDef definition, Map<String, String> given) {
        return given.keySet().stream()
                .filter(name -> !definition.names().contains(name) && !FRAMEWORK.contains(name))
                .filter(name -> FRAMEWORK_PREFIXES.stream().noneMatch(name::startsWith))
                .sorted()
                .toList();
    }

    private void check(String name, Object value) {
        Only only = limited.get(name);
        if (value != null && !value.toString().equalsIgnoreCase(only.value.toString())) {
            throw new ConfigException(name, value, "only '" + only.value + "' is accepted: " + only.why);
        }
    }
}
