import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/**
 * Writes what java.time prints and reads, with JDK 17:
 *
 * <pre>java tests/engine/functions/java/DateTimeTables.java tests/engine/functions/java</pre>
 *
 * formatted.tsv: kind, pattern, value, zone, text. parsed.tsv: kind, pattern, text, zone, value. A failure is `!`.
 * Kinds: D a date (epoch days), T a time (milliseconds), Z an instant (epoch milliseconds) in a zone.
 */
public class DateTimeTables {
    static final List<String> PATTERNS = List.of(
        "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.SSS", "yyyy-MM-dd'T'HH:mm:ss.SSSX",
        "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSZ", "yyyyMMdd", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS",
        "yyMMdd", "yy-M-d", "y-M-d", "u-M-d", "uuuu-MM-dd", "uu", "yyy", "yyyyy-MM-dd", "yyyyyy", "yyyyMM", "yMd", "yMMdd",
        "dd/MM/yyyy", "d/M/yyyy H:m:s", "MM/dd/yy hh:mm a", "M/d/yyyy h:mm:ss a", "dd-MMM-yyyy", "dd MMM yyyy HH:mm",
        "MMM d, yyyy", "MMM dd yyyy h:mma", "EEE, dd MMM yyyy HH:mm:ss Z", "EEE MMM dd HH:mm:ss z yyyy", "EEE d MMM y",
        "MMMM d, yyyy", "EEEE, MMMM d, yyyy", "EEEEE MMMMM", "LLL", "LLLL yyyy", "LLLLL", "L", "LL", "M", "MM", "d", "dd",
        "D", "DD", "DDD", "yyyy-DDD", "yyyy-D", "yyyyDDD", "uuDDD", "yyyy DDD HH", "E", "EE", "EEEE", "e", "ee", "eee", "eeee",
        "eeeee", "c", "ccc", "cccc", "ccccc", "Q", "QQ", "QQQ", "QQQQ", "QQQQQ", "q", "qq", "qqq", "qqqq", "qqqqq",
        "yyyy-'Q'Q", "w", "ww", "W", "Y", "YY", "YYYY", "YYYY-'W'ww-e", "YYYY-'W'w-E", "YYYYwwe", "YY-ww-ee", "yyyy-MM W e",
        "yyyy-MM W EEE", "F", "yyyy-MM-dd F", "yyyy-MM F E", "g", "G", "GG", "GGGG", "GGGGG", "G yyyy-MM-dd", "yyyy-MM-dd GGGG",
        "uuuu-MM-dd G", "a", "h a", "h:mm a", "hh:mm:ss a", "hh 'o''clock' a", "K:mm a", "KK a", "k:mm", "kk:mm", "H", "HH",
        "H:mm", "HH:mm", "HH:mm:ss", "HH:mm:ss.S", "HH:mm:ss.SS", "HH:mm:ss.SSS", "HH:mm:ss.SSSSSSSSS", "HHmm", "HHmmss",
        "HHmmssSSS", "Hmm", "Hmmss", "mm:ss", "ss", "s", "SSS", "m", "A", "AAAAAAAAA", "n", "N", "HH:mm:ss n", "HH:mm A", "B",
        "BBBB", "BBBBB", "h B", "h:mm B", "HH:mm B", "hh:mm BBBBB", "yyyy-MM-dd h a", "yyyy-MM-dd B", "yyyy-MM-dd a", "VV",
        "yyyy-MM-dd HH:mm VV", "yyyy-MM-dd HH:mm:ss z", "yyyy-MM-dd HH:mm:ss zzzz", "yyyy-MM-dd HH:mm v", "z", "zz", "zzz",
        "zzzz", "v", "vvvv", "HH:mm z", "O", "OOOO", "yyyy-MM-dd HH:mm O", "yyyy-MM-dd HH:mm OOOO", "Z", "ZZ", "ZZZ", "ZZZZ",
        "ZZZZZ", "X", "XX", "XXX", "XXXX", "XXXXX", "x", "xx", "xxx", "xxxx", "xxxxx", "HH:mm X", "HH:mm:ssx",
        "yyyy-MM-dd HH:mm ZZZZ", "yyyy-MM-dd HH:mm ZZZZZ", "yyyy-MM-dd'T'HH:mm:ssXXX'['VV']'", "yyyy-MM-dd X",
        "yyyy-MM-dd VV", "MM-dd HH:mm VV", "yyyy-MM-dd[ HH:mm[:ss[.SSS]]]", "yyyy-MM-dd['T'HH:mm:ss][X]", "[yyyy-MM-dd]",
        "HH:mm[:ss][ z]", "[dd/MM/yyyy][yyyy-MM-dd]", "yyyy[-MM[-dd", "[]", "ppH:mm", "ppH:ppm", "pppppppppyyyy", "ppd/ppM/y",
        "pppp'ab'", "pppEEE", "ppHmm", "yyyyppMppd", "ppp", "pp-", "dd''MM", "''", "'literal'", "'a''b'yyyy", "yyyy年MM月dd日",
        "HH'h'mm", "MMM", "MMMM", "MMM-yyyy", "MM-dd", "MM-dd HH:mm:ss", "dd HH", "E HH:mm", "E d HH", "yyyy", "yyyy-MM",
        "yyyy HH:mm", "yyyy-MM-dd HH", "yyyy-MM-dd mm:ss", "yyyy-MM-dd HH:ss", "yyyy-MM-dd HH.SSS", "yyyy-MM-dd k:mm",
        "yyyy-MM-dd K:mm", "yyyy-MM-dd h:mm", "yyyy-MM-dd HH a", "yyyy-MM-dd yyyy", "yyyy-MM-dd DDD", "yyyy-MM-dd E",
        "yyyy-MM-dd e", "yyyy-MM-dd Q", "yyyy-MM-dd QQQ", "yyyy-MM-dd ww", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyyMMdd'T'HHmmss'Z'",
        "SSSS", "HH:mm:ss,SSS", "HH:mm:ss SSSSSS", "yyyy-MM-dd-HH-mm-ss-n", "yyyy.MM.dd G 'at' HH:mm:ss z", "h:mm a, z",
        "hh 'o''clock' a, zzzz", "EEE, MMM d, ''yy", "yyMMddHHmmssZ", "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "yyyyy.MMMMM.dd GGG hh:mm a",
        "b", "C", "f", "i", "I", "j", "J", "l", "o", "P", "r", "R", "t", "T", "U", "{", "}", "#", "]", "[", "'", "yyyy-MM-dd'T",
        "MMMMMM", "ddd", "HHH", "aa", "EEEEEE", "cc", "QQQQQQ", "GGGGGG", "FF", "WW", "www", "DDDD", "SSSSSSSSSS", "V", "VVV", "vv",
        "zzzzz", "OO", "XXXXXX", "xxxxxx", "ZZZZZZ", "BB", "p", "pp", "hhh", "yyyyyyyyyyyyyyyyyyyy", "");
    static final long[] DAYS = {0, 18262, 18321, 18628, 18993, 11016, -1, -141428, 2932896, 2932897, -719528, -719529, 18262 + 213, 19788, 17897};
    static final long[] TIMES = {0, 1, 43_200_000, 43_199_999, 86_399_999, 3_661_001, 47_045_678, 21_600_000, 75_600_000, 64_800_000, 61_000};
    static final long[] INSTANTS = {0, 1_577_836_800_000L, 1_593_954_245_123L, 1_604_188_799_999L, 946_684_800_000L, -1L,
        1_583_656_200_000L, 1_609_459_199_999L, 951_782_400_001L, 253_402_300_800_000L, -62_167_219_200_000L, 1_603_593_000_000L, 1_646_000_000_000L};
    static final String[] ZONES = {"UTC", "GMT", "Z", "America/Los_Angeles", "America/Sao_Paulo", "Europe/London", "Europe/Dublin", "Asia/Kolkata",
        "+02:00", "-03:30", "UTC+5", "GMT-08:00", "Asia/Kathmandu", "Australia/Sydney", "America/New_York", "+01:02:03"};
    static final Random RANDOM = new Random(17);

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Locale.setDefault(Locale.ENGLISH);
        try (PrintWriter printed = new PrintWriter(folder.resolve("formatted.tsv").toFile(), StandardCharsets.UTF_8);
             PrintWriter read = new PrintWriter(folder.resolve("parsed.tsv").toFile(), StandardCharsets.UTF_8)) {
            for (String pattern : PATTERNS) {
                Set<String> texts = new LinkedHashSet<>();
                printed(printed, pattern, texts);
                read(read, pattern, texts);
            }
        }
    }

    static void printed(PrintWriter out, String pattern, Set<String> texts) {
        for (int i = 0; i < 2; i++) {
            long day = DAYS[RANDOM.nextInt(DAYS.length)];
            row(out, "D", pattern, day, "", format(pattern, LocalDate.ofEpochDay(day)), texts);
            long ms = TIMES[RANDOM.nextInt(TIMES.length)];
            row(out, "T", pattern, ms, "", format(pattern, LocalTime.ofNanoOfDay(ms * 1_000_000)), texts);
        }
        for (int i = 0; i < 6; i++) {
            long ms = INSTANTS[RANDOM.nextInt(INSTANTS.length)];
            String zone = ZONES[RANDOM.nextInt(ZONES.length)];
            row(out, "Z", pattern, ms, zone, format(pattern, Instant.ofEpochMilli(ms).atZone(ZoneId.of(zone))), texts);
        }
    }

    static void row(PrintWriter out, String kind, String pattern, long value, String zone, String text, Set<String> texts) {
        out.println(String.join("\t", kind, pattern, Long.toString(value), zone, text));
        if (!text.equals("!")) {
            texts.add(text);
        }
    }

    static String format(String pattern, TemporalAccessor value) {
        try {
            return DateTimeFormatter.ofPattern(pattern).format(value);
        } catch (RuntimeException error) {
            return "!";
        }
    }

    static void read(PrintWriter out, String pattern, Set<String> texts) {
        Set<String> all = new LinkedHashSet<>();
        for (String text : texts) {
            all.add(text);
            all.add(changed(text));
        }
        all.add(changed("2020-02-30 13:59:60.5 AM"));
        all.add("");
        for (String text : all) {
            String zone = ZONES[RANDOM.nextInt(ZONES.length)];
            out.println(String.join("\t", "Z", pattern, text, zone, instant(pattern, text, zone)));
            if (RANDOM.nextInt(2) == 0) {
                out.println(String.join("\t", "D", pattern, text, "", date(pattern, text)));
                out.println(String.join("\t", "T", pattern, text, "", time(pattern, text)));
            }
        }
    }

    /** A text that is a little different: another digit, case, sign, length or blank. */
    static String changed(String text) {
        if (text.isEmpty()) {
            return "x";
        }
        int at = RANDOM.nextInt(text.length());
        String head = text.substring(0, at);
        String tail = text.substring(at + 1);
        char here = text.charAt(at);
        switch (RANDOM.nextInt(9)) {
            case 0: return text.toLowerCase(Locale.ROOT);
            case 1: return text.toUpperCase(Locale.ROOT);
            case 2: return text + (RANDOM.nextBoolean() ? " " : "7");
            case 3: return head + tail;
            case 4: return head + " " + here + tail;
            case 5: return "-" + text;
            case 6: return "+" + text;
            default: return Character.isDigit(here) ? head + (char) ('0' + RANDOM.nextInt(10)) + tail : head + here + "0" + tail;
        }
    }

    static DateTimeFormatter reader(String pattern, Locale locale) {
        return new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(pattern).toFormatter(locale);
    }

    static String date(String pattern, String text) {
        try {
            return Long.toString(LocalDate.parse(text, reader(pattern, Locale.ENGLISH)).toEpochDay());
        } catch (RuntimeException error) {
            return "!";
        }
    }

    static String time(String pattern, String text) {
        try {
            TemporalAccessor parsed = reader(pattern, Locale.ENGLISH).parse(text);
            for (ChronoField field : ChronoField.values()) {
                if (field.isDateBased() && parsed.isSupported(field)) {
                    return "!";
                }
            }
            return Long.toString(LocalTime.from(parsed).toNanoOfDay() / 1_000_000);
        } catch (RuntimeException error) {
            return "!";
        }
    }

    /** What ksqlDB reads, in the root locale; what English reads where that fails (full names of months and days). */
    static String instant(String pattern, String text, String zone) {
        String found = instant(pattern, text, zone, Locale.ROOT);
        return found.equals("!") ? instant(pattern, text, zone, Locale.ENGLISH) : found;
    }

    /** Sets every field of the text on 1970-01-01T00:00 in its zone, in the order of ChronoField, as ksqlDB does. */
    static String instant(String pattern, String text, String zone, Locale locale) {
        try {
            TemporalAccessor parsed = reader(pattern, locale).parse(text);
            ZoneId named = parsed.query(TemporalQueries.zone());
            ZonedDateTime found = ZonedDateTime.of(1970, 1, 1, 0, 0, 0, 0, named == null ? ZoneId.of(zone) : named);
            for (ChronoField field : ChronoField.values()) {
                if (!parsed.isSupported(field)) {
                    continue;
                }
                long value = parsed.getLong(field);
                if (field == ChronoField.DAY_OF_YEAR && value == 366) {
                    found = found.withYear(parsed.get(ChronoField.YEAR));
                }
                found = found.with(field, value);
            }
            return Long.toString(found.toInstant().toEpochMilli());
        } catch (RuntimeException error) {
            return "!";
        }
    }
}
