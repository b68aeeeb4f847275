package bifrost.connect.s3.store;

import bifrost.connect.s3.S3SinkConfig;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.connect.errors.ConnectException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** A bucket of AWS or of a store that speaks S3. */
public final class AwsObjectStore implements ObjectStore {
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CHECK_TIMEOUT = Duration.ofSeconds(5);

    private final S3Client client;
    private final String bucket;
    private final String where;
    private final String encryption;
    private final String kmsKey;
    private final String acl;

    public AwsObjectStore(S3SinkConfig config) {
        this(config, config.getInt(S3SinkConfig.PART_RETRIES), READ_TIMEOUT);
    }

    /** One that asks once and does not wait long, for somebody who waits for the answer. */
    public static AwsObjectStore impatient(S3SinkConfig config) {
        return new AwsObjectStore(config, 0, CHECK_TIMEOUT);
    }

    private AwsObjectStore(S3SinkConfig config, int retries, Duration timeout) {
        bucket = config.getString(S3SinkConfig.BUCKET);
        encryption = orNull(config.getString(S3SinkConfig.ENCRYPTION));
        kmsKey = orNull(config.getString(S3SinkConfig.KMS_KEY));
        acl = orNull(config.getString(S3SinkConfig.ACL));
        String url = config.getString(S3SinkConfig.STORE_URL);
        where = url == null ? "AWS " + config.getString(S3SinkConfig.REGION) : url;
        client = client(config, url, retries, timeout);
    }

    @Override
    public void check() throws CheckFailed {
        try {
            client.headBucket(request -> request.bucket(bucket));
        } catch (S3Exception answer) {
            throw failedCheck(answer);
        } catch (SdkClientException absent) {
            boolean isUser = String.valueOf(absent.getMessage()).startsWith("Unable to load credentials");
            String message = isUser
                    ? "no access key: set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and"
                            + " AWS_SECRET_ACCESS_KEY for the worker"
                    : where + " does not answer: " + reason(absent);
            throw new CheckFailed(isUser ? S3SinkConfig.ACCESS_KEY : S3SinkConfig.STORE_URL, isUser, message, absent);
        }
    }

    @Override
    public void put(String key, byte[] content) throws StoreAway {
        retriable(key, () -> client.putObject(
                request -> request.bucket(bucket).key(key).serverSideEncryption(encryption).ssekmsKeyId(kmsKey).acl(acl),
                RequestBody.fromBytes(content)));
    }

    @Override
    public String begin(String key) throws StoreAway {
        return retriable(key, () -> client.createMultipartUpload(request -> request
                        .bucket(bucket).key(key).serverSideEncryption(encryption).ssekmsKeyId(kmsKey).acl(acl)))
                .uploadId();
    }

    @Override
    public String part(String key, String upload, int number, byte[] content) throws StoreAway, UploadLost {
        return ofUpload(key, () -> client.uploadPart(
                        request -> request.bucket(bucket).key(key).uploadId(upload).partNumber(number),
                        RequestBody.fromBytes(content)))
                .eTag();
    }

    @Override
    public void complete(String key, String upload, List<String> tags) throws StoreAway, UploadLost {
        List<CompletedPart> parts = new ArrayList<>();
        for (String tag : tags) {
            parts.add(CompletedPart.builder().partNumber(parts.size() + 1).eTag(tag).build());
        }
        ofUpload(key, () -> client.completeMultipartUpload(request ->
                request.bucket(bucket).key(key).uploadId(upload).multipartUpload(all -> all.parts(parts))));
    }

    @Override
    public void abort(String key, String upload) {
        try {
            client.abortMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(upload));
        } catch (SdkException | UncheckedIOException gone) {
            // The bucket's own rules clear away what is left of uploads.
        }
    }

    @Override
    public void close() {
        client.close();
    }

    private static S3Client client(S3SinkConfig config, String url, int repetitions, Duration timeout) {
        AwsRetryStrategyOf retries = new AwsRetryStrategyOf(repetitions, config.duration(S3SinkConfig.PART_BACKOFF));
        S3ClientBuilder builder = S3Client.builder()
                .region(Region.of(config.getString(S3SinkConfig.REGION)))
                .credentialsProvider(credentials(config))
                .forcePathStyle(config.getBoolean(S3SinkConfig.PATH_STYLE))
                // Stores other than AWS's own do not know the newer checksums.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
                .overrideConfiguration(override -> override.retryStrategy(retries.strategy()))
                .httpClientBuilder(
                        UrlConnectionHttpClient.builder().connectionTimeout(CONNECT_TIMEOUT).socketTimeout(timeout));
        return (url == null ? builder : builder.endpointOverride(URI.create(url))).build();
    }

    private record AwsRetryStrategyOf(int retries, Duration backoff) {
        software.amazon.awssdk.retries.api.RetryStrategy strategy() {
            return AwsRetryStrategy.standardRetryStrategy().toBuilder()
                    .maxAttempts(retries + 1)
                    .backoffStrategy(BackoffStrategy.exponentialDelay(positive(backoff), LONGEST_WAIT))
                    .build();
        }

        private static Duration positive(Duration wait) {
            return wait.isZero() ? Duration.ofMillis(1) : wait;
        }
    }

    private static AwsCredentialsProvider credentials(S3SinkConfig config) {
        String access = config.getString(S3SinkConfig.ACCESS_KEY);
        if (access == null || config.getPassword(S3SinkConfig.SECRET_KEY) == null) {
            return DefaultCredentialsProvider.builder().build();
        }
        String secret = config.getPassword(S3SinkConfig.SECRET_KEY).value();
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(access, secret));
    }

    private <T> T ofUpload(String key, Supplier<T> request) throws StoreAway, UploadLost {
        try {
            return retriable(key, request);
        } catch (ConnectException refused) {
            if (refused.getCause() instanceof S3Exception answer && answer.statusCode() == 404 && !isBucketMissing(answer)) {
                throw new UploadLost("The upload of " + key + " is gone", answer);
            }
            throw refused;
        }
    }

    /** @throws ConnectException what waiting does not help against */
    private <T> T retriable(String key, Supplier<T> request) throws StoreAway {
        try {
            return request.get();
        } catch (S3Exception answer) {
            String message = key + " in bucket " + bucket + " at " + where + ": " + reason(answer);
            if (answer.statusCode() >= 500 || answer.statusCode() == 429 || answer.statusCode() == 408) {
                throw new StoreAway(message, answer);
            }
            throw new ConnectException(message, answer);
        } catch (SdkClientException | UncheckedIOException absent) { // the SDK lets some of its HTTP client's pass
            throw new StoreAway(where + " does not answer: " + reason(absent), absent);
        }
    }

    private CheckFailed failedCheck(S3Exception answer) {
        return switch (answer.statusCode()) {
            case 404 -> new CheckFailed(
                    S3SinkConfig.BUCKET, true, "there is no bucket " + bucket + " at " + where + "; create it", answer);
            case 400, 401, 403 -> new CheckFailed(
                    S3SinkConfig.ACCESS_KEY, true, where + " does not let this access key into bucket " + bucket, answer);
            case 301 -> new CheckFailed(
                    S3SinkConfig.REGION, true, "bucket " + bucket + " is in another region", answer);
            default -> new CheckFailed(
                    S3SinkConfig.STORE_URL, false, where + " answers with status " + answer.statusCode(), answer);
        };
    }

    private static boolean isBucketMissing(S3Exception answer) {
        return answer.awsErrorDetails() != null && "NoSuchBucket".equals(answer.awsErrorDetails().errorCode());
    }

    private static String reason(RuntimeException failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    private static String orNull(String value) {
        return value.isEmpty() ? null : value;
    }
}
