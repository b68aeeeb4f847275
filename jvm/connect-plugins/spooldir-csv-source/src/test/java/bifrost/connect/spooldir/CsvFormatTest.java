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

/** How the rows of a file are written. */
class CsvFormatTest {
    @TempDir
    private Path root;

    private SpoolBench bench;

    @BeforeEach
    void make() throws IOException {
        bench = new SpoolBench(root);
    }

    @AfterEach
    void stop() {
        bench.close();
    }

    @Test
    void theFirstRowCanNameTheColumns() throws Exception {
        assertEquals(List.of("Wine"), products("product,order_id\nWine,1\n"));
    }

    @Test
    void withoutAHeaderColumnsComeInTheSchemasOrder() throws Exception {
        bench.with("csv.first.row.as.header", "false");
        assertEquals(List.of("Wine", "Tea"), products("1,Wine\n2,Tea\n"));
    }

    @Test
    void namesCanBeHeldToTheirCase() throws Exception {
        bench.with("csv.case.sensitive.field.names", "true");
        assertCause("order_id,PRODUCT\n1,Wine\n", null);
        assertCause("ORDER_ID,product\n1,Wine\n", "line 1: the header lacks order_id");
        assertEquals(Arrays.asList((Object) null), bench.column("product"));
    }

    @Test
    void linesAtTheTopCanBeLeftOut() throws Exception {
        bench.with("csv.skip.lines", "2");
        assertEquals(List.of("Wine"), products("made by hand\n\norder_id,product\n1,Wine\n"));
    }

    @Test
    void aSkippedLineIsCountedInCauses() throws Exception {
        bench.with("csv.skip.lines", "2");
        assertCause("made by hand\n\norder_id,product\nx,Wine\n", "line 4: column order_id: 'x' is not of type INT64");
    }

    @Test
    void theSeparatorCanBeATab() throws Exception {
        bench.with("csv.separator.char", "9");
        assertEquals(List.of("Wine, red"), products("order_id\tproduct\n1\tWine, red\n"));
    }

    @Test
    void theQuoteCanBeAnotherOneOrNone() throws Exception {
        bench.with("csv.quote.char", String.valueOf((int) '\''));
        assertEquals(List.of("Wine, \"red\""), products("order_id,product\n1,'Wine, \"red\"'\n"));
        bench.kill();
        bench.with("csv.quote.char", "0");
        assertEquals(List.of("Wine, \"red\"", "'Tea"), products("order_id,product\n1,'Tea\n"));
    }

    @Test
    void theEscapeCanBeAnotherOneOrNone() throws Exception {
        assertEquals(List.of("a\"b"), products("order_id,product\n1,\"a\\\"b\"\n"));
        bench.kill();
        bench.with("csv.escape.char", String.valueOf((int) '^'));
        assertEquals(List.of("a\"b", "a\"b\\"), products("order_id,product\n1,\"a^\"b\\\"\n"));
        bench.kill();
        bench.with("csv.escape.char", "0");
        assertEquals(List.of("a\"b", "a\"b\\", "c\\\"d"), products("order_id,product\n1,\"c\\\"\"d\"\n"));
    }

    @Test
    void byRfc4180OnlyDoubledQuotesEscape() throws Exception {
        bench.with("csv.rfc.4180.parser.enabled", "true");
        assertEquals(List.of("C:\\new \"x\", y\nz"), products("order_id,product\n1,\"C:\\new \"\"x\"\", y\nz\"\n"));
    }

    @Test
    void strictQuotesLeaveOutWhatIsOutside() throws Exception {
        bench.with("csv.strict.quotes", "true");
        assertEquals(List.of("Wine"), products("\"order_id\",\"product\"\n\"1\",old \"Wine\" red\n"));
    }

    @Test
    void blanksBeforeAQuoteCanBeKept() throws Exception {
        assertEquals(List.of("Wine, red"), products("order_id,product\n1,  \"Wine, red\"\n"));
        bench.kill();
        bench.with("csv.ignore.leading.whitespace", "false");
        assertEquals(List.of("Wine, red", "  Wine"), products("order_id,product\n1,  Wine\n"));
    }

    @Test
    void quotesCanBeIgnored() throws Exception {
        bench.with("csv.ignore.quotations", "true");
        assertEquals(List.of("Wine"), products("order_id,product\n1,\"Wine\"\n"));
        assertCause("order_id,product\n1,\"Wine, red\"\n", "line 2: 3 columns where 2 are expected");
    }

    @Test
    void carriageReturnsInQuotesCanBeKept() throws Exception {
        String text = "product,order_id\r\n\"Wine\r\nred\",1\r\n";
        assertEquals(List.of("Wine\nred"), products(text));
        bench.kill();
        bench.with("csv.keep.carriage.return", "true");
        assertEquals(List.of("Wine\nred", "Wine\r\nred"), products(text));
    }

    @Test
    void emptyFieldsCanBeNull() throws Exception {
        String text = "order_id,product\n1,\n2,\"\"\n";
        for (String indicator : List.of("NEITHER", "EMPTY_SEPARATORS", "EMPTY_QUOTES", "BOTH")) {
            bench.with("csv.null.field.indicator", indicator);
            products(text);
            bench.kill();
        }
        assertEquals(Arrays.asList("", "", null, "", "", null, null, null), bench.column("product"));
    }

    @Test
    void filesCanBeInAnyCharset() throws Exception {
        for (String charset : List.of("ISO-8859-1", "UTF-16", "windows-1252")) {
            bench.with("file.charset", charset);
            byte[] bytes = "order_id,product\n1,Cr\u00e8me\n".getBytes(Charset.forName(charset));
            int before = bench.rows.size();
            Files.write(bench.source.resolve("orders.csv"), bytes);
            bench.runUntil(() -> bench.rows.size() > before);
            bench.kill();
        }
        assertEquals(List.of("Cr\u00e8me", "Cr\u00e8me", "Cr\u00e8me"), bench.column("product"));
    }

    /** Everything read so far, once all rows of a file are. */
    private List<Object> products(String text) throws Exception {
        int before = SpoolBench.names(bench.finished).size();
        bench.drop("orders.csv", text);
        bench.runUntil(() -> SpoolBench.names(bench.finished).size() > before);
        return bench.column("product");
    }

    /** Drops a file and checks why it went to the error folder, or that it did not. */
    private void assertCause(String text, String cause) throws Exception {
        int before = SpoolBench.names(bench.finished).size() + SpoolBench.names(bench.error).size();
        bench.drop("orders.csv", text);
        bench.runUntil(() -> SpoolBench.names(bench.finished).size() + SpoolBench.names(bench.error).size() > before);
        Path log = bench.error.resolve("orders.csv.log");
        assertEquals(cause != null, Files.exists(log));
        if (cause != null) {
            String found = Files.readString(log, StandardCharsets.UTF_8);
            assertTrue(found.contains(cause), found);
        }
    }
}
