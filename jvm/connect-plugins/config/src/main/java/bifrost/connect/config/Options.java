package bifrost.connect.config;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Recommender;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.Validator;
import org.apache.kafka.common.config.ConfigDef.Width;

/** Builds a {@link ConfigDef} group by group, with everything that Connect's validate endpoint returns for a key. */
public final class Options {
    private final ConfigDef definition = new ConfigDef();
    private String group = "";
    private int order;

    /** Starts a group; all keys defined after this belong to it. */
    public Options group(String name) {
        group = name;
        order = 0;
        return this;
    }

    /** A key that must be set; {@link Key#doc} completes it. */
    public Key required(String name, Type type) {
        return new Key(name, type, ConfigDef.NO_DEFAULT_VALUE, Importance.HIGH);
    }

    /** A key with a default, which may be {@code null}; {@link Key#doc} completes it. */
    public Key optional(String name, Type type, Object defaultValue) {
        return new Key(name, type, defaultValue, Importance.MEDIUM);
    }

    /** Adds the vendor's keys that have no effect here or accept only one value. */
    public Options vendor(VendorKeys keys) {
        keys.addTo(definition);
        return this;
    }

    /** The definition with all keys added so far. */
    public ConfigDef definition() {
        return definition;
    }

    /** A key whose definition is not complete yet; {@link #doc} completes it. */
    public final class Key {
        private final String name;
        private final Type type;
        private final Object defaultValue;
        private Importance importance;
        private Validator validator;
        private Recommender recommender;

        private Key(String name, Type type, Object defaultValue, Importance importance) {
            this.name = name;
            this.type = type;
            this.defaultValue = defaultValue;
            this.importance = importance;
        }

        /** Marks the key as one that is rarely changed. */
        public Key low() {
            importance = Importance.LOW;
            return this;
        }

        /** Accepts only values that pass this check. A value that is missing or not of the key's type is not checked. */
        public Key check(Validator check) {
            validator = (key, value) -> {
                if (value != null) {
                    check.ensureValid(key, value);
                }
            };
            return this;
        }

        /** Accepts this number and larger ones. */
        public Key atLeast(Number least) {
            return check(ConfigDef.Range.atLeast(least));
        }

        /** Accepts one of these words in upper or lower case; validate recommends them. */
        public Key oneOf(String... words) {
            check(ConfigDef.CaseInsensitiveValidString.in(words));
            return recommend(Arrays.asList((Object[]) words));
        }

        /** Accepts the constants of an enum in upper or lower case; validate recommends them in lower case. */
        public Key oneOf(Class<? extends Enum<?>> words) {
            return oneOf(Arrays.stream(words.getEnumConstants())
                    .map(word -> word.name().toLowerCase(Locale.ROOT))
                    .toArray(String[]::new));
        }

        /** Values that validate recommends. Other values are accepted too, unless a check refuses them. */
        public Key recommend(List<Object> values) {
            recommender = new FixedValues(values);
            return this;
        }

        /** Documents the key and completes its definition. */
        public Options doc(String text) {
            order++;
            definition.define(
                    name, type, defaultValue, validator, importance, text, group, order, Width.MEDIUM, name, recommender);
            return Options.this;
        }
    }

    private record FixedValues(List<Object> values) implements Recommender {
        @Override
        public List<Object> validValues(String name, Map<String, Object> parsed) {
            return values;
        }

        @Override
        public boolean visible(String name, Map<String, Object> parsed) {
            return true;
        }
    }
}
