package bifrost.connect.config;

import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;

/**
 * A problem that only shows when keys are read together, or when the remote system is asked.
 *
 * @param key the key that the problem is shown at
 * @param message what is wrong and what to do about it
 */
public record Finding(String key, String message) {
    /** Adds this problem to the validate result. */
    public void addTo(Config result) {
        for (ConfigValue value : result.configValues()) {
            if (value.name().equals(key)) {
                value.addErrorMessage(message);
            }
        }
    }

    /** Whether the result has no error yet, so that a check against the remote system makes sense. */
    public static boolean areNone(Config result) {
        return result.configValues().stream().allMatch(value -> value.errorMessages().isEmpty());
    }
}
