package bifrost.connect.jdbc.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Names of tables. */
class TableIdTest {
    private static final TableId POSTGRES = new TableId("demo", "soe", "logon");
    private static final TableId MYSQL = new TableId("demo", null, "foobar");

    @Test
    void aTaskReadsTheTablesThatTheConnectorWrote() {
        List<TableId> tables = List.of(POSTGRES, MYSQL, new TableId(null, "a.b", "od\"d, \"\"name"));
        assertEquals(tables, TableId.split(TableId.join(tables)));
        assertEquals(List.of(), TableId.split(""));
        assertThrows(IllegalArgumentException.class, () -> TableId.split("foobar"));
    }

    @Test
    void anEntryMayNameTheSchemaAndTheDatabase() {
        for (String entry : List.of("logon", "soe.logon", "demo.soe.logon", "\"soe\".\"logon\"", "`logon`", "demo.logon")) {
            assertTrue(POSTGRES.isNamed(entry), entry);
        }
        for (String entry : List.of("LOGON", "other.logon", "soe", "soe.logons")) {
            assertFalse(POSTGRES.isNamed(entry), entry);
        }
        assertTrue(MYSQL.isNamed("demo.foobar"));
        assertEquals("demo.soe.logon", POSTGRES.fullName());
    }
}
