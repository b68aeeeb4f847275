package bifrost.connect.spooldir;

import bifrost.connect.config.Findings;
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
        return SpoolDirKeys.DEFINITION;
    }

    /** Besides each key by itself: keys that do not go with others, and whether there is a folder to read from. */
    @Override
    public Config validate(Map<String, String> properties) {
        Config result = super.validate(properties);
        if (Findings.areNone(result)) {
            Map<String, String> problems = SpoolDirConfig.conflicts(properties);
            if (!Files.isDirectory(Path.of(properties.get("input.path")))) {
                problems.put("input.path", "is not a folder");
            }
            problems.forEach((key, message) -> Findings.blame(result, key, message));
        }
        return result;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = properties;
        new SpoolDirConfig(properties); // refuses what validate would
        SpoolDirKeys.VENDOR.warn(LOG, SpoolDirKeys.DEFINITION, properties);
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
