package bifrost.connect.elasticsearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElasticsearchSinkConnectorTest {
    private final ElasticsearchSinkConnector connector = new ElasticsearchSinkConnector();

    @Test
    void validateReportsThatNothingAnswers() {
        Map<String, List<String>> errors = errors(Map.of("connection.url", "http://127.0.0.1:1"));
        assertEquals(List.of("connection.url"), List.copyOf(errors.keySet()));
        assertTrue(errors.get("connection.url").get(0).startsWith("connection.url: http://127.0.0.1:1 does not answer: "));
    }

    @Test
    void validateReportsAServerThatIsNotASearchEngine() throws Exception {
        try (FakeSearch search = new FakeSearch()) {
            for (String page : List.of("", "<html>Welcome</html>", "[]", "\"ok\"")) {
                search.root = page;
                String error = errors(Map.of("connection.url", search.url())).get("connection.url").get(0);
                assertTrue(error.contains("not a JSON object"), error);
            }
        }
    }

    @Test
    void validateReportsThatTheUserIsNotAccepted() throws Exception {
        try (FakeSearch search = new FakeSearch()) {
            search.authorization = "Basic other-user";
            var errors = errors(Map.of("connection.url", search.url()));
            assertTrue(errors.get("connection.username").get(0).contains("does not accept this user"));
        }
    }

    @Test
    void validateAcceptsTheDocumentedConfiguration() throws Exception {
        try (FakeSearch search = new FakeSearch()) {
            assertEquals(Map.of(), errors(Map.of(
                    "connection.url", search.url(),
                    "type.name", "type.name=kafkaconnect",
                    "topic.index.map", "LOGON_ENRICHED:logon_enriched,ORDERS_AGG_HOURLY_WITH_WINDOW:orders_agg_hourly",
                    "key.ignore", "true",
                    "schema.ignore", "true")));
        }
    }

    @Test
    void eachKeyIsChecked() {
        var errors = errors(Map.of(
                "connection.url", "ftp://there",
                "behavior.on.null.values", "sometimes",
                "topic.index.map", "no-pair",
                "bulk.size.bytes", "0",
                "data.stream.type", "logs"));
        assertEquals(
                List.of("behavior.on.null.values", "bulk.size.bytes", "connection.url", "data.stream.type", "topic.index.map"),
                errors.keySet().stream().sorted().toList());
    }

    @Test
    void aPasswordInTheUrlIsRefusedAndNotRepeated() {
        var errors = errors(Map.of("connection.url", "http://alice:secret@there:9200"));
        assertEquals(
                List.of("connection.url names a user; set connection.username and connection.password instead"),
                errors.get("connection.url"));
    }

    @Test
    void aPathOfTheUrlIsPartOfEveryRequest() throws Exception {
        try (FakeSearch search = new FakeSearch()) {
            search.mappings.put("behind", new ObjectMapper().createObjectNode());
            assertEquals(Map.of(), errors(Map.of("connection.url", search.url() + "/behind/a/proxy")));
            assertEquals(List.of("/behind/a/proxy/"), search.paths);
        }
    }

    @Test
    void aConnectionThatIsNotOpenedInTimeFails() {
        long begun = System.nanoTime();
        errors(Map.of("connection.url", "http://10.255.255.1:9200", "connection.timeout.ms", "100"));
        assertTrue(System.nanoTime() - begun < 5_000_000_000L);
    }

    @Test
    void missingKeysAreReportedByName() {
        Map<String, String> given = new HashMap<>();
        given.put("connection.username", null);
        assertEquals(
                Map.of("connection.url", List.of("Missing required configuration \"connection.url\" which has no default value.")),
                errors(given));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "http://a:9200/,http://b:9200", "http://a:9200,b:9200/", "https://a/es/, https://b/es", "HTTP://a:9200", "a", "[::1]:9200"
    })
    void severalUrlsAreAccepted(String urls) {
        new ElasticsearchSinkConfig(Map.of("connection.url", urls));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://a:9200/es,http://b:9200", "", "ftp://a", "http://", "http://a b", "http://a,,http://b", "http://a?x=1"})
    void urlsThatDoNotFitAreRefusedByName(String urls) {
        String message = errors(Map.of("connection.url", urls)).get("connection.url").get(0);
        assertTrue(message.contains("connection.url"), message);
    }

    @Test
    void vendorKeysWithoutEffectAreKnown() {
        assertEquals(List.of("type.name"), List.copyOf(ElasticsearchSinkConfig.VENDOR.effectless(Map.of("type.name", "x")).keySet()));
    }

    private Map<String, List<String>> errors(Map<String, String> given) {
        Map<String, List<String>> found = new HashMap<>();
        for (ConfigValue value : connector.validate(new HashMap<>(given)).configValues()) {
            if (!value.errorMessages().isEmpty()) {
                found.put(value.name(), value.errorMessages());
            }
        }
        return found;
    }
}
