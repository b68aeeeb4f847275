package bifrost.connect.spooldir;

import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.time.ZoneId;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.config.ConfigException;

/**
 * Reads times with {@link SimpleDateFormat}, as the vendor's plugin does: two-digit years are within 80 years before and 20
 * years after now, names are English in upper or lower case, and a date that does not exist is an error. Unlike there, a
 * format must match the whole text, so that no part of a time is dropped. Not thread-safe.
 */
final class TimeFormats {
    private static final long DAY_MILLIS = TimeUnit.DAYS.toMillis(1);

    private final List<SimpleDateFormat> formats;
    private final TimeZone zone;

    /** @param zone the time zone of texts that name none */
    TimeFormats(List<String> patterns, ZoneId zone) {
        formats = patterns.stream().map(TimeFormats::format).toList();
        this.zone = TimeZone.getTimeZone(zone);
    }

    /**
     * The point in time that a text names.
     *
     * @throws IllegalArgumentException the text matches none of the formats
     */
    Date timestamp(String text) {
        return parse(text).getTime();
    }

    /** The date in a text, as Connect represents it: midnight in UTC. */
    Date date(String text) {
        return new Date(Math.floorDiv(localMillis(text), DAY_MILLIS) * DAY_MILLIS);
    }

    /** The time of day in a text, as Connect represents it: on 1 January 1970 in UTC. */
    Date time(String text) {
        return new Date(Math.floorMod(localMillis(text), DAY_MILLIS));
    }

    /** @throws ConfigException the pattern is not valid */
    static SimpleDateFormat format(String pattern) {
        try {
            SimpleDateFormat format = new SimpleDateFormat(pattern.trim(), Locale.ENGLISH);
            format.setLenient(false);
            // Old dates count as in ISO 8601 and in everything that reads the records, without the Julian calendar.
            ((GregorianCalendar) format.getCalendar()).setGregorianChange(new Date(Long.MIN_VALUE));
            return format;
        } catch (IllegalArgumentException invalid) {
            throw new ConfigException("parser.timestamp.date.formats", pattern, invalid.getMessage());
        }
    }

    private long localMillis(String text) {
        Calendar parsed = parse(text);
        return parsed.getTimeInMillis() + parsed.get(Calendar.ZONE_OFFSET) + parsed.get(Calendar.DST_OFFSET);
    }

    private Calendar parse(String text) {
        for (SimpleDateFormat format : formats) {
            format.setTimeZone(zone); // a zone in the previous text replaced it
            ParsePosition position = new ParsePosition(0);
            if (format.parse(text, position) != null && position.getIndex() == text.length()) {
                return format.getCalendar();
            }
        }
        throw new IllegalArgumentException("'" + text + "' matches none of the formats in parser.timestamp.date.formats");
    }
}
