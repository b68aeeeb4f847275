package bifrost.connect.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.slf4j.Logger;

/**
 * Keys of the vendor's plugin that have no counterpart here. A key is accepted without effect if ignoring it does no
 * harm. A key whose value would change the result accepts only the value that changes nothing.
 */
public final class VendorKeys {
    /** Connect's own keys; the worker passes them to plugins too. */
    private static final Set<String> FRAMEWORK = Set.of(
            "name", "connector.class", "connector.plugin.version", "tasks.max", "tasks.max.enforce", "topics",
            "topics.regex", "transforms", "predicates", "config.action.reload", "key.converter", "value.converter",
            "header.converter", "exactly.once.support", "transaction.boundary", "transaction.boundary.interval.ms",
            "offsets.storage.topic", "task.class", "task.id");

    private static final List<String> FRAMEWORK_PREFIXES = List.of(
            "transforms.", "predicates.", "errors.", "key.converter.", "value.converter.", "header.converter.",
            "consumer.override.", "producer.override.", "admin.override.", "topic.creation.", "bifrost.");

    private final Map<String, String> withoutEffect = new LinkedHashMap<>();
    private final Map<String, AcceptedValue> limited = new LinkedHashMap<>();

    private record AcceptedValue(Object value, String reason) {}

    /** Adds a key that is accepted and does nothing. */
    public VendorKeys withoutEffect(String name, String reason) {
        withoutEffect.put(name, reason);
        return this;
    }

    /** Adds a key that accepts only one value. */
    public VendorKeys only(String name, String value, String reason) {
        limited.put(name, new AcceptedValue(value, reason));
        return this;
    }

    /** Adds the keys to a definition, so that validate knows them. */
    void addTo(ConfigDef definition) {
        withoutEffect.forEach((name, reason) ->
                definition.define(name, Type.STRING, null, Importance.LOW, "Accepted, without effect: " + reason + "."));
        limited.forEach((name, accepted) -> definition.define(
                name, Type.STRING, accepted.value, this::check, Importance.LOW,
                "Only '" + accepted.value + "' is accepted: " + accepted.reason + "."));
    }

    /** Logs a warning for each given key that has no effect: the vendor's keys, and unknown keys. */
    public void warn(Logger log, ConfigDef definition, Map<String, String> given) {
        effectless(given).forEach((name, reason) -> log.warn("{} has no effect: {}", name, reason));
        unknown(definition, given).forEach(name -> log.warn("{} is not a key of this connector: it has no effect", name));
    }

    /** The given keys that are accepted without effect, with the reason. */
    public Map<String, String> effectless(Map<String, String> given) {
        Map<String, String> found = new TreeMap<>(withoutEffect);
        found.keySet().retainAll(given.keySet());
        return found;
    }

    /** The given keys that neither the definition nor Connect knows, in alphabetical order. */
    public static List<String> unknown(ConfigDef definition, Map<String, String> given) {
        return given.keySet().stream()
                .filter(name -> !definition.names().contains(name) && !FRAMEWORK.contains(name))
                .filter(name -> FRAMEWORK_PREFIXES.stream().noneMatch(name::startsWith))
                .sorted()
                .toList();
    }

    /** The keys that have a value: the worker also passes keys that a client set to null. */
    public static Map<String, String> withoutNulls(Map<String, String> given) {
        Map<String, String> found = new LinkedHashMap<>(given);
        found.values().removeIf(Objects::isNull);
        return found;
    }

    private void check(String name, Object value) {
        AcceptedValue accepted = limited.get(name);
        if (value != null && !value.toString().equalsIgnoreCase(accepted.value.toString())) {
            throw new ConfigException(name, value, "only '" + accepted.value + "' is accepted: " + accepted.reason);
        }
    }
}
