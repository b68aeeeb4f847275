package bifrost.connect.s3;

import bifrost.connect.config.Findings;
import bifrost.connect.s3.store.AwsObjectStore;
import bifrost.connect.s3.store.ObjectStore;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes topics as objects into an S3 bucket; reads the configuration of the vendor's plugin. */
public final class S3SinkConnector extends SinkConnector {
    static final String VERSION = "1";
    private static final Logger LOG = LoggerFactory.getLogger(S3SinkConnector.class);

    private Map<String, String> given = Map.of();

    @Override
    public String version() {
        return VERSION;
    }

    @Override
    public ConfigDef config() {
        return S3SinkConfig.DEFINITION;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return S3SinkTask.class;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = Map.copyOf(properties);
        S3SinkConfig.VENDOR.warn(LOG, config(), given);
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, given);
    }

    @Override
    public void stop() {
        // Nothing of its own runs.
    }

    /** Besides each key by itself: keys that others need, and whether the bucket can be reached. */
    @Override
    public Config validate(Map<String, String> properties) {
        Config result = super.validate(properties);
        S3SinkConfig.missing(properties).forEach((key, message) -> Findings.blame(result, key, message));
        if (Findings.areNone(result)) {
            try (ObjectStore store = AwsObjectStore.impatient(new S3SinkConfig(properties))) {
                store.check();
            } catch (ObjectStore.CheckFailed failed) {
                Findings.blame(result, failed.key(), failed.getMessage());
            }
        }
        return result;
    }
}
