package bifrost.connect.s3.store;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import bifrost.connect.s3.config.TrustedAuthorities;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.TrustManager;
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

/** A bucket of AWS or of another store with the S3 API. */
public final class AwsObjectStore implements ObjectStore {
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CHECK_TIMEOUT = Duration.ofSeconds(5);

    private final S3Client client;
    private final String bucket;
    private final String storeName;
    private final String encryption;
    private final String kmsKey;
    private final String acl;

    public AwsObjectStore(S3SinkConfig config) {
        this(config, config.getInt(S3Keys.PART_RETRIES), READ_TIMEOUT);
    }

    /** A client for validate: sends each request once, with a short timeout, because a person waits for the answer. */
    public static AwsObjectStore withoutRetries(S3SinkConfig config) {
        return new AwsObjectStore(config, 0, CHECK_TIMEOUT);
    }

    private AwsObjectStore(S3SinkConfig config, int retries, Duration timeout) {
        bucket = config.getString(S3Keys.BUCKET);
        encryption = orNull(config.getString(S3Keys.ENCRYPTION));
        kmsKey = orNull(config.getString(S3Keys.KMS_KEY));
        acl = orNull(config.getString(S3Keys.ACL));
        String url = config.getString(S3Keys.STORE_URL);
        storeName = url == null ? "AWS " + config.getString(S3Keys.REGION) : url;
        client = client(config, url, retries, timeout);
    }

    @Override
    public void check() throws CheckFailed {
        try {
            client.headBucket(request -> request.bucket(bucket));
        } catch (S3Exception answer) {
            throw failedCheck(answer);
        } catch (SdkClientException unavailable) {
            boolean lacksAccessKey = String.valueOf(unavailable.getMessage()).startsWith("Unable to load credentials");
            String message = lacksAccessKey
                    ? "has no access key: set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and"
                            + " AWS_SECRET_ACCESS_KEY for the worker"
                    : storeName + " does not answer: " + reason(unavailable);
            throw new CheckFailed(lacksAccessKey ? S3Keys.ACCESS_KEY : S3Keys.STORE_URL, lacksAccessKey, message, unavailable);
        }
    }

    @Override
    public void put(String key, byte[] content) throws StoreUnavailable {
        send(key, () -> client.putObject(
                request -> request.bucket(bucket).key(key).serverSideEncryption(encryption).ssekmsKeyId(kmsKey).acl(acl),
                RequestBody.fromBytes(content)));
    }

    @Override
    public String begin(String key) throws StoreUnavailable {
        return send(key, () -> client.createMultipartUpload(request -> request
                        .bucket(bucket).key(key).serverSideEncryption(encryption).ssekmsKeyId(kmsKey).acl(acl)))
                .uploadId();
    }

    @Override
    public String part(String key, String upload, int number, byte[] content) throws StoreUnavailable, UploadLost {
        return inUpload(key, () -> client.uploadPart(
                        request -> request.bucket(bucket).key(key).uploadId(upload).partNumber(number),
                        RequestBody.fromBytes(content)))
                .eTag();
    }

    @Override
    public void complete(String key, String upload, List<String> tags) throws StoreUnavailable, UploadLost {
        List<CompletedPart> parts = new ArrayList<>();
        for (String tag : tags) {
            parts.add(CompletedPart.builder().partNumber(parts.size() + 1).eTag(tag).build());
        }
        inUpload(key, () -> client.completeMultipartUpload(request ->
                request.bucket(bucket).key(key).uploadId(upload).multipartUpload(all -> all.parts(parts))));
    }

    @Override
    public void abort(String key, String upload) {
        try {
            client.abortMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(upload));
        } catch (SdkException | UncheckedIOException ignored) {
            // The bucket's lifecycle rules remove incomplete uploads.
        }
    }

    @Override
    public void close() {
        client.close();
    }

    private static S3Client client(S3SinkConfig config, String url, int repetitions, Duration timeout) {
        ExponentialRetry retries = new ExponentialRetry(repetitions, config.duration(S3Keys.PART_BACKOFF));
        UrlConnectionHttpClient.Builder http =
                UrlConnectionHttpClient.builder().connectionTimeout(CONNECT_TIMEOUT).socketTimeout(timeout);
        String authorities = config.getString(S3Keys.AUTHORITIES);
        if (authorities != null) {
            TrustManager[] trusted = TrustedAuthorities.read(S3Keys.AUTHORITIES, authorities);
            http.tlsTrustManagersProvider(() -> trusted);
        }
        S3ClientBuilder builder = S3Client.builder()
                .region(Region.of(config.getString(S3Keys.REGION)))
                .credentialsProvider(credentials(config))
                .forcePathStyle(config.getBoolean(S3Keys.PATH_STYLE))
                // Many S3-compatible stores do not support the newer checksums.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
                .overrideConfiguration(override -> override.retryStrategy(retries.strategy()))
                .httpClientBuilder(http);
        return (url == null ? builder : builder.endpointOverride(URI.create(url))).build();
    }

    private record ExponentialRetry(int retries, Duration backoff) {
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
        String access = config.getString(S3Keys.ACCESS_KEY);
        if (access == null || config.getPassword(S3Keys.SECRET_KEY) == null) {
            return DefaultCredentialsProvider.builder().build();
        }
        String secret = config.getPassword(S3Keys.SECRET_KEY).value();
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(access, secret));
    }

    private <T> T inUpload(String key, Supplier<T> request) throws StoreUnavailable, UploadLost {
        try {
            return send(key, request);
        } catch (ConnectException refused) {
            if (refused.getCause() instanceof S3Exception answer && answer.statusCode() == 404 && !isBucketMissing(answer)) {
                throw new UploadLost("The store no longer knows the upload of " + key, answer);
            }
            throw refused;
        }
    }

    /** @throws ConnectException the store refuses the request, so that a retry cannot succeed */
    private <T> T send(String key, Supplier<T> request) throws StoreUnavailable {
        try {
            return request.get();
        } catch (S3Exception answer) {
            String message = key + " in bucket " + bucket + " at " + storeName + ": " + reason(answer);
            if (answer.statusCode() >= 500 || answer.statusCode() == 429 || answer.statusCode() == 408) {
                throw new StoreUnavailable(message, answer);
            }
            throw new ConnectException(message, answer);
        } catch (SdkClientException | UncheckedIOException unavailable) { // the SDK does not wrap all errors of its HTTP client
            throw new StoreUnavailable(storeName + " does not answer: " + reason(unavailable), unavailable);
        }
    }

    private CheckFailed failedCheck(S3Exception answer) {
        return switch (answer.statusCode()) {
            case 404 -> new CheckFailed(
                    S3Keys.BUCKET, true, "bucket " + bucket + " does not exist at " + storeName + "; create it", answer);
            case 400, 401, 403 -> new CheckFailed(
                    S3Keys.ACCESS_KEY, true, storeName + " denies this access key access to bucket " + bucket, answer);
            case 301 -> new CheckFailed(
                    S3Keys.REGION, true, "bucket " + bucket + " is in another region", answer);
            default -> new CheckFailed(
                    S3Keys.STORE_URL, false, storeName + " answers with status " + answer.statusCode(), answer);
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
