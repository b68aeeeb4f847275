package bifrost.connect.s3.config;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import java.net.URI;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.Validator;
import org.apache.kafka.common.config.ConfigException;

/** The keys of the connector under the vendor's names, with their defaults, checks and documentation. */
public final class S3Keys {
    public static final String BUCKET = "s3.bucket.name";
    public static final String REGION = "s3.region";
    public static final String STORE_URL = "store.url";
    public static final String AUTHORITIES = "s3.https.ssl.truststore.location";
    public static final String PATH_STYLE = "s3.path.style.access.enabled";
    public static final String ACCESS_KEY = "aws.access.key.id";
    public static final String SECRET_KEY = "aws.secret.access.key";
    public static final String PART_SIZE = "s3.part.size";
    public static final String PART_RETRIES = "s3.part.retries";
    public static final String PART_BACKOFF = "s3.retry.backoff.ms";
    public static final String BACKOFF = "retry.backoff.ms";
    public static final String ENCRYPTION = "s3.ssea.name";
    public static final String KMS_KEY = "s3.sse.kms.key.id";
    public static final String ACL = "s3.acl.canned";
    public static final String TOPICS_DIR = "topics.dir";
    public static final String DIRECTORY_DELIM = "directory.delim";
    public static final String FILE_DELIM = "file.delim";
    public static final String PAD_WIDTH = "filename.offset.zero.pad.width";
    public static final String FLUSH_SIZE = "flush.size";
    public static final String ROTATE_INTERVAL = "rotate.interval.ms";
    public static final String ROTATE_SCHEDULE = "rotate.schedule.interval.ms";
    public static final String FORMAT = "format.class";
    public static final String AVRO_CODEC = "avro.codec";
    public static final String COMPRESSION = "s3.compression.type";
    public static final String COMPRESSION_LEVEL = "s3.compression.level";
    public static final String BYTES_EXTENSION = "format.bytearray.extension";
    public static final String BYTES_SEPARATOR = "format.bytearray.separator";
    public static final String JSON_DECIMALS = "json.decimal.format";
    public static final String PARTITIONER = "partitioner.class";
    public static final String FIELDS = "partition.field.name";
    public static final String DURATION = "partition.duration.ms";
    public static final String PATH_FORMAT = "path.format";
    public static final String LOCALE = "locale";
    public static final String TIMEZONE = "timezone";
    public static final String EXTRACTOR = "timestamp.extractor";
    public static final String TIMESTAMP_FIELD = "timestamp.field";
    public static final String COMPATIBILITY = "schema.compatibility";
    public static final String NULL_VALUES = "behavior.on.null.values";

    private static final String FORMATS_PACKAGE = "io.confluent.connect.s3.format.";
    public static final String AVRO_FORMAT = FORMATS_PACKAGE + "avro.AvroFormat";
    public static final String JSON_FORMAT = FORMATS_PACKAGE + "json.JsonFormat";
    public static final String BYTES_FORMAT = FORMATS_PACKAGE + "bytearray.ByteArrayFormat";
    private static final List<Object> FORMATS = List.of(AVRO_FORMAT, JSON_FORMAT, BYTES_FORMAT);

    private static final String PARTITIONERS_PACKAGE = "io.confluent.connect.storage.partitioner.";
    public static final String DEFAULT_PARTITIONER = PARTITIONERS_PACKAGE + "DefaultPartitioner";
    public static final String FIELD_PARTITIONER = PARTITIONERS_PACKAGE + "FieldPartitioner";
    public static final String TIME_PARTITIONER = PARTITIONERS_PACKAGE + "TimeBasedPartitioner";
    public static final String DAILY_PARTITIONER = PARTITIONERS_PACKAGE + "DailyPartitioner";
    public static final String HOURLY_PARTITIONER = PARTITIONERS_PACKAGE + "HourlyPartitioner";
    private static final List<Object> PARTITIONERS = List.of(
            DEFAULT_PARTITIONER, FIELD_PARTITIONER, TIME_PARTITIONER, DAILY_PARTITIONER, HOURLY_PARTITIONER);

    private static final int SMALLEST_PART = 5 * 1024 * 1024; // the minimum that S3 accepts
    private static final int DEFAULT_PART = 25 * 1024 * 1024;
    private static final String STORAGE = "storage.class";
    private static final String STORAGE_CLASS = "io.confluent.connect.s3.storage.S3Storage";

    private static final Set<String> EXTRACTORS = Set.of("Wallclock", "Record", "RecordField");

    public static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("schema.generator.class", "Hive tables are not created")
            .withoutEffect("hive.integration", "Hive tables are not created")
            .withoutEffect("hive.metastore.uris", "Hive tables are not created")
            .withoutEffect("hive.database", "Hive tables are not created")
            .withoutEffect("schema.cache.size", "schemas are not cached")
            .withoutEffect("schemas.cache.config", "schemas are not cached")
            .withoutEffect("connect.meta.data", "Avro schemas contain names, types and defaults only")
            .withoutEffect("enhanced.avro.schema.support", "Avro schemas contain names, types and defaults only")
            .withoutEffect("allow.optional.map.keys", "a null key of a map is refused")
            .withoutEffect("shutdown.timeout.ms", "a stop does not wait: records that are not uploaded are read again")
            .withoutEffect("parquet.codec", "Parquet is not supported")
            .withoutEffect("keys.format.class", "record keys are not stored")
            .withoutEffect("headers.format.class", "record headers are not stored")
            .withoutEffect("s3.http.send.expect.continue", "the client decides")
            .withoutEffect("s3.elastic.buffer.enable", "buffers grow with their content")
            .withoutEffect("s3.elastic.buffer.init.capacity", "buffers grow with their content")
            .withoutEffect("tombstone.encoded.partition", "tombstones are not written")
            .only(STORAGE, STORAGE_CLASS, "objects are stored in S3")
            .only("s3.credentials.provider.class", "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
                    "set aws.access.key.id and aws.secret.access.key, or the worker's environment variables")
            .only("s3.wan.mode", "false", "the accelerated endpoint is not used")
            .only("s3.proxy.url", "", "a proxy is not supported")
            .only("s3.sse.customer.key", "", "customer keys are not supported; use s3.ssea.name")
            .only("s3.object.tagging", "false", "objects are not tagged")
            .only("s3.schema.partition.affix.type", "NONE", "schema names are not part of paths")
            .only("store.kafka.keys", "false", "only values are stored")
            .only("store.kafka.headers", "false", "only values are stored");

    public static final ConfigDef DEFINITION = new Options()
            .group("S3")
            .required(BUCKET, Type.STRING).check(new ConfigDef.NonEmptyString())
            .doc("The bucket; it must exist.")
            .optional(REGION, Type.STRING, "us-west-2").check(new ConfigDef.NonEmptyString())
            .recommend(List.of("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"))
            .doc("The bucket's region, which requests are signed for.")
            .optional(STORE_URL, Type.STRING, null).check(S3Keys::checkUrl)
            .doc("The URL of an S3-compatible store. Default: AWS.")
            .optional(AUTHORITIES, Type.STRING, null).low().check(S3Keys::checkFile)
            .doc("The file with the certificates of the authorities to trust, in PEM form. Default: those of the worker's Java.")
            .optional(PATH_STYLE, Type.BOOLEAN, true).low()
            .doc("Whether the bucket name is part of the URL's path instead of its host.")
            .optional(ACCESS_KEY, Type.STRING, null)
            .doc("The access key. Default: the worker's environment, profile or role.")
            .optional(SECRET_KEY, Type.PASSWORD, null).doc("The secret of the access key.")
            .optional(PART_SIZE, Type.INT, DEFAULT_PART).check(ConfigDef.Range.between(SMALLEST_PART, Integer.MAX_VALUE))
            .doc("The maximum size of an upload request in bytes; larger objects are uploaded in parts.")
            .optional(PART_RETRIES, Type.INT, 3).low().atLeast(0)
            .doc("How often a failed request is retried immediately; after that it is retried every retry.backoff.ms.")
            .optional(PART_BACKOFF, Type.LONG, 200L).low().atLeast(0)
            .doc("The wait before the first retry in milliseconds; it doubles with each retry.")
            .optional(BACKOFF, Type.LONG, 5000L).low().atLeast(0)
            .doc("The wait between attempts while the store is unavailable, in milliseconds; the partition is paused.")
            .optional(ENCRYPTION, Type.STRING, "").low().recommend(List.of("", "AES256", "aws:kms"))
            .doc("The server-side encryption of objects.")
            .optional(KMS_KEY, Type.STRING, "").low().doc("The ID of the KMS key that encrypts objects.")
            .optional(ACL, Type.STRING, "").low()
            .recommend(List.of("", "private", "public-read", "bucket-owner-read", "bucket-owner-full-control"))
            .doc("The canned ACL of objects.")
            .group("Objects")
            .optional(TOPICS_DIR, Type.STRING, "topics").doc("The prefix of all object names.")
            .optional(DIRECTORY_DELIM, Type.STRING, "/").low().doc("The separator between folders.")
            .optional(FILE_DELIM, Type.STRING, "+").low().check(new ConfigDef.NonEmptyString()).doc("The separator between topic, partition and offset.")
            .optional(PAD_WIDTH, Type.INT, 10).low().atLeast(0).doc("The minimum number of digits of the offset in an object name.")
            .required(FLUSH_SIZE, Type.INT).atLeast(1).doc("The number of records after which an object ends.")
            .optional(ROTATE_INTERVAL, Type.LONG, -1L)
            .doc("An object ends before a record that is this many milliseconds later than its first record; -1: never.")
            .optional(ROTATE_SCHEDULE, Type.LONG, -1L)
            .doc("Objects end at every multiple of this many milliseconds of the clock; -1: never. After a restart, objects"
                    + " may then differ: delivery is at least once instead of exactly once.")
            .optional(COMPATIBILITY, Type.STRING, "NONE").oneOf(Compatibility.class)
            .doc("The effect of a changed schema. NONE ends the object. BACKWARD and FULL convert older records to the"
                    + " newer schema, FORWARD converts newer records to the older schema.")
            .optional(NULL_VALUES, Type.STRING, "fail").low().oneOf(NullValues.class)
            .doc("What to do with a record without a value: skip it (ignore) or fail the task (fail).")
            .group("Format")
            .required(FORMAT, Type.STRING).check(oneOf(FORMATS)).recommend(FORMATS)
            .doc("The vendor's class for the format of objects.")
            .optional(AVRO_CODEC, Type.STRING, "null").low().oneOf("null", "deflate", "snappy", "bzip2")
            .doc("The compression of Avro objects.")
            .optional(COMPRESSION, Type.STRING, "none").low().oneOf("none", "gzip")
            .doc("The compression of JSON and byte array objects.")
            .optional(COMPRESSION_LEVEL, Type.INT, -1).low().check(ConfigDef.Range.between(-1, 9))
            .doc("The gzip level: 1 is fastest, 9 smallest, -1 the default of gzip.")
            .optional(BYTES_EXTENSION, Type.STRING, ".bin").low().doc("The file extension of byte array objects.")
            .optional(BYTES_SEPARATOR, Type.STRING, null).low()
            .doc("The separator after each record of a byte array object. Default: the system's line separator.")
            .optional(JSON_DECIMALS, Type.STRING, "BASE64").low().oneOf("BASE64", "NUMERIC")
            .doc("The form of decimals in JSON.")
            .group("Folders")
            .optional(PARTITIONER, Type.STRING, DEFAULT_PARTITIONER).check(oneOf(PARTITIONERS))
            .recommend(PARTITIONERS)
            .doc("The vendor's class that chooses the folder of a record.")
            .optional(FIELDS, Type.LIST, "").doc("FieldPartitioner: the fields whose values name the folders.")
            .optional(DURATION, Type.LONG, -1L).doc("TimeBasedPartitioner: the time span of a folder in milliseconds.")
            .optional(PATH_FORMAT, Type.STRING, "")
            .doc("TimeBasedPartitioner: the folder as a Joda-Time pattern, for example 'year'=YYYY/'month'=MM.")
            .optional(LOCALE, Type.STRING, "").doc("Time-based partitioners: the language of month and day names, for example en-US.")
            .optional(TIMEZONE, Type.STRING, "").check(S3Keys::checkZone)
            .doc("Time-based partitioners and schedules: the time zone, for example UTC.")
            .optional(EXTRACTOR, Type.STRING, "Wallclock").check(S3Keys::checkExtractor)
            .recommend(List.of("Wallclock", "Record", "RecordField"))
            .doc("The source of a record's time: the clock, the record's timestamp, or a field.")
            .optional(TIMESTAMP_FIELD, Type.STRING, "timestamp").doc("RecordField: the field with the time.")
            .vendor(VENDOR)
            .definition();

    /** The values of {@code schema.compatibility}. */
    public enum Compatibility { NONE, BACKWARD, FORWARD, FULL }

    /** The values of {@code behavior.on.null.values}. */
    public enum NullValues { FAIL, IGNORE }

    private S3Keys() {}

    /** A path without the delimiters at its end, which would make empty folder names. */
    public static String withoutTrailing(String path, String delim) {
        String shorter = path;
        while (!delim.isEmpty() && shorter.endsWith(delim)) {
            shorter = shorter.substring(0, shorter.length() - delim.length());
        }
        return shorter;
    }

    /** The short name of a timestamp extractor: {@code Record} for the vendor's class of that name. */
    static String extractorName(String value) {
        return value.replaceFirst("^.*[.$]", "").replaceFirst("TimestampExtractor$", "");
    }

    private static Validator oneOf(List<Object> classNames) {
        return (key, value) -> {
            if (!classNames.contains(value)) {
                throw new ConfigException(key, value, "is not one of " + classNames);
            }
        };
    }

    private static void checkExtractor(String key, Object value) {
        if (!EXTRACTORS.contains(extractorName(value.toString()))) {
            throw new ConfigException(key, value, "is not one of Wallclock, Record, RecordField");
        }
    }

    private static void checkFile(String key, Object value) {
        if (value != null) {
            TrustedAuthorities.read(key, value.toString());
        }
    }

    private static void checkUrl(String key, Object value) {
        if (value == null) {
            return;
        }
        try {
            URI uri = URI.create(value.toString());
            if (uri.getHost() == null || !List.of("http", "https").contains(uri.getScheme())) {
                throw new ConfigException(key, value, "is not an http or https URL");
            }
        } catch (IllegalArgumentException invalid) {
            throw new ConfigException(key, value, "is not a URL");
        }
    }

    private static void checkZone(String key, Object value) {
        try {
            if (!value.toString().isEmpty()) {
                TimeZones.parse(value.toString());
            }
        } catch (IllegalArgumentException unknown) {
            throw new ConfigException(key, value, "is not a time zone");
        }
    }
}
