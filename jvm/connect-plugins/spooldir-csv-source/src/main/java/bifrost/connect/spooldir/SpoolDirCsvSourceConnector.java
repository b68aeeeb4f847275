package bifrost.connect.spooldir;

import bifrost.connect.config.Finding;
import bifrost.connect.config.PluginVersion;
import bifrost.connect.config.VendorKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the rows of CSV files to a topic; the files are distributed over the tasks by their names. */
public final class SpoolDirCsvSourceConnector extends SourceConnector {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolDirCsvSourceConnector.class);

    private Map<String, String> given;

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    @Override
    public ConfigDef config() {
        return SpoolDirKeys.DEFINITION;
    }

    /** Checks each key, keys that depend on each other, and that the input folder exists. */
    @Override
    public Config validate(Map<String, String> properties) {
        Map<String, String> set = VendorKeys.withoutNulls(properties);
        Config result = super.validate(set);
        if (Finding.areNone(result)) {
            SpoolDirConfig.conflicts(set).forEach(conflict -> conflict.addTo(result));
            String input = set.get("input.path");
            if (!Files.isDirectory(Path.of(input))) {
                new Finding("input.path", input + " is not a folder of the worker; create it").addTo(result);
            }
        }
        return result;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = VendorKeys.withoutNulls(properties);
        new SpoolDirConfig(given); // fails where validate reports an error
        SpoolDirKeys.VENDOR.warn(LOG, SpoolDirKeys.DEFINITION, properties);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return SpoolDirCsvSourceTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        List<Map<String, String>> tasks = new ArrayList<>();
        for (int task = 0; task < maxTasks; task++) {
            Map<String, String> config = new HashMap<>(given);
            config.put("task.index", String.valueOf(task));
            config.put("task.count", String.valueOf(maxTasks));
            tasks.add(config);
        }
        return tasks;
    }

    @Override
    public void stop() {
        // The connector itself holds no resources; its tasks do.
    }

    @Override
    public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> properties) {
        return ExactlyOnceSupport.SUPPORTED;
    }
}
