package bifrost.connect.config;

import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;

/**
 * A problem that only shows when keys are read together, or when the remote system is contacted.
 *
 * @param key the key that the problem is shown at
 * @param message what is wrong and what to do about it
 */
public record Finding(String key, String message) {
    /** A key that another setting requires, in the words that Connect uses for a missing key. */
    public static Finding missing(String key, String requiredBy) {
        return new Finding(key, "Missing required configuration \"" + key + "\", which is required by " + requiredBy);
    }

    /** Adds this problem to the validate result. */
    public void addTo(Config result) {
        for (ConfigValue value : result.configValues()) {
            if (value.name().equals(key)) {
                // Connect joins the messages of all keys when it refuses a connector, without the names of the keys.
                value.addErrorMessage(message.contains(key) ? message : key + ": " + message);
            }
        }
    }

    /** Whether the result has no error yet, so that a check against the remote system makes sense. */
    public static boolean areNone(Config result) {
        return result.configValues().stream().allMatch(value -> value.errorMessages().isEmpty());
    }
}
