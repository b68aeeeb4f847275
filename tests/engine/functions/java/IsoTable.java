import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;

/**
 * Writes how texts are cast to DATE, TIME and TIMESTAMP, with JDK 17:
 *
 * <pre>java tests/engine/functions/java/IsoTable.java tests/engine/functions/java</pre>
 *
 * iso.tsv: text, epoch days, milliseconds of the day, epoch milliseconds. A failure is `!`.
 */
public class IsoTable {
    static final List<String> TEXTS = List.of(
        "2020", "2020-02", "2020-02-29", "2020-2-9", "2020-02-30", "2021-02-29", "2020-13-01", "2020-00-01", "20", "02020", "+12020-01-01",
        "12020-01-01", "-2020-01-01", "-0000-01-01", "0000-01-01", "+2020-01-01", "2020-", "2020-02-", "2020-02-29 ", " 2020-02-29", "2020/02/29",
        "2020-02-29 01:02:03", "2020-02-29T", "2020-02-29T0", "2020-02-29T01", "2020-02-29T1", "2020-02-29T01:", "2020-02-29T01:02",
        "2020-02-29T1:02", "2020-02-29T01:02:03", "2020-02-29T01:02:03.4", "2020-02-29T01:02:03.45", "2020-02-29T01:02:03.456",
        "2020-02-29T01:02:03.4567", "2020-02-29T01:02:03,456", "2020-02-29T24:00:00.000", "2020-02-29T24:00", "2020-02-29T25:00",
        "2020-02-29T01:60", "2020-02-29T01:02Z", "2020-02-29T01:02:03.456Z", "2020-02-29Z", "2020-02-29T01:02:03.456z", "2020-02-29t01:02:03.456",
        "2020-02-29T01:02+0200", "2020-02-29T01:02+02:00", "2020-02-29T01:02+02", "2020-02-29T01:02-0330", "2020-02-29T01:02:03.456+0200",
        "2020-02-29T01:02:03.456+1900", "2020-02-29T01:02:03.456+", "2020-02-29T01:02:03.456UTC", "2020-02-29T01:02:03.456 +0200",
        "2020T01:02", "2020-02T01:02", "2020-02-30T01:02:03.456", "2020-02-32T01:02:03.456", "T", "", "x", "NaN", "null", "20200229",
        "01:02", "1:02", "01:2", "01:02:03", "01:02:03.4", "01:02:03.456789", "01:02:03.", "01:02:03.1234567890", "24:00", "23:59:59.999", "00:00",
        "01", "01:02:", "01:02:60", "01:60", "-01:02", "01:02:03,4", "01:02 AM", "01:02Z", "01:02+02:00", " 01:02", "01:02 ", "9999-12-31", "1582-10-10",
        "0001-01-01", "999999999-12-31", "+999999999-12-31", "+1000000000-01-01", "2020-02-29-01", "2020--01", "--", "-", "2020-2", "2020-1-01");

    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ENGLISH);
        try (PrintWriter out = new PrintWriter(Path.of(arguments[0], "iso.tsv").toFile(), StandardCharsets.UTF_8)) {
            for (String text : TEXTS) {
                out.println(String.join("\t", text, date(text), time(text), timestamp(text)));
            }
        }
    }

    static String date(String text) {
        try {
            return Long.toString(LocalDate.parse(completed(text)).toEpochDay());
        } catch (RuntimeException error) {
            return "!";
        }
    }

    static String time(String text) {
        try {
            return Long.toString(LocalTime.parse(text).toNanoOfDay() / 1_000_000);
        } catch (RuntimeException error) {
            return "!";
        }
    }

    static String completed(String date) {
        int parts = date.split("-").length;
        return date + (parts == 1 ? "-01-01" : parts == 2 ? "-01" : "");
    }

    /** As ksqlDB: completes the date without a T, or the time with one; an offset begins at the first sign. */
    static String timestamp(String text) {
        try {
            int mark = text.indexOf('T');
            String date = mark < 0 ? completed(text) : text.substring(0, mark);
            String rest = mark < 0 ? "" : text.substring(mark + 1);
            int sign = rest.indexOf('+') >= 0 ? rest.indexOf('+') : rest.indexOf('-');
            String offset = sign < 0 ? "" : rest.substring(sign);
            String time = rest.substring(0, rest.length() - offset.length()).replaceAll("Z$", "");
            String full = time + (time.length() < 12 ? "00:00:00.000".substring(time.length()) : "");
            ZoneId zone = ZoneId.of(offset.trim().isEmpty() ? "+0000" : offset);
            DateTimeFormatter formatter = new DateTimeFormatterBuilder().parseCaseInsensitive()
                .appendPattern("yyyy-MM-dd'T'HH:mm:ss.SSS").toFormatter(Locale.ROOT);
            return Long.toString(LocalDateTime.from(formatter.parse(date + "T" + full)).atZone(zone).toInstant().toEpochMilli());
        } catch (RuntimeException error) {
            return "!";
        }
    }
}
