package bifrost.connect.jdbc.query;

import static org.junit.jupiter.api.Assertions.assertEquals;

import bifrost.connect.jdbc.config.Mode;
import bifrost.connect.jdbc.database.TableId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The text of statements. */
class SelectStatementTest {
    private static final TableId TABLE = new TableId("demo", null, "foo`bar");

    @Test
    void statementsOfEachMode() {
        String all = "SELECT * FROM `demo`.`foo``bar`";
        assertEquals(all, text(Mode.BULK, "", List.of("at")));
        assertEquals(all + " WHERE `id` > ? ORDER BY `id` ASC", text(Mode.INCREMENTING, "", List.of()));
        assertEquals(
                all + " WHERE `at` > ? AND `at` < ? ORDER BY `at` ASC", text(Mode.TIMESTAMP, "", List.of("at")));
        assertEquals(
                all + " WHERE `at` < ? AND ((`at` = ? AND `id` > ?) OR `at` > ?) ORDER BY `at` ASC, `id` ASC",
                text(Mode.TIMESTAMP_INCREMENTING, "", List.of("at")));
    }

    @Test
    void theFirstTimestampThatIsNotNullCounts() {
        String time = "COALESCE(`changed`,`created`)";
        assertEquals(
                "SELECT * FROM `demo`.`foo``bar` WHERE " + time + " > ? AND " + time + " < ? ORDER BY " + time
                        + " ASC LIMIT 5",
                text(Mode.TIMESTAMP, "LIMIT 5", List.of("changed", "created")));
    }

    @Test
    void aNameWithoutQuotesIsWrittenAsItIs() {
        assertEquals("SELECT * FROM demo.foo`bar", SelectStatement.all(TABLE, ""));
    }

    private static String text(Mode mode, String suffix, List<String> timestamps) {
        TrackingColumns columns = new TrackingColumns("id", timestamps);
        return new SelectStatement(mode, SelectStatement.all(TABLE, "`"), suffix, "`", columns).text();
    }
}
