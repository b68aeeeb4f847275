package bifrost.connect.jdbc.config;

/** The values of {@code timestamp.granularity}: the type of TIMESTAMP columns. */
public enum TimestampGranularity {
    CONNECT_LOGICAL,
    MICROS_LONG,
    MICROS_STRING,
    MICROS_ISO_DATETIME_STRING,
    NANOS_LONG,
    NANOS_STRING,
    NANOS_ISO_DATETIME_STRING
}
