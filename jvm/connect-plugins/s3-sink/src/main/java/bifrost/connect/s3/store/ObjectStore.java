package bifrost.connect.s3.store;

import java.io.Closeable;
import java.util.List;

/** A bucket. Every operation may be called again after {@link StoreUnavailable}. */
public interface ObjectStore extends Closeable {
    /**
     * Checks that the bucket exists and that this user may access it.
     *
     * @throws CheckFailed the bucket is missing, denies access or is unavailable
     */
    void check() throws CheckFailed;

    /** Uploads an object in one request and replaces an object of the same name. */
    void put(String key, byte[] content) throws StoreUnavailable;

    /** Starts an upload in parts and returns its id. */
    String begin(String key) throws StoreUnavailable;

    /** Uploads a part and returns its tag. The first part has number 1. */
    String part(String key, String upload, int number, byte[] content) throws StoreUnavailable, UploadLost;

    /** Completes an upload: the parts with these tags, in this order, become the object. */
    void complete(String key, String upload, List<String> tags) throws StoreUnavailable, UploadLost;

    /** Aborts an upload; errors are ignored. */
    void abort(String key, String upload);

    @Override
    void close();

    /** The store does not answer or is overloaded; retry later. */
    final class StoreUnavailable extends Exception {
        public StoreUnavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The store no longer knows an upload: all parts must be sent again. */
    final class UploadLost extends Exception {
        public UploadLost(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** A check failed. The message explains to the author of the configuration what is wrong at {@link #key}. */
    final class CheckFailed extends Exception {
        private final String key;
        private final boolean isPermanent;

        public CheckFailed(String key, boolean isPermanent, String message, Throwable cause) {
            super(message, cause);
            this.key = key;
            this.isPermanent = isPermanent;
        }

        public String key() {
            return key;
        }

        /** Whether a later attempt cannot succeed. */
        public boolean isPermanent() {
            return isPermanent;
        }
    }
}
