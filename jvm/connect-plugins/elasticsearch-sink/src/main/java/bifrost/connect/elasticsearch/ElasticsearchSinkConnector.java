package bifrost.connect.elasticsearch;

import bifrost.connect.config.Finding;
import bifrost.connect.config.VendorSinkConnector;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Writes topics into indices of Elasticsearch or OpenSearch; reads the configuration of the vendor's plugin. */
public final class ElasticsearchSinkConnector extends VendorSinkConnector {
    /** Created by Connect. */
    public ElasticsearchSinkConnector() {
        super(ElasticsearchSinkConfig.DEFINITION, ElasticsearchSinkConfig.VENDOR, ElasticsearchSinkTask.class);
    }

    @Override
    protected List<Finding> conflicts(Map<String, String> given) {
        boolean wantsTls = "SSL".equalsIgnoreCase(given.get(ElasticsearchSinkConfig.SECURITY_PROTOCOL));
        String urls = given.getOrDefault(ElasticsearchSinkConfig.URL, "").toLowerCase(Locale.ROOT);
        boolean areSecured = Stream.of(urls.split(",")).allMatch(url -> url.strip().startsWith("https://"));
        return !wantsTls || areSecured
                ? List.of()
                : List.of(new Finding(ElasticsearchSinkConfig.URL, "all URLs must begin with https:// where "
                        + ElasticsearchSinkConfig.SECURITY_PROTOCOL + " is SSL"));
    }

    @Override
    protected Optional<Finding> checkRemote(Map<String, String> given) {
        try (SearchClient client = new RestSearchClient(new ElasticsearchSinkConfig(given))) {
            client.check();
            return Optional.empty();
        } catch (SearchClient.CheckFailed failed) {
            return Optional.of(new Finding(failed.key(), failed.getMessage()));
        }
    }
}
