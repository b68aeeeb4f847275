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

/** Builds a {@link ConfigDef} group by group, so that Connect's validate endpoint can say everything about a key. */
public final class Options {
    private final ConfigDef definition = new ConfigDef();
    private String group = "";
    private int order;

    /** The keys that follow belong to this group. */
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

    /** The vendor's keys that have no effect here, or allow one value only. */
    public Options vendor(VendorKeys keys) {
        keys.addTo(definition);
        return this;
    }

    /** All keys defined so far. */
    public ConfigDef definition() {
        return definition;
    }

    /** One key under construction. */
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

        /** Rarely changed. */
        public Key low() {
            importance = Importance.LOW;
            return this;
        }

        /** Only values that pass. */
        public Key check(Validator check) {
            validator = check;
            return this;
        }

        /** At least this number. */
        public Key atLeast(Number least) {
            return check(ConfigDef.Range.atLeast(least));
        }

        /** One of these words, in any case; validate recommends them. */
        public Key oneOf(String... words) {
            validator = ConfigDef.CaseInsensitiveValidString.in(words);
            return recommend(Arrays.asList((Object[]) words));
        }

        /** One of an enum's constants, in lower case. */
        public Key oneOf(Class<? extends Enum<?>> words) {
            return oneOf(Arrays.stream(words.getEnumConstants())
                    .map(word -> word.name().toLowerCase(Locale.ROOT))
                    .toArray(String[]::new));
        }

        /** Values that validate offers; others are allowed too unless a check says otherwise. */
        public Key recommend(List<Object> values) {
            recommender = new Fixed(values);
            return this;
        }

        /** What the key does; completes the definition. */
        public Options doc(String text) {
            order++;
            definition.define(
                    name, type, defaultValue, validator, importance, text, group, order, Width.MEDIUM, name, recommender);
            return Options.this;
        }
    }

    private record Fixed(List<Object> values) implements Recommender {
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
