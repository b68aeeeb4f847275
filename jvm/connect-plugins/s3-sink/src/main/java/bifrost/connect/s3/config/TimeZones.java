package bifrost.connect.s3.config;

import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.TimeZone;
import org.joda.time.DateTimeZone;

/** Reads time zones as the vendor's plugin does, with Joda-Time, and also the names that only Java knows. */
final class TimeZones {
    private TimeZones() {}

    /** @throws IllegalArgumentException neither Joda-Time nor Java knows the zone */
    static DateTimeZone parse(String name) {
        try {
            return DateTimeZone.forID(name);
        } catch (IllegalArgumentException unknownToJoda) {
            return javaZone(name); // for example GMT+2 or PST
        }
    }

    private static DateTimeZone javaZone(String name) {
        try {
            return DateTimeZone.forTimeZone(TimeZone.getTimeZone(ZoneId.of(name, ZoneId.SHORT_IDS)));
        } catch (DateTimeException unknown) {
            throw new IllegalArgumentException("unknown time zone " + name, unknown);
        }
    }
}
