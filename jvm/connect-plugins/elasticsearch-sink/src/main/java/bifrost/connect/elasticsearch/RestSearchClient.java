package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.apache.http.Header;
import org.apache.http.HttpHeaders;
import org.apache.http.HttpHost;
import org.apache.http.entity.ContentType;
import org.apache.http.message.BasicHeader;
import org.apache.http.nio.entity.NByteArrayEntity;
import org.elasticsearch.client.Request;
import org.elasticsearch.client.Response;
import org.elasticsearch.client.ResponseException;
import org.elasticsearch.client.RestClient;
import org.elasticsearch.client.RestClientBuilder;

/** A client for the REST API of Elasticsearch or OpenSearch. Thread-safe. */
final class RestSearchClient implements SearchClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<Integer> BUSY = Set.of(408, 429, 502, 503, 504);
    private static final int CONFLICT = 409;
    private static final int NOT_FOUND = 404;

    private final RestClient rest;
    private final String hostNames;
    private final boolean hasTlsKeys;

    /**
     * Connects with the first request.
     *
     * @throws CheckFailed a key or certificate cannot be read
     */
    RestSearchClient(ElasticsearchSinkConfig config) throws CheckFailed {
        hasTlsKeys = config.hasTlsKeys();
        SearchTls tls = SearchTls.of(config);
        HttpHost[] hosts = config.urls().stream()
                .map(uri -> new HttpHost(uri.getHost(), uri.getPort() < 0 ? defaultPort(uri.getScheme()) : uri.getPort(), uri.getScheme()))
                .toArray(HttpHost[]::new);
        hostNames = Arrays.stream(hosts).map(HttpHost::toURI).collect(Collectors.joining(", "));
        int connect = config.getInt(ElasticsearchSinkConfig.CONNECTION_TIMEOUT);
        int read = config.getInt(ElasticsearchSinkConfig.READ_TIMEOUT);
        RestClientBuilder builder = RestClient.builder(hosts)
                .setDefaultHeaders(authorization(config))
                .setCompressionEnabled(config.getBoolean(ElasticsearchSinkConfig.COMPRESSION))
                .setRequestConfigCallback(request -> request.setConnectTimeout(connect).setSocketTimeout(read))
                .setHttpClientConfigCallback(client -> tls.applyTo(client).setMaxConnPerRoute(config.inFlight() + 1));
        String path = config.path();
        rest = (path.isEmpty() ? builder : builder.setPathPrefix(path)).build();
    }

    @Override
    public void check() throws CheckFailed {
        try {
            Request request = new Request("GET", "/");
            readObject(request, rest.performRequest(request));
        } catch (Busy busy) {
            throw new CheckFailed(ElasticsearchSinkConfig.URL, busy.getMessage(), busy);
        } catch (ResponseException answer) {
            int status = answer.getResponse().getStatusLine().getStatusCode();
            boolean deniesUser = status == 401 || status == 403;
            throw new CheckFailed(
                    deniesUser ? ElasticsearchSinkConfig.USERNAME : ElasticsearchSinkConfig.URL,
                    hostNames + (deniesUser ? " does not accept this user and password" : " answers with status " + status),
                    answer);
        } catch (IOException unavailable) {
            throw unavailable(unavailable);
        }
    }

    @Override
    public List<Outcome> bulk(List<Document> documents) throws Busy, Refused {
        Request request = new Request("POST", "/_bulk");
        request.addParameter("filter_path", "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by");
        request.setEntity(new NByteArrayEntity(BulkBody.of(documents), ContentType.create("application/x-ndjson")));
        return outcomes(perform(request), documents.size());
    }

    /** Only a complete bulk answer confirms documents: a proxy may answer with status 200 and another body. */
    private List<Outcome> outcomes(JsonNode answer, int expected) throws Busy {
        JsonNode items = answer.path("items");
        if (!answer.path("errors").isBoolean() || !items.isArray() || items.size() != expected) {
            throw new Busy("The answer of " + hostNames + " to a bulk request does not list the results of its " + expected
                    + " documents; check what " + ElasticsearchSinkConfig.URL + " leads to", null);
        }
        List<Outcome> outcomes = new ArrayList<>(expected);
        for (JsonNode item : items) {
            JsonNode result = item.elements().hasNext() ? item.elements().next() : item;
            if (!result.path("status").isInt()) {
                throw new Busy("The answer of " + hostNames + " to a bulk request has a result without a status", null);
            }
            outcomes.add(outcome(result));
        }
        return outcomes;
    }

    @Override
    public void ensureIndex(String index, ObjectNode mapping) throws Busy, Refused {
        if (find("/" + index) == null) {
            create(index);
        }
        if (mapping == null) {
            return;
        }
        JsonNode present = find("/" + index + "/_mapping");
        boolean isMapped = present != null && present.findValue("properties") != null;
        if (!isMapped) {
            Request request = new Request("PUT", "/" + index + "/_mapping");
            request.setJsonEntity(mapping.toString());
            perform(request);
        }
    }

    @Override
    public void close() {
        try {
            rest.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private void create(String index) throws Busy, Refused {
        try {
            perform(new Request("PUT", "/" + index));
        } catch (Refused refused) {
            if (!refused.getMessage().contains("resource_already_exists_exception")) { // another task created it meanwhile
                throw refused;
            }
        }
    }

    /** The resource at a path; {@code null} if it does not exist. */
    private JsonNode find(String path) throws Busy, Refused {
        Request request = new Request("GET", path);
        request.addParameter("ignore", Integer.toString(NOT_FOUND));
        JsonNode found = perform(request);
        return found.path("status").asInt() == NOT_FOUND ? null : found;
    }

    private JsonNode perform(Request request) throws Busy, Refused {
        try {
            Response response = rest.performRequest(request);
            return readObject(request, response);
        } catch (ResponseException answer) {
            int status = answer.getResponse().getStatusLine().getStatusCode();
            String message = request.getMethod() + " " + request.getEndpoint() + " at " + hostNames + ": " + answer.getMessage();
            if (BUSY.contains(status)) {
                throw new Busy(message, answer);
            }
            throw new Refused(status, message, answer);
        } catch (IOException unavailable) {
            throw new Busy(hostNames + " does not answer: " + reason(unavailable), unavailable);
        }
    }

    private JsonNode readObject(Request request, Response response) throws IOException, Busy {
        String message = hostNames + " answered " + request.getMethod() + " " + request.getEndpoint()
                + " with a body that is not a JSON object; check what " + ElasticsearchSinkConfig.URL + " leads to";
        if (response.getEntity() == null) {
            throw new Busy(message, null);
        }
        try (InputStream body = response.getEntity().getContent()) {
            JsonNode answer = JSON.readTree(body);
            if (!answer.isObject()) {
                throw new Busy(message, null);
            }
            return answer;
        } catch (JsonProcessingException invalid) {
            throw new Busy(message, invalid);
        }
    }

    private static Outcome outcome(JsonNode item) {
        int status = item.path("status").asInt();
        // Conflict: this version or a later one is stored already. Not found: the document to delete does not exist.
        if (status >= 200 && status < 300 || status == CONFLICT || status == NOT_FOUND && item.path("error").isMissingNode()) {
            return Outcome.DONE;
        }
        JsonNode error = item.path("error");
        String cause = error.path("caused_by").path("reason").asText("");
        String reason = error.path("type").asText() + ": " + error.path("reason").asText() + (cause.isEmpty() ? "" : ": " + cause);
        return new Outcome(BUSY.contains(status) ? Outcome.Kind.BUSY : Outcome.Kind.REFUSED, reason);
    }

    private static String reason(IOException failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private CheckFailed unavailable(IOException failure) {
        Throwable cause = failure;
        boolean isRefusedTls = cause instanceof SSLException;
        while (cause.getCause() != null) {
            cause = cause.getCause();
            isRefusedTls |= cause instanceof SSLException;
        }
        if (!isRefusedTls) {
            return new CheckFailed(ElasticsearchSinkConfig.URL, hostNames + " does not answer: " + reason(failure), failure);
        }
        // The first cause: the client's own message links to a manual.
        String message = "No TLS connection to " + hostNames + ": " + cause.getMessage();
        return new CheckFailed(hasTlsKeys ? ElasticsearchSinkConfig.TRUSTSTORE : ElasticsearchSinkConfig.URL, message, failure);
    }

    private static Header[] authorization(ElasticsearchSinkConfig config) {
        if (config.password() == null) {
            return new Header[0];
        }
        String user = config.getString(ElasticsearchSinkConfig.USERNAME) + ":" + config.password();
        String encoded = Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8));
        return new Header[] {new BasicHeader(HttpHeaders.AUTHORIZATION, "Basic " + encoded)};
    }

    private static int defaultPort(String scheme) {
        return scheme.equalsIgnoreCase("https") ? 443 : 9200;
    }
}
