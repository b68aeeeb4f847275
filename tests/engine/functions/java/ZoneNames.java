import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.TemporalQueries;
import java.util.Locale;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Writes the English time zone names that Java prints and parses, with JDK 17:
 *
 * <pre>java tests/engine/functions/java/ZoneNames.java bifrost/engine/functions/javatime/static</pre>
 *
 * zone_names.tsv: names per group of zone ids. zones_by_name.tsv: the zone that each name stands for when it is parsed,
 * as a short and as a full name; `-` where Java does not parse it.
 */
public class ZoneNames {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        TreeMap<String, TreeSet<String>> groups = new TreeMap<>();
        TreeSet<String> names = new TreeSet<>();
        for (String id : new TreeSet<>(ZoneId.getAvailableZoneIds())) {
            TimeZone zone = TimeZone.getTimeZone(id);
            StringBuilder line = new StringBuilder();
            for (Locale locale : new Locale[] {Locale.ENGLISH, Locale.ROOT}) {
                for (int style : new int[] {TimeZone.LONG, TimeZone.SHORT}) {
                    String[] found = {
                        zone.getDisplayName(false, style, locale),
                        zone.getDisplayName(true, style, locale),
                        generic(id, style == TimeZone.LONG ? "vvvv" : "v", locale),
                    };
                    for (String name : found) {
                        names.add(name);
                        if (locale == Locale.ENGLISH) {
                            line.append('\t').append(name);
                        }
                    }
                }
            }
            groups.computeIfAbsent(line.toString(), key -> new TreeSet<>()).add(id);
        }
        try (PrintWriter out = new PrintWriter(folder.resolve("zone_names.tsv").toFile(), StandardCharsets.UTF_8)) {
            groups.forEach((line, ids) -> out.println(String.join(" ", ids) + line));
        }
        try (PrintWriter out = new PrintWriter(folder.resolve("zones_by_name.tsv").toFile(), StandardCharsets.UTF_8)) {
            for (String name : names) {
                String shortly = parsed(name, "z");
                String fully = parsed(name, "zzzz");
                if (!shortly.equals("-") || !fully.equals("-")) {
                    out.println(name + "\t" + shortly + "\t" + fully);
                }
            }
        }
    }

    private static String generic(String id, String pattern, Locale locale) {
        return DateTimeFormatter.ofPattern(pattern, locale)
            .format(LocalDateTime.of(2020, 1, 15, 12, 0).atZone(ZoneId.of(id)));
    }

    /** The zone in the root locale, which ksqlDB uses, or else in English. */
    private static String parsed(String name, String pattern) {
        String found = parsed(name, pattern, Locale.ROOT);
        return found.equals("-") ? parsed(name, pattern, Locale.ENGLISH) : found;
    }

    private static String parsed(String name, String pattern, Locale locale) {
        try {
            return new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(pattern).toFormatter(locale)
                .parse(name).query(TemporalQueries.zone()).toString();
        } catch (RuntimeException error) {
            return "-";
        }
    }
}
