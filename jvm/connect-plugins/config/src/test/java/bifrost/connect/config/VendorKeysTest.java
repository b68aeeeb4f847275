package bifrost.connect.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigValue;
import org.junit.jupiter.api.Test;

class VendorKeysTest {
    private final VendorKeys keys =
            new VendorKeys().withoutEffect("type.name", "there are no types").only("store.keys", "false", "values only");
    private final ConfigDef definition = new Options()
            .group("Test")
            .required("url", Type.STRING).doc("Where.")
            .optional("mode", Type.STRING, "fast").oneOf("fast", "slow").doc("How.")
            .optional("size", Type.INT, 5).low().atLeast(1).doc("How much.")
            .vendor(keys)
            .definition();

    @Test
    void keysWithoutEffectAreListedWithTheirReason() {
        assertEquals(Map.of("type.name", "there are no types"), keys.effectless(Map.of("type.name", "x", "url", "y")));
    }

    @Test
    void keysThatNeitherThePluginNorConnectDefinesAreUnknown() {
        var given = Map.of("url", "x", "topics", "t", "transforms.a.type", "T", "type.name", "n", "tabel", "oops");
        assertEquals(List.of("tabel"), VendorKeys.unknown(definition, given));
    }

    @Test
    void aLimitedKeyAcceptsOnlyOneValue() {
        assertTrue(value("store.keys", "FALSE").errorMessages().isEmpty());
        assertTrue(value("store.keys", "true").errorMessages().get(0).contains("values only"));
    }

    @Test
    void validateKnowsDocumentationAndRecommendations() {
        assertEquals(List.of("fast", "slow"), value("mode", "fast").recommendedValues());
        assertTrue(value("mode", "never").errorMessages().get(0).contains("never"));
        assertTrue(value("size", "0").errorMessages().get(0).contains("at least 1"));
        assertEquals("Accepted, without effect: there are no types.", definition.configKeys().get("type.name").documentation);
    }

    @Test
    void aMissingOrUnreadableValueIsNotChecked() {
        ConfigDef checked = new Options()
                .group("Test")
                .required("url", Type.STRING).check((name, value) -> value.toString().length()).doc("Where.")
                .required("size", Type.INT).atLeast(1).doc("How much.")
                .definition();
        List<String> messages = checked.validate(Map.of("size", "many")).stream()
                .flatMap(value -> value.errorMessages().stream())
                .sorted()
                .toList();
        assertEquals(2, messages.size(), messages.toString());
        assertTrue(messages.get(0).startsWith("Invalid value many for configuration size"), messages.get(0));
        assertEquals("Missing required configuration \"url\" which has no default value.", messages.get(1));
    }

    @Test
    void keysThatAClientSetToNullAreMissing() {
        Map<String, String> given = new HashMap<>();
        given.put("url", null);
        given.put("mode", "fast");
        assertEquals(Map.of("mode", "fast"), VendorKeys.withoutNulls(given));
    }

    private ConfigValue value(String name, String value) {
        return definition.validate(Map.of("url", "u", name, value)).stream()
                .filter(found -> found.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
