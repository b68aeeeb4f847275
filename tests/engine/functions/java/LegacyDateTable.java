import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;
import org.apache.commons.lang3.time.FastDateFormat;

/**
 * Writes what commons-lang3's FastDateFormat, which reads the patterns of SimpleDateFormat, reads:
 *
 * <pre>java -cp commons-lang3-3.14.0.jar tests/engine/functions/java/LegacyDateTable.java tests/engine/functions/java</pre>
 *
 * legacy_dates.tsv: pattern, text, epoch milliseconds. A failure is `!`.
 */
public class LegacyDateTable {
    static final List<String> PATTERNS = List.of(
        "yyyy-MM-dd", "yyyyMMdd", "dd/MM/yyyy", "MM/dd/yy", "M/d/yy", "d MMM yyyy", "dd-MMM-yyyy", "MMMM d, yyyy", "MMM yyyy",
        "yyyy-MM", "yyyy", "yy", "y", "yyyyMM", "MM-dd", "MMM", "MM", "dd", "d", "yyyy-DDD", "yyyyDDD", "DDD", "D yyyy", "yyyy ww",
        "yyyy-'W'ww-u", "YYYY-'W'ww-u", "ww yyyy EEE", "u", "E", "EEE, d MMM yyyy", "EEEE", "yyyy MM W E", "yyyy MM W u", "yyyy MM F E",
        "yyyy MM W", "yyyy MM F", "yyyy EEE", "F E", "w", "W", "G yyyy-MM-dd", "yyyy-MM-dd G", "yyyy-MM-dd HH:mm", "yyyy-MM-dd hh a",
        "yyyy-MM-dd KK a", "yyyy-MM-dd kk", "yyyy-MM-dd'T'HH:mm:ss.SSS", "HH", "HH:mm:ss", "hh a", "h", "k", "K a", "a", "SSS", "yyyy-MM-dd X",
        "yyyy-MM-dd XX", "yyyy-MM-dd XXX", "yyyy-MM-dd Z", "yyyy-MM-dd ZZ", "yyyy-MM-dd z", "yyyy'-'MM'-'dd", "yyyy''MM", "'day' d", "L yyyy",
        "LLL yyyy", "yyyy-MM-ddHHmm", "yMd", "yyMd", "yyMMdd", "ddMMyy", "d.M.yyyy", "dd.MM.yyyy EEE", "yyyy-MM-dd DDD", "DDD yyyy-MM-dd",
        "Q", "B", "e", "c", "n", "A", "V", "p", "'open", "yyyy-MM-dd[", "", "yyyy年MM月dd日");
    static final List<String> TEXTS = List.of(
        "2020-02-29", "2020-02-30", "2020-13-01", "2021-00-00", "2020-1-5", "20200229", "202002", "29/02/2020", "12/31/99", "1/5/30",
        "1/5/2020", "1/5/5", "5 Jan 2020", "05-JAN-2020", "January 5, 2020", "Jan 5, 2020", "jan 2020", "may", "12", "5", "31", "366", "2020-366",
        "2021-366", "2020060", "60 2020", "2020 01", "2020 53", "2020-W53-5", "2021-W01-1", "01 2021 Fri", "3", "7", "Sun", "Wednesday",
        "Mon, 5 Jan 2020", "2020 02 1 Sat", "2020 02 5 3", "2020 02 3 Tue", "2020 02 2", "2020 Tue", "2 Tue", "AD 2020-02-29", "2020-02-29 BC",
        "2020-02-29 00:00", "2020-02-29 24:00", "2020-02-29 12 AM", "2020-02-29 12 PM", "2020-02-29 24", "2020-02-29 00 am", "2020-02-29T00:00:00.000",
        "00", "24", "00:00:00", "12 AM", "12 am", "0", "000", "2020-02-29 Z", "2020-02-29 +00", "2020-02-29 +0000", "2020-02-29 +00:00",
        "2020-02-29 GMT", "2020-02-29 UTC", "2020-02-29 GMT+00:00", "2020-02-29 +0200", "2020'02", "day 17", "day 17 and more", "02 2020",
        "2020-02-290000", "200229", "290220", "990101", "20202", "29.2.2020", "29.02.2020 Sat", "29.02.2020 Sun", "2020-02-29 100", "100 2020-02-29",
        " 2020-02-29", "2020- 02-29", "2020-02-29 and more", "-2020-02-29", "+2020-02-29", "1500-01-01", "0001-01-01", "1582-10-10", "99999-01-01", "9-9-9",
        "0-1-1", "x", "", "2020年02月29日", "2020-02-29[", "29", "1999", "99", "70", "20", "2147483648-01-01", "1970", "45", "47", "46");
    static final Random RANDOM = new Random(17);

    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ENGLISH);
        try (PrintWriter out = new PrintWriter(Path.of(arguments[0], "legacy_dates.tsv").toFile(), StandardCharsets.UTF_8)) {
            for (String pattern : PATTERNS) {
                Set<String> rows = new LinkedHashSet<>();
                int failures = 0;
                for (String text : TEXTS) {
                    String found = read(pattern, text);
                    if (!found.equals("!") || failures++ < 4 || RANDOM.nextInt(8) == 0) {
                        rows.add(String.join("\t", pattern, text, found));
                    }
                }
                rows.forEach(out::println);
            }
        }
    }

    static String read(String pattern, String text) {
        try {
            return Long.toString(FastDateFormat.getInstance(pattern, TimeZone.getTimeZone("GMT")).parse(text).getTime());
        } catch (Exception error) {
            return "!";
        }
    }
}
