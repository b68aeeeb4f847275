package bifrost.connect.s3.format;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;

/** Creates the format that a configuration names by the vendor's class. */
public final class Formats {
    private Formats() {}

    /** The format of a configuration. */
    public static Format of(S3SinkConfig config) {
        Compression compression = new Compression(
                config.getString(S3Keys.COMPRESSION).equalsIgnoreCase("gzip"), config.getInt(S3Keys.COMPRESSION_LEVEL));
        return switch (config.getString(S3Keys.FORMAT)) {
            case S3Keys.JSON_FORMAT -> new JsonFormat(compression, config.getString(S3Keys.JSON_DECIMALS));
            case S3Keys.BYTES_FORMAT -> new BytesFormat(
                    compression,
                    config.getString(S3Keys.BYTES_EXTENSION),
                    // The parsed value is trimmed, which would remove a separator of white space.
                    config.originalsStrings().get(S3Keys.BYTES_SEPARATOR));
            default -> new AvroFormat(config.getString(S3Keys.AVRO_CODEC));
        };
    }
}
