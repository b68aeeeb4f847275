package bifrost.connect.spooldir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the rows of CSV files to a topic; tasks share the files by their names. */
public final class SpoolDirCsvSourceConnector extends SourceConnector {
    static final String VERSION = "1";
    private static final Logger LOG = LoggerFactory.getLogger(SpoolDirCsvSourceConnector.class);

    private Map<String, String> given;

    @Override
    public String version() {
        return VERSION;
    }

    @Override
    public ConfigDef config() {
        return SpoolDirConfig.DEFINITION;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = properties;
        new FileSchemas(new SpoolDirConfig(properties));
        SpoolDirConfig.VENDOR.warn(LOG, SpoolDirConfig.DEFINITION, properties);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return SpoolDirCsvSourceTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int most) {
        List<Map<String, String>> tasks = new ArrayList<>();
        for (int task = 0; task < most; task++) {
            Map<String, String> config = new HashMap<>(given);
            config.put("task.index", String.valueOf(task));
            config.put("task.count", String.valueOf(most));
            tasks.add(config);
        }
        return tasks;
    }

    @Override
    public void stop() {
        // nothing is held here
    }

    @Override
    public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> properties) {
        return ExactlyOnceSupport.SUPPORTED;
    }
}
