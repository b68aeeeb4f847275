package bifrost.connect.config;

import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;

/** What validate finds besides each key by itself. */
public final class Findings {
    private Findings() {}

    /** Whether nothing is wrong so far, so that it is worth a try. */
    public static boolean areNone(Config result) {
        return result.configValues().stream().allMatch(value -> value.errorMessages().isEmpty());
    }

    /** Puts a message at the key that it is about. */
    public static void blame(Config result, String key, String message) {
        for (ConfigValue value : result.configValues()) {
            if (value.name().equals(key)) {
                value.addErrorMessage(message);
            }
        }
    }
}
