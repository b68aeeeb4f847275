package bifrost.connect.jdbc.database;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table. MySQL's tables have a catalog (the database) and no schema, PostgreSQL's have both.
 *
 * @param catalog may be null
 * @param schema may be null
 */
public record TableId(String catalog, String schema, String name) {
    private static final char QUOTE = '"';

    /** The parts that exist, joined by dots; the vendor's offsets contain this. */
    public String fullName() {
        return parts().collect(Collectors.joining("."));
    }

    /** The same in a statement; the quote may be empty. */
    public String inStatement(String quote) {
        return parts().map(part -> quoted(part, quote)).collect(Collectors.joining("."));
    }

    /** An identifier in quotes. */
    public static String quoted(String identifier, String quote) {
        return quote.isEmpty() ? identifier : quote + identifier.replace(quote, quote + quote) + quote;
    }

    /** Whether an entry of a list names this table: by its name, or with schema or catalog before it. */
    public boolean isNamed(String entry) {
        String plain = entry.replaceAll("[\"`\\[\\]]", "");
        return plain.equals(name)
                || schema != null && plain.equals(schema + "." + name)
                || isNamedWithCatalog(entry);
    }

    /** Whether an entry names this table with its catalog. */
    public boolean isNamedWithCatalog(String entry) {
        String plain = entry.replaceAll("[\"`\\[\\]]", "");
        return catalog != null && (plain.equals(fullName()) || plain.equals(catalog + "." + name));
    }

    private Stream<String> parts() {
        return Stream.of(catalog, schema, name).filter(Objects::nonNull).filter(part -> !part.isEmpty());
    }

    /** Writes tables for the configuration of a task. */
    public static String join(List<TableId> tables) {
        return tables.stream()
                .map(table -> Stream.of(table.catalog, table.schema, table.name)
                        .map(part -> quoted(part == null ? "" : part, String.valueOf(QUOTE)))
                        .collect(Collectors.joining(".")))
                .collect(Collectors.joining(","));
    }

    /**
     * Reads what {@link #join} wrote.
     *
     * @throws IllegalArgumentException for any other text
     */
    public static List<TableId> split(String joined) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean inside = false;
        for (int at = 0; at < joined.length(); at++) {
            char found = joined.charAt(at);
            if (found != QUOTE) {
                if (inside) {
                    part.append(found);
                }
            } else if (inside && at + 1 < joined.length() && joined.charAt(at + 1) == QUOTE) {
                part.append(QUOTE);
                at++;
            } else {
                inside = !inside;
                if (!inside) {
                    parts.add(part.toString());
                    part.setLength(0);
                }
            }
        }
        return tables(parts, joined);
    }

    private static List<TableId> tables(List<String> parts, String joined) {
        if (parts.size() % 3 != 0 || parts.isEmpty() && !joined.isBlank()) {
            throw new IllegalArgumentException("tables: the connector sets this key; remove it");
        }
        List<TableId> found = new ArrayList<>();
        for (int at = 0; at < parts.size(); at += 3) {
            found.add(new TableId(orNull(parts.get(at)), orNull(parts.get(at + 1)), parts.get(at + 2)));
        }
        return found;
    }

    private static String orNull(String part) {
        return part.isEmpty() ? null : part;
    }
}
