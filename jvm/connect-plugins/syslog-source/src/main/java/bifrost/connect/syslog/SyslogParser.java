package bifrost.connect.syslog;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Parses RFC 5424 and RFC 3164 messages. Takes any other text as a message without a header; never fails. */
final class SyslogParser {
    /** The priority that RFC 3164 gives a message without one: user, notice. */
    private static final int DEFAULT_PRIORITY = 13;

    private static final int HIGHEST_PRIORITY = 191;
    private static final Pattern PRIORITY = Pattern.compile("<(\\d{1,3})>");
    private static final Pattern ISO_DATE =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(?:Z|[+-]\\d\\d:\\d\\d)) ");
    private static final Pattern RFC_3164_DATE = Pattern.compile(
            "([A-Za-z]{3}) {1,2}(\\d{1,2}) (?:(\\d{4}) )?(\\d\\d):(\\d\\d):(\\d\\d)(?:[.,](\\d{1,9})\\d*)?:? ");
    private static final String STRUCTURED_DATA = "-|(?:\\[(?:[^\\]\\\\]|\\\\.)*+\\])++";
    private static final Pattern RFC_5424_HEADER = Pattern.compile(
            "1 (\\S+) (\\S+) (\\S+) (\\S+) \\S+ (" + STRUCTURED_DATA + ")(?: (.*))?", Pattern.DOTALL);
    private static final List<String> MONTHS =
            List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");
    private static final String NONE = "-";

    private final ZoneId zone;
    private final Clock clock;
    private final boolean withStructuredData;

    /**
     * Creates a parser.
     *
     * @param zone the time zone of dates that name none
     * @param withStructuredData whether the structured data of RFC 5424 is kept in front of the text
     */
    SyslogParser(ZoneId zone, Clock clock, boolean withStructuredData) {
        this.zone = zone;
        this.clock = clock;
        this.withStructuredData = withStructuredData;
    }

    SyslogMessage parse(String line) {
        int priority = DEFAULT_PRIORITY;
        int start = 0;
        Matcher found = PRIORITY.matcher(line);
        if (found.lookingAt() && Integer.parseInt(found.group(1)) <= HIGHEST_PRIORITY) {
            priority = Integer.parseInt(found.group(1));
            start = found.end();
        }
        Matcher header = RFC_5424_HEADER.matcher(line).region(start, line.length());
        return header.matches() ? rfc5424(priority, header) : rfc3164(priority, line.substring(start));
    }

    private SyslogMessage rfc5424(int priority, Matcher header) {
        String host = header.group(2);
        String process = header.group(4).equals(NONE) ? "" : "[" + header.group(4) + "]";
        String text = header.group(6) == null ? "" : header.group(6);
        StringBuilder message = new StringBuilder(NONE.equals(host) ? "" : host + " ");
        if (!header.group(3).equals(NONE)) {
            message.append(header.group(3)).append(process).append(": ");
        }
        if (withStructuredData && !header.group(5).equals(NONE)) {
            message.append(header.group(5)).append(' ');
        }
        message.append(text.startsWith("\uFEFF") ? text.substring(1) : text);
        return message(priority, isoDate(header.group(1)), NONE.equals(host) ? null : host, message.toString());
    }

    private SyslogMessage rfc3164(int priority, String line) {
        Long date = null;
        String rest = line;
        Matcher iso = ISO_DATE.matcher(line);
        Matcher old = RFC_3164_DATE.matcher(line);
        if (iso.lookingAt()) {
            date = isoDate(iso.group(1));
            rest = line.substring(iso.end());
        } else if (old.lookingAt()) {
            date = rfc3164Date(old);
            rest = date == null ? line : line.substring(old.end());
        }
        return message(priority, date, firstWord(rest), rest);
    }

    private static SyslogMessage message(int priority, Long date, String host, String message) {
        return new SyslogMessage(date, priority >> 3, host, priority & 7, message);
    }

    private static String firstWord(String text) {
        int end = 0;
        while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
            end++;
        }
        return end == 0 ? null : text.substring(0, end);
    }

    private static Long isoDate(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant().toEpochMilli();
        } catch (DateTimeException problem) {
            return null;
        }
    }

    /** A date without a year gets the latest year that does not put it more than a day into the future. */
    private Long rfc3164Date(Matcher date) {
        int month = MONTHS.indexOf(date.group(1).toLowerCase(Locale.ROOT)) + 1;
        ZonedDateTime now = clock.instant().atZone(zone);
        int year = date.group(3) == null ? now.getYear() : Integer.parseInt(date.group(3));
        try {
            ZonedDateTime found = at(year, month, date);
            boolean ahead = date.group(3) == null && found.isAfter(now.plusDays(1));
            return (ahead ? at(year - 1, month, date) : found).toInstant().toEpochMilli();
        } catch (DateTimeException problem) {
            return null;
        }
    }

    private ZonedDateTime at(int year, int month, Matcher date) {
        LocalTime time = LocalTime.of(number(date, 4), number(date, 5), number(date, 6), nanos(date.group(7)));
        return LocalDate.of(year, month, number(date, 2)).atTime(time).atZone(zone);
    }

    /** The nanoseconds of the digits behind the second, of which there are at most nine. */
    private static int nanos(String fraction) {
        return fraction == null ? 0 : Integer.parseInt(fraction + "0".repeat(9 - fraction.length()));
    }

    private static int number(Matcher date, int group) {
        return Integer.parseInt(date.group(group));
    }
}
