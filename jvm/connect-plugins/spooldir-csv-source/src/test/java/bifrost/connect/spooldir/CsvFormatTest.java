package bifrost.connect.spooldir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The format of rows. */
class CsvFormatTest {
    private static final String ONE_COLUMN =
            "{\"type\":\"STRUCT\",\"fieldSchemas\":{\"product\":{\"type\":\"STRING\",\"isOptional\":true}}}";

    @TempDir
    private Path root;

    private SpoolHarness harness;

    @BeforeEach
    void make() throws IOException {
        harness = new SpoolHarness(root);
    }

    @AfterEach
    void stop() {
        harness.close();
    }

    @Test
    void theFirstRowCanNameTheColumns() throws Exception {
        assertEquals(List.of("Wine"), products("product,order_id\nWine,1\n"));
    }

    @Test
    void withoutAHeaderColumnsHaveTheOrderOfTheSchema() throws Exception {
        harness.with("csv.first.row.as.header", "false");
        assertEquals(List.of("Wine", "Tea"), products("1,Wine\n2,Tea\n"));
    }

    @Test
    void namesCanBeCaseSensitive() throws Exception {
        harness.with("csv.case.sensitive.field.names", "true");
        assertCause("order_id,PRODUCT\n1,Wine\n", null);
        assertCause("ORDER_ID,product\n1,Wine\n", "line 1: the header lacks order_id");
        assertEquals(Arrays.asList((Object) null), harness.column("product"));
    }

    @Test
    void linesAtTheTopCanBeSkipped() throws Exception {
        harness.with("csv.skip.lines", "2");
        assertEquals(List.of("Wine"), products("exported today\n\norder_id,product\n1,Wine\n"));
    }

    @Test
    void errorsCountSkippedLines() throws Exception {
        harness.with("csv.skip.lines", "2");
        assertCause("exported today\n\norder_id,product\nx,Wine\n", "line 4: column order_id: 'x' is not of type INT64");
    }

    @Test
    void theSeparatorCanBeATab() throws Exception {
        harness.with("csv.separator.char", "9");
        assertEquals(List.of("Wine, red"), products("order_id\tproduct\n1\tWine, red\n"));
    }

    @Test
    void theQuoteCharacterCanBeChangedOrDisabled() throws Exception {
        harness.with("csv.quote.char", String.valueOf((int) '\''));
        assertEquals(List.of("Wine, \"red\""), products("order_id,product\n1,'Wine, \"red\"'\n"));
        harness.kill();
        harness.with("csv.quote.char", "0");
        assertEquals(List.of("Wine, \"red\"", "'Tea"), products("order_id,product\n1,'Tea\n"));
    }

    @Test
    void theEscapeCharacterCanBeChangedOrDisabled() throws Exception {
        assertEquals(List.of("a\"b"), products("order_id,product\n1,\"a\\\"b\"\n"));
        harness.kill();
        harness.with("csv.escape.char", String.valueOf((int) '^'));
        assertEquals(List.of("a\"b", "a\"b\\"), products("order_id,product\n1,\"a^\"b\\\"\n"));
        harness.kill();
        harness.with("csv.escape.char", "0");
        assertEquals(List.of("a\"b", "a\"b\\", "c\\\"d"), products("order_id,product\n1,\"c\\\"\"d\"\n"));
    }

    @Test
    void withRfc4180OnlyDoubledQuotesEscape() throws Exception {
        harness.with("csv.rfc.4180.parser.enabled", "true");
        assertEquals(List.of("C:\\new \"x\", y\nz"), products("order_id,product\n1,\"C:\\new \"\"x\"\", y\nz\"\n"));
    }

    @Test
    void strictQuotesIgnoreTextOutsideOfQuotes() throws Exception {
        harness.with("csv.strict.quotes", "true");
        assertEquals(List.of("Wine"), products("\"order_id\",\"product\"\n\"1\",old \"Wine\" red\n"));
    }

    @Test
    void blanksBeforeAQuoteCanBeKept() throws Exception {
        assertEquals(List.of("Wine, red"), products("order_id,product\n1,  \"Wine, red\"\n"));
        harness.kill();
        harness.with("csv.ignore.leading.whitespace", "false");
        assertEquals(List.of("Wine, red", "  Wine"), products("order_id,product\n1,  Wine\n"));
    }

    @Test
    void quotesCanBeIgnored() throws Exception {
        harness.with("csv.ignore.quotations", "true");
        assertEquals(List.of("Wine"), products("order_id,product\n1,\"Wine\"\n"));
        assertCause("order_id,product\n1,\"Wine, red\"\n", "line 2: 3 columns where 2 are expected");
    }

    @Test
    void carriageReturnsInQuotesCanBeKept() throws Exception {
        String text = "product,order_id\r\n\"Wine\r\nred\",1\r\n";
        assertEquals(List.of("Wine\nred"), products(text));
        harness.kill();
        harness.with("csv.keep.carriage.return", "true");
        assertEquals(List.of("Wine\nred", "Wine\r\nred"), products(text));
    }

    @Test
    void emptyFieldsCanBeNull() throws Exception {
        String text = "order_id,product\n1,\n2,\"\"\n";
        for (String indicator : List.of("NEITHER", "EMPTY_SEPARATORS", "EMPTY_QUOTES", "BOTH")) {
            harness.with("csv.null.field.indicator", indicator);
            products(text);
            harness.kill();
        }
        assertEquals(Arrays.asList("", "", null, "", "", null, null, null), harness.column("product"));
    }

    @Test
    void quotedBlanksOfASingleColumnAreRows() throws Exception {
        harness.with("value.schema", ONE_COLUMN).with("key.schema", "");
        assertEquals(
                Arrays.asList("", " ", "\n", "Wine", ""),
                products("product\n\"\"\n\" \"\n\n\"\n\"\n   \nWine\n\"\"\n\n"));
    }

    @Test
    void quotedBlanksOfASingleColumnCanBeNull() throws Exception {
        harness.with("value.schema", ONE_COLUMN).with("key.schema", "").with("csv.null.field.indicator", "BOTH");
        assertEquals(Arrays.asList(null, "Wine"), products("product\n\"\"\nWine\n"));
    }

    @Test
    void quotedBlanksOfASingleColumnAreRowsByRfc4180Too() throws Exception {
        harness.with("value.schema", ONE_COLUMN).with("key.schema", "").with("csv.rfc.4180.parser.enabled", "true");
        assertEquals(List.of("", " "), products("product\r\n\"\"\r\n\r\n\" \"\r\n"));
    }

    @Test
    void blankLinesBetweenRowsAreSkipped() throws Exception {
        assertEquals(List.of("Wine", "Tea"), products("\norder_id,product\n\n1,Wine\n  \n\t\n2,Tea\n\n"));
        assertCause("order_id,product\n\"\"\n", "line 2: 1 columns where 2 are expected");
    }

    @Test
    void theCharsetHasTwoNames() throws Exception {
        harness.with("csv.file.charset", "ISO-8859-1").with("file.charset", "UTF-8");
        Files.write(harness.source.resolve("orders.csv"), "order_id,product\n1,Cr\u00e8me\n".getBytes(StandardCharsets.ISO_8859_1));
        harness.runUntil(() -> harness.rows.size() == 1);
        assertEquals(List.of("Cr\u00e8me"), harness.column("product"));
    }

    @Test
    void filesCanBeInAnyCharset() throws Exception {
        for (String charset : List.of("ISO-8859-1", "UTF-16", "windows-1252")) {
            harness.with("file.charset", charset);
            byte[] bytes = "order_id,product\n1,Cr\u00e8me\n".getBytes(Charset.forName(charset));
            int before = harness.rows.size();
            Files.write(harness.source.resolve("orders.csv"), bytes);
            harness.runUntil(() -> harness.rows.size() > before);
            harness.kill();
        }
        assertEquals(List.of("Cr\u00e8me", "Cr\u00e8me", "Cr\u00e8me"), harness.column("product"));
    }

    /** Reads a file; returns the products of all files read so far. */
    private List<Object> products(String text) throws Exception {
        int before = SpoolHarness.names(harness.finished).size();
        harness.drop("orders.csv", text);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() > before);
        return harness.column("product");
    }

    /** Reads a file; checks that it went to the error folder for this cause, or that it did not if the cause is null. */
    private void assertCause(String text, String cause) throws Exception {
        int before = SpoolHarness.names(harness.finished).size() + SpoolHarness.names(harness.error).size();
        harness.drop("orders.csv", text);
        harness.runUntil(() -> SpoolHarness.names(harness.finished).size() + SpoolHarness.names(harness.error).size() > before);
        Path log = harness.error.resolve("orders.csv.log");
        assertEquals(cause != null, Files.exists(log));
        if (cause != null) {
            String found = Files.readString(log, StandardCharsets.UTF_8);
            assertTrue(found.contains(cause), found);
        }
    }
}
