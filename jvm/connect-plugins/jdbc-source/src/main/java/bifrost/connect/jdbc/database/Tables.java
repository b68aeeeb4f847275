package bifrost.connect.jdbc.database;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Selection;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Finds the tables that a configuration selects. */
public final class Tables {
    private Tables() {}

    /** The selected tables in the order of their names. */
    public static List<TableId> selected(Database database, Selection selection) throws SQLException {
        Connection connection = database.connection();
        String current = database.dialect() == Dialect.MYSQL ? connection.getCatalog() : null;
        boolean isCurrentOnly = current != null
                && selection.catalogPattern() == null
                && selection.whitelist().stream().noneMatch(entry -> entry.contains("."));
        List<TableId> found = new ArrayList<>();
        String[] types = selection.types().stream().map(type -> type.toUpperCase(Locale.ROOT)).toArray(String[]::new);
        try (ResultSet rows = connection.getMetaData().getTables(isCurrentOnly ? current : null, null, "%", types)) {
            while (rows.next()) {
                found.add(new TableId(
                        rows.getString("TABLE_CAT"), rows.getString("TABLE_SCHEM"), rows.getString("TABLE_NAME")));
            }
        }
        database.endTransaction();
        found.removeIf(table -> !isSelected(table, selection) || isOfOtherDatabase(table, current, selection));
        found.sort(Comparator.comparing(TableId::fullName));
        return found;
    }

    /** The names that several tables have; their rows would get into the same topic. */
    public static Set<String> ambiguousNames(List<TableId> tables) {
        Set<String> seen = new HashSet<>();
        Set<String> twice = new HashSet<>();
        tables.stream().map(TableId::name).filter(name -> !seen.add(name)).forEach(twice::add);
        return twice;
    }

    /** The entries of the whitelist that name no table. */
    public static List<String> missing(List<TableId> tables, Selection selection) {
        return selection.whitelist().stream()
                .filter(entry -> tables.stream().noneMatch(table -> table.isNamed(entry)))
                .toList();
    }

    private static boolean isSelected(TableId table, Selection selection) {
        return matches(table.catalog(), selection.catalogPattern())
                && matches(table.schema(), selection.schemaPattern())
                && (selection.whitelist().isEmpty() || selection.whitelist().stream().anyMatch(table::isNamed))
                && selection.blacklist().stream().noneMatch(table::isNamed);
    }

    /** Without a pattern, other databases of a MySQL server are read only if the whitelist names them. */
    private static boolean isOfOtherDatabase(TableId table, String current, Selection selection) {
        return current != null
                && selection.catalogPattern() == null
                && !current.equals(table.catalog())
                && selection.whitelist().stream().noneMatch(table::isNamedWithCatalog);
    }

    private static boolean matches(String name, String pattern) {
        return pattern == null || Pattern.matches(regex(pattern), name == null ? "" : name);
    }

    private static String regex(String pattern) {
        StringBuilder found = new StringBuilder();
        for (int at = 0; at < pattern.length(); at++) {
            char next = pattern.charAt(at);
            if (next == '\\' && at + 1 < pattern.length()) {
                at++;
                found.append(Pattern.quote(pattern.substring(at, at + 1)));
            } else if (next == '%') {
                found.append(".*");
            } else {
                found.append(next == '_' ? "." : Pattern.quote(String.valueOf(next)));
            }
        }
        return found.toString();
    }
}
