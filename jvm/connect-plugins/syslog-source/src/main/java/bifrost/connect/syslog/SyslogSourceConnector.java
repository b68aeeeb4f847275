package bifrost.connect.syslog;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.SourceConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the two connectors share. One task, however many are allowed: a port can be listened on once. */
abstract class SyslogSourceConnector extends SourceConnector {
    static final String VERSION = "1";
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
        return VERSION;
    }

    @Override
    public ConfigDef config() {
        return definition;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = new HashMap<>(properties);
        given.put(SyslogConfig.PROTOCOL, protocol);
        new SyslogConfig(given);
        SyslogConfig.VENDOR.warn(LOG, definition, properties);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return SyslogSourceTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int most) {
        return List.of(given);
    }

    @Override
    public void stop() {
        // the task holds the port
    }
}
