package bifrost.connect.syslog;

import bifrost.connect.config.PluginVersion;
import bifrost.connect.config.VendorKeys;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.SourceConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The base of the syslog connectors. Runs one task, because only one can listen on the port. */
abstract class SyslogSourceConnector extends SourceConnector {
    private static final Logger LOG = LoggerFactory.getLogger(SyslogSourceConnector.class);

    private final String protocol;
    private final ConfigDef definition;
    private Map<String, String> given;

    SyslogSourceConnector(String protocol, ConfigDef definition) {
        this.protocol = protocol;
        this.definition = definition;
    }

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public ConfigDef config() {
        return definition;
    }

    @Override
    public Config validate(Map<String, String> properties) {
        return super.validate(VendorKeys.withoutNulls(properties));
    }

    @Override
    public void start(Map<String, String> properties) {
        given = VendorKeys.withoutNulls(properties);
        given.put(SyslogConfig.PROTOCOL, protocol);
        new SyslogConfig(given);
        SyslogConfig.VENDOR.warn(LOG, definition, properties);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return SyslogSourceTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return List.of(given);
    }

    @Override
    public void stop() {
        // The connector itself holds no resources; its task does.
    }
}
