package bifrost.connect.syslog;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads RFC 5424 and RFC 3164, and of anything else what there is. Never fails. */
final class SyslogParser {
    /** What RFC 3164 says a message without a priority has: user, notice. */
    private static final int DEFAULT_PRIORITY = 13;

    private static final int HIGHEST_PRIORITY = 191;
    private static final Pattern PRIORITY = Pattern.compile("<(\\d{1,3})>");
    private static final Pattern ISO_DATE =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(?:Z|[+-]\\d\\d:\\d\\d)) ");
    private static final Pattern OLD_DATE = Pattern.compile(
            "([A-Z][a-z]{2}) ([ \\d]\\d) (?:(\\d{4}) )?(\\d\\d):(\\d\\d):(\\d\\d)(?:\\.\\d+)?:? ");
    private static final String STRUCTURED_DATA = "-|(?:\\[(?:[^\\]\\\\]|\\\\.)*+\\])++";
    private static final Pattern NEW_HEADER = Pattern.compile(
            "1 (\\S+) (\\S+) (\\S+) (\\S+) \\S+ (" + STRUCTURED_DATA + ")(?: (.*))?", Pattern.DOTALL);
    private static final List<String> MONTHS =
            List.of("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec");
    private static final String NONE = "-";

    private final ZoneId zone;
    private final Clock clock;
    private final boolean withStructuredData;

    /**
     * A parser.
     *
     * @param zone of dates that name none
     * @param withStructuredData whether RFC 5424's structured data stands before the text
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
        Matcher header = NEW_HEADER.matcher(line).region(start, line.length());
        return header.matches() ? newForm(priority, header) : oldForm(priority, line.substring(start));
    }

    private SyslogMessage newForm(int priority, Matcher header) {
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
        return made(priority, isoDate(header.group(1)), NONE.equals(host) ? null : host, message.toString());
    }

    private SyslogMessage oldForm(int priority, String line) {
        Long date = null;
        String rest = line;
        Matcher iso = ISO_DATE.matcher(line);
        Matcher old = OLD_DATE.matcher(line);
        if (iso.lookingAt()) {
            date = isoDate(iso.group(1));
            rest = line.substring(iso.end());
        } else if (old.lookingAt()) {
            date = oldDate(old);
            rest = date == null ? line : line.substring(old.end());
        }
        return made(priority, date, firstWord(rest), rest);
    }

    private static SyslogMessage made(int priority, Long date, String host, String message) {
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

    /** A date without a year is the one that is not more than a day ahead. */
    private Long oldDate(Matcher date) {
        int month = MONTHS.indexOf(date.group(1)) + 1;
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
        int day = Integer.parseInt(date.group(2).trim());
        return LocalDateTime.of(year, month, day, number(date, 4), number(date, 5), number(date, 6)).atZone(zone);
    }

    private static int number(Matcher date, int group) {
        return Integer.parseInt(date.group(group));
    }
}
