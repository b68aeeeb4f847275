package bifrost.connect.elasticsearch;

import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.apache.http.conn.ssl.NoopHostnameVerifier;
import org.apache.http.impl.nio.client.HttpAsyncClientBuilder;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * TLS to the search engine: Kafka's keys for TLS, with the vendor's prefix.
 *
 * @param context what to trust and to show; {@code null} for that of the worker's Java
 * @param checksHost whether a certificate must name the host of the URL
 */
record SearchTls(SSLContext context, boolean checksHost) {
    private static final String PREFIX = "elastic.https.";

    /**
     * Reads the stores.
     *
     * @throws SearchClient.CheckFailed one of them cannot be read
     */
    static SearchTls of(ElasticsearchSinkConfig config) throws SearchClient.CheckFailed {
        if (!config.hasTlsKeys()) {
            return new SearchTls(null, true);
        }
        return new SearchTls(context(config), !config.getString(ElasticsearchSinkConfig.HOST_CHECK).isEmpty());
    }

    /** Makes a client use it. */
    HttpAsyncClientBuilder applyTo(HttpAsyncClientBuilder client) {
        if (context != null) {
            client.setSSLContext(context);
        }
        return checksHost ? client : client.setSSLHostnameVerifier(NoopHostnameVerifier.INSTANCE);
    }

    private static SSLContext context(ElasticsearchSinkConfig config) throws SearchClient.CheckFailed {
        ConfigDef keys = new ConfigDef();
        SslConfigs.addClientSslSupport(keys);
        Map<String, Object> given = config.originalsWithPrefix(PREFIX).entrySet().stream()
                .filter(entry -> !"".equals(entry.getValue()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
            factory.configure(keys.parse(given));
            return factory.sslContext();
        } catch (KafkaException invalid) {
            throw new SearchClient.CheckFailed(blamed(config), invalid.getMessage(), invalid);
        }
    }

    /** The key of the store that is most likely the cause. */
    private static String blamed(ElasticsearchSinkConfig config) {
        boolean hasKeystore = config.getString(ElasticsearchSinkConfig.KEYSTORE) != null;
        return hasKeystore ? ElasticsearchSinkConfig.KEYSTORE : ElasticsearchSinkConfig.TRUSTSTORE;
    }
}
