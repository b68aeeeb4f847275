package bifrost.connect.s3.config;

import bifrost.connect.s3.config.S3Keys.Compatibility;
import bifrost.connect.s3.config.S3Keys.NullValues;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.joda.time.DateTimeZone;

/** The configuration of a connector or task, with typed values. */
public final class S3SinkConfig extends AbstractConfig {
    /** @throws org.apache.kafka.common.config.ConfigException a key is missing or has a wrong value */
    public S3SinkConfig(Map<String, String> given) {
        super(S3Keys.DEFINITION, given, false);
    }

    /** The value of a key that holds milliseconds. */
    public Duration duration(String key) {
        return Duration.ofMillis(getLong(key));
    }

    /** The time zone of folders and schedules. */
    public DateTimeZone zone() {
        return TimeZones.parse(getString(S3Keys.TIMEZONE));
    }

    /** The value of a key that holds a path, without the delimiters at its end. */
    public String withoutTrailingDelim(String key) {
        return S3Keys.withoutTrailing(getString(key), getString(S3Keys.DIRECTORY_DELIM));
    }

    /** What a changed schema does to the open object. */
    public Compatibility compatibility() {
        return Compatibility.valueOf(getString(S3Keys.COMPATIBILITY).toUpperCase(Locale.ROOT));
    }

    /** What a record without a value does. */
    public NullValues nullValues() {
        return NullValues.valueOf(getString(S3Keys.NULL_VALUES).toUpperCase(Locale.ROOT));
    }

    /** The short name of the timestamp extractor, even if the vendor's class name was given. */
    public String extractor() {
        return S3Keys.extractorName(getString(S3Keys.EXTRACTOR));
    }
}
