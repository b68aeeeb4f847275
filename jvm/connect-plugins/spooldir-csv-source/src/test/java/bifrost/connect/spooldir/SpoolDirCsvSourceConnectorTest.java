package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the validate endpoint reports. */
class SpoolDirCsvSourceConnectorTest {
    private static final String STRUCT = "{\"type\":\"STRUCT\",\"fieldSchemas\":{\"at\":%s}}";
    private static final String TIME = "{\"type\":\"INT64\",\"name\":\"org.apache.kafka.connect.data.Timestamp\"%s}";

    private final SpoolDirCsvSourceConnector connector = new SpoolDirCsvSourceConnector();

    @TempDir
    private Path root;

    private SpoolHarness harness;

    @BeforeEach
    void make() throws IOException {
        harness = new SpoolHarness(root);
    }

    @Test
    void aValidConfigurationIsAccepted() {
        assertEquals(List.of(), problems());
        harness.with("timestamp.mode", "field").with("timestamp.field", "at").with("cleanup.policy", "none")
                .with("finished.path", "").with("value.schema", STRUCT.formatted(TIME.formatted("")));
        assertEquals(List.of(), problems());
        assertEquals(ExactlyOnceSupport.SUPPORTED, connector.exactlyOnceSupport(harness.settings));
    }

    @Test
    void wrongValuesAreReported() {
        for (List<String> wrong : List.of(
                List.of("input.file.pattern", "orders["),
                List.of("input.path", "/nowhere/at/all"),
                List.of("finished.path", ""),
                List.of("csv.separator.char", "-1"),
                List.of("csv.separator.char", "0"),
                List.of("csv.separator.char", "10"),
                List.of("csv.quote.char", "13"),
                List.of("csv.file.charset", "EBCDIC-9000"),
                List.of("topic", ""),
                List.of("input.path", ""),
                List.of("error.path", ""),
                List.of("csv.separator.char", "34"),
                List.of("csv.escape.char", "34"),
                List.of("csv.null.field.indicator", "SOME"),
                List.of("csv.skip.lines", "-1"),
                List.of("file.charset", "EBCDIC-9000"),
                List.of("files.sort.attributes", "Colour"),
                List.of("cleanup.policy", "BURN"),
                List.of("batch.size", "0"),
                List.of("metadata.location", "FIELD"),
                List.of("key.schema", "{"),
                List.of("value.schema", ""),
                List.of("value.schema", "{\"type\":\"STRING\"}"),
                List.of("value.schema", "{\"type\":\"NUMBER\"}"),
                List.of("value.schema", STRUCT.formatted("{\"type\":\"ARRAY\"}")),
                List.of("value.schema", STRUCT.formatted("{\"type\":\"INT8\",\"defaultValue\":\"x\"}")),
                List.of("value.schema", STRUCT.formatted(
                        "{\"type\":\"BYTES\",\"name\":\"org.apache.kafka.connect.data.Decimal\"}")),
                List.of("timestamp.mode", "NEVER"),
                List.of("parser.timestamp.date.formats", "bb"),
                List.of("parser.timestamp.date.formats", "yyyy-MM-dd,nnnn"),
                List.of("parser.timestamp.timezone", "Moon"),
                List.of("input.path.walk.recursively", "true"),
                List.of("task.partitioner", "ByMood"))) {
            assertProblem(wrong.get(0), wrong.get(1));
        }
    }

    @Test
    void missingKeysAreReportedByName() {
        harness.settings.keySet().removeAll(List.of("topic", "input.path", "error.path"));
        harness.settings.put("input.file.pattern", null);
        assertEquals(
                List.of("error.path", "input.file.pattern", "input.path", "topic").stream()
                        .map(key -> "Missing required configuration \"" + key + "\" which has no default value.")
                        .toList(),
                messages());
        harness.with("topic", "t").with("input.path", root.toString()).with("error.path", "e").with("input.file.pattern", ".*")
                .with("finished.path", "").with("value.schema", "");
        assertEquals(
                List.of(
                        "Missing required configuration \"finished.path\", which is required by cleanup.policy=MOVE",
                        "Missing required configuration \"value.schema\", which is required by every file, unless"
                                + " schema.generation.enabled=true"),
                messages());
    }

    @Test
    void everyMessageNamesItsKey() {
        harness.with("input.path", "/nowhere/at/all").with("csv.escape.char", "34");
        assertTrue(messages().stream().allMatch(message -> message.contains("input.path") || message.contains("csv.escape.char")));
    }

    @Test
    void zonesMayHaveTheirShortNames() {
        for (String zone : List.of("EST", "PST", "UTC", "America/New_York", "+02:00", "GMT+2")) {
            harness.with("parser.timestamp.timezone", zone);
            assertEquals(List.of(), problems());
        }
    }

    @Test
    void theTimestampFieldMustBeARequiredTimestamp() {
        harness.with("timestamp.mode", "FIELD").with("timestamp.field", "product");
        assertEquals(List.of("timestamp.field"), problems());
        String optional = STRUCT.formatted(TIME.formatted(",\"isOptional\":true"));
        harness.with("value.schema", optional).with("timestamp.field", "at");
        assertEquals(List.of("timestamp.field"), problems());
    }

    @Test
    void generatedSchemasRequireAHeader() {
        harness.with("schema.generation.enabled", "true").with("csv.first.row.as.header", "false");
        assertEquals(List.of("csv.first.row.as.header"), problems());
    }

    @Test
    void aConfigurationThatValidateRefusesDoesNotStart() {
        harness.with("value.schema", "");
        assertThrows(ConfigException.class, () -> connector.start(harness.settings));
    }

    private void assertProblem(String key, String value) {
        String before = harness.settings.get(key);
        harness.with(key, value);
        assertTrue(problems().contains(key), key + "=" + value + ": " + problems());
        if (before == null) {
            harness.settings.remove(key);
        } else {
            harness.with(key, before);
        }
    }

    private List<String> messages() {
        return connector.validate(harness.settings).configValues().stream()
                .flatMap(value -> value.errorMessages().stream())
                .sorted()
                .toList();
    }

    private List<String> problems() {
        return connector.validate(harness.settings).configValues().stream()
                .filter(value -> !value.errorMessages().isEmpty())
                .map(ConfigValue::name)
                .toList();
    }
}
