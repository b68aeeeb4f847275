package bifrost.connect.config;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.slf4j.LoggerFactory;

/**
 * A sink connector that reads the configuration of a vendor's plugin and gives every task the same configuration. The
 * subclass defines the keys, names the task class and checks the remote system.
 */
public abstract class VendorSinkConnector extends SinkConnector {
    private final ConfigDef definition;
    private final VendorKeys vendorKeys;
    private final Class<? extends Task> taskClass;
    private Map<String, String> given = Map.of();

    protected VendorSinkConnector(ConfigDef definition, VendorKeys vendorKeys, Class<? extends Task> taskClass) {
        this.definition = definition;
        this.vendorKeys = vendorKeys;
        this.taskClass = taskClass;
    }

    /** Problems of keys that depend on each other. Called with any configuration, also an incomplete one. */
    protected abstract List<Finding> conflicts(Map<String, String> given);

    /** What the remote system says to a configuration that has no other problem; empty if it accepts it. */
    protected abstract Optional<Finding> checkRemote(Map<String, String> given);

    @Override
    public final String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public final ConfigDef config() {
        return definition;
    }

    @Override
    public final Class<? extends Task> taskClass() {
        return taskClass;
    }

    @Override
    public final void start(Map<String, String> properties) {
        given = VendorKeys.withoutNulls(properties);
        vendorKeys.warn(LoggerFactory.getLogger(getClass()), definition, given);
    }

    @Override
    public final List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, given);
    }

    @Override
    public final void stop() {
        // The connector itself holds no resources; its tasks do.
    }

    @Override
    public final Config validate(Map<String, String> properties) {
        Map<String, String> set = VendorKeys.withoutNulls(properties);
        Config result = super.validate(set);
        conflicts(set).forEach(finding -> finding.addTo(result));
        if (Finding.areNone(result)) {
            checkRemote(set).ifPresent(finding -> finding.addTo(result));
        }
        return result;
    }
}
