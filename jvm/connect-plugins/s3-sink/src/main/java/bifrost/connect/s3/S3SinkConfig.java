package bifrost.connect.s3;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import bifrost.connect.s3.format.Formats;
import bifrost.connect.s3.partition.Partitioners;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;

/** The connector's configuration, under the vendor's key names. */
public final class S3SinkConfig extends AbstractConfig {
    public static final String BUCKET = "s3.bucket.name";
    public static final String REGION = "s3.region";
    public static final String STORE_URL = "store.url";
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

    private static final int SMALLEST_PART = 5 * 1024 * 1024; // S3's own bound
    private static final int DEFAULT_PART = 25 * 1024 * 1024;
    private static final String STORAGE = "storage.class";
    private static final String STORAGE_CLASS = "io.confluent.connect.s3.storage.S3Storage";

    private static final Set<String> EXTRACTORS = Set.of("Wallclock", "Record", "RecordField");

    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("schema.generator.class", "it concerns Hive tables, which are not made")
            .withoutEffect("hive.integration", "Hive tables are not made")
            .withoutEffect("hive.metastore.uris", "Hive tables are not made")
            .withoutEffect("hive.database", "Hive tables are not made")
            .withoutEffect("schema.cache.size", "the schema of an open object is all that is kept")
            .withoutEffect("schemas.cache.config", "the schema of an open object is all that is kept")
            .withoutEffect("connect.meta.data", "Avro schemas carry names, types and defaults only")
            .withoutEffect("enhanced.avro.schema.support", "Avro schemas carry names, types and defaults only")
            .withoutEffect("allow.optional.map.keys", "a null key of a map is refused")
            .withoutEffect("shutdown.timeout.ms", "nothing is waited for: what is not uploaded is read again")
            .withoutEffect("parquet.codec", "Parquet is not written")
            .withoutEffect("keys.format.class", "record keys are not stored")
            .withoutEffect("headers.format.class", "record headers are not stored")
            .withoutEffect("s3.http.send.expect.continue", "the client decides by itself")
            .withoutEffect("s3.elastic.buffer.enable", "buffers grow with what they hold")
            .withoutEffect("s3.elastic.buffer.init.capacity", "buffers grow with what they hold")
            .withoutEffect("tombstone.encoded.partition", "tombstones are not written")
            .only(STORAGE, STORAGE_CLASS, "objects go to S3")
            .only("s3.credentials.provider.class", "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
                    "set aws.access.key.id and aws.secret.access.key, or the worker's environment")
            .only("s3.wan.mode", "false", "the accelerated endpoint is not used")
            .only("s3.proxy.url", "", "requests go out directly")
            .only("s3.sse.customer.key", "", "keys are not handed to the store; use s3.ssea.name")
            .only("s3.object.tagging", "false", "objects get no tags")
            .only("s3.schema.partition.affix.type", "NONE", "schema names are not part of paths")
            .only("store.kafka.keys", "false", "values only are stored")
            .only("store.kafka.headers", "false", "values only are stored");

    static final ConfigDef DEFINITION = new Options()
            .group("S3")
            .required(BUCKET, Type.STRING).check(new ConfigDef.NonEmptyString())
            .doc("The bucket; it must be there.")
            .optional(REGION, Type.STRING, "us-west-2").check(new ConfigDef.NonEmptyString())
            .recommend(List.of("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"))
            .doc("The bucket's region, by which requests are signed.")
            .optional(STORE_URL, Type.STRING, null).check(S3SinkConfig::checkUrl)
            .doc("The URL of an S3-compatible store; without it, AWS.")
            .optional(PATH_STYLE, Type.BOOLEAN, true).low()
            .doc("Whether the bucket is part of the path instead of the host's name.")
            .optional(ACCESS_KEY, Type.STRING, null)
            .doc("The access key; without it, the worker's environment, profile or role.")
            .optional(SECRET_KEY, Type.PASSWORD, null).doc("The access key's secret.")
            .optional(PART_SIZE, Type.INT, DEFAULT_PART).check(ConfigDef.Range.between(SMALLEST_PART, Integer.MAX_VALUE))
            .doc("The bytes of an object that go out in one request; larger objects are uploaded in parts.")
            .optional(PART_RETRIES, Type.INT, 3).low().atLeast(0)
            .doc("How often a request is repeated at once; after that it is tried again every retry.backoff.ms.")
            .optional(PART_BACKOFF, Type.LONG, 200L).low().atLeast(0)
            .doc("The wait before the first repetition in milliseconds; it doubles each time.")
            .optional(BACKOFF, Type.LONG, 5000L).low().atLeast(0)
            .doc("The wait in milliseconds while the store is not there; the partition is paused meanwhile.")
            .optional(ENCRYPTION, Type.STRING, "").low().recommend(List.of("", "AES256", "aws:kms"))
            .doc("How the store encrypts objects.")
            .optional(KMS_KEY, Type.STRING, "").low().doc("The KMS key that objects are encrypted with.")
            .optional(ACL, Type.STRING, "").low()
            .recommend(List.of("", "private", "public-read", "bucket-owner-read", "bucket-owner-full-control"))
            .doc("The canned ACL that objects are given.")
            .group("Objects")
            .optional(TOPICS_DIR, Type.STRING, "topics").doc("What all names of objects begin with.")
            .optional(DIRECTORY_DELIM, Type.STRING, "/").low().doc("What stands between folders.")
            .optional(FILE_DELIM, Type.STRING, "+").low().doc("What stands between topic, partition and offset.")
            .optional(PAD_WIDTH, Type.INT, 10).low().atLeast(0).doc("How many digits offsets have at least.")
            .required(FLUSH_SIZE, Type.INT).atLeast(1).doc("How many records end an object.")
            .optional(ROTATE_INTERVAL, Type.LONG, -1L)
            .doc("An object ends when a record is this many milliseconds younger than its first one.")
            .optional(ROTATE_SCHEDULE, Type.LONG, -1L)
            .doc("Objects end at every multiple of this many milliseconds by the clock. Restarts may then write other"
                    + " objects than before: at least once instead of exactly once.")
            .optional(COMPATIBILITY, Type.STRING, "NONE").oneOf(Compatibility.class)
            .doc("What a changed schema does: NONE ends the object; BACKWARD and FULL write older records in the newer"
                    + " form, FORWARD newer ones in the older form.")
            .optional(NULL_VALUES, Type.STRING, "fail").low().oneOf(NullValues.class)
            .doc("What a record without a value does: nothing, or fail the task.")
            .group("Format")
            .required(FORMAT, Type.STRING).check(Formats::check).recommend(Formats.NAMES)
            .doc("The vendor's class of the objects' format.")
            .optional(AVRO_CODEC, Type.STRING, "null").low().oneOf("null", "deflate", "snappy", "bzip2")
            .doc("How Avro objects are compressed.")
            .optional(COMPRESSION, Type.STRING, "none").low().oneOf("none", "gzip")
            .doc("How JSON and byte objects are compressed.")
            .optional(COMPRESSION_LEVEL, Type.INT, -1).low().check(ConfigDef.Range.between(-1, 9))
            .doc("How hard gzip tries: 1 fast to 9 small, -1 its default.")
            .optional(BYTES_EXTENSION, Type.STRING, ".bin").low().doc("How names of byte objects end.")
            .optional(BYTES_SEPARATOR, Type.STRING, null).low()
            .doc("What stands after each record of a byte object; without it, the system's line separator.")
            .optional(JSON_DECIMALS, Type.STRING, "BASE64").low().oneOf("BASE64", "NUMERIC")
            .doc("How decimals are written in JSON.")
            .group("Folders")
            .optional(PARTITIONER, Type.STRING, Partitioners.DEFAULT).check(Partitioners::check)
            .recommend(Partitioners.NAMES)
            .doc("The vendor's class that chooses the folder.")
            .optional(FIELDS, Type.LIST, "").doc("FieldPartitioner: the fields that folders are named after.")
            .optional(DURATION, Type.LONG, -1L).doc("TimeBasedPartitioner: how many milliseconds a folder stands for.")
            .optional(PATH_FORMAT, Type.STRING, "")
            .doc("TimeBasedPartitioner: the folder as a Joda pattern, for example 'year'=YYYY/'month'=MM.")
            .optional(LOCALE, Type.STRING, "").doc("Time-based partitioners: the language of names, for example en-US.")
            .optional(TIMEZONE, Type.STRING, "").check(S3SinkConfig::checkZone)
            .doc("Time-based partitioners and schedules: the time zone, for example UTC.")
            .optional(EXTRACTOR, Type.STRING, "Wallclock").check(S3SinkConfig::checkExtractor)
            .recommend(List.of("Wallclock", "Record", "RecordField"))
            .doc("Where a record's time is taken from: the clock, the record, or a field of it.")
            .optional(TIMESTAMP_FIELD, Type.STRING, "timestamp").doc("RecordField: the field that holds the time.")
            .vendor(VENDOR)
            .definition();

    /** What a changed schema does. */
    public enum Compatibility { NONE, BACKWARD, FORWARD, FULL }

    /** What tombstones do. */
    enum NullValues { FAIL, IGNORE }

    public S3SinkConfig(Map<String, String> given) {
        super(DEFINITION, given, false);
    }

    /** Keys that must be set because others are; the message by key. */
    static Map<String, String> missing(Map<String, String> given) {
        return Partitioners.missing(given);
    }

    public Duration duration(String key) {
        return Duration.ofMillis(getLong(key));
    }

    public ZoneId zone() {
        return ZoneId.of(getString(TIMEZONE));
    }

    Compatibility compatibility() {
        return Compatibility.valueOf(getString(COMPATIBILITY).toUpperCase(Locale.ROOT));
    }

    NullValues nullValues() {
        return NullValues.valueOf(getString(NULL_VALUES).toUpperCase(Locale.ROOT));
    }

    /** The name of the extractor, also where the vendor's class was given. */
    public String extractor() {
        return extractorName(getString(EXTRACTOR));
    }

    private static String extractorName(String value) {
        return value.replaceFirst("^.*[.$]", "").replaceFirst("TimestampExtractor$", "");
    }

    private static void checkExtractor(String key, Object value) {
        if (!EXTRACTORS.contains(extractorName(value.toString()))) {
            throw new ConfigException(key, value, "is none of Wallclock, Record, RecordField");
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
        } catch (IllegalArgumentException notOne) {
            throw new ConfigException(key, value, "is not a URL");
        }
    }

    private static void checkZone(String key, Object value) {
        try {
            if (!value.toString().isEmpty()) {
                ZoneId.of(value.toString());
            }
        } catch (DateTimeException unknown) {
            throw new ConfigException(key, value, "is not a time zone");
        }
    }
}
