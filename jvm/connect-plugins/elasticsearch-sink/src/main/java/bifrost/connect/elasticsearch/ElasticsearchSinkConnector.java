package bifrost.connect.elasticsearch;

import bifrost.connect.config.Findings;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes topics into indices of Elasticsearch or OpenSearch; reads the configuration of the vendor's plugin. */
public final class ElasticsearchSinkConnector extends SinkConnector {
    static final String VERSION = "1";
    private static final Logger LOG = LoggerFactory.getLogger(ElasticsearchSinkConnector.class);

    private Map<String, String> given = Map.of();

    @Override
    public String version() {
        return VERSION;
    }

    @Override
    public ConfigDef config() {
        return ElasticsearchSinkConfig.DEFINITION;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return ElasticsearchSinkTask.class;
    }

    @Override
    public void start(Map<String, String> properties) {
        given = Map.copyOf(properties);
        ElasticsearchSinkConfig.VENDOR.warn(LOG, config(), given);
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, given);
    }

    @Override
    public void stop() {
        // Nothing of its own runs.
    }

    /** Besides each key by itself: whether the search engine answers this user. */
    @Override
    public Config validate(Map<String, String> properties) {
        Config result = super.validate(properties);
        if (Findings.areNone(result)) {
            try (SearchClient client = new RestSearchClient(new ElasticsearchSinkConfig(properties))) {
                client.check();
            } catch (SearchClient.CheckFailed failed) {
                Findings.blame(result, failed.key(), failed.getMessage());
            }
        }
        return result;
    }
}
