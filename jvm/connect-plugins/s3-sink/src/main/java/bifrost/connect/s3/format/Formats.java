package bifrost.connect.s3.format;

import bifrost.connect.s3.S3SinkConfig;
import java.util.List;
import org.apache.kafka.common.config.ConfigException;

/** The vendor's format classes, by their names. */
public final class Formats {
    private static final String PACKAGE = "io.confluent.connect.s3.format.";
    private static final String AVRO = PACKAGE + "avro.AvroFormat";
    private static final String JSON = PACKAGE + "json.JsonFormat";
    private static final String BYTES = PACKAGE + "bytearray.ByteArrayFormat";

    /** What validate offers. */
    public static final List<Object> NAMES = List.of(AVRO, JSON, BYTES);

    private Formats() {}

    /** A validator of the class name. */
    public static void check(String key, Object value) {
        if (!NAMES.contains(value)) {
            throw new ConfigException(key, value, "is not a format that is known here");
        }
    }

    /** The format of a configuration. */
    public static Format of(S3SinkConfig config) {
        Compression compression = new Compression(
                config.getString(S3SinkConfig.COMPRESSION).equalsIgnoreCase("gzip"),
                config.getInt(S3SinkConfig.COMPRESSION_LEVEL));
        return switch (config.getString(S3SinkConfig.FORMAT)) {
            case JSON -> new JsonFormat(compression, config.getString(S3SinkConfig.JSON_DECIMALS));
            case BYTES -> new BytesFormat(
                    compression,
                    config.getString(S3SinkConfig.BYTES_EXTENSION),
                    config.originalsStrings().get(S3SinkConfig.BYTES_SEPARATOR));
            default -> new AvroFormat(config.getString(S3SinkConfig.AVRO_CODEC));
        };
    }
}
