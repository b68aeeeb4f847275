package bifrost.connect.s3.store;

import java.io.Closeable;
import java.util.List;

/** A bucket. Every operation may be repeated after a {@link StoreAway}. */
public interface ObjectStore extends Closeable {
    /**
     * Whether the bucket is there and can be reached by this user.
     *
     * @throws CheckFailed it is not
     */
    void check() throws CheckFailed;

    /** Writes an object in one request; one of the same name is replaced. */
    void put(String key, byte[] content) throws StoreAway;

    /** Begins an upload in parts; its id. */
    String begin(String key) throws StoreAway;

    /** Uploads a part, counted from 1; its tag. */
    String part(String key, String upload, int number, byte[] content) throws StoreAway, UploadLost;

    /** Makes the object of its parts, given by their tags in order. */
    void complete(String key, String upload, List<String> tags) throws StoreAway, UploadLost;

    /** Gives an upload up, as far as that is possible. */
    void abort(String key, String upload);

    @Override
    void close();

    /** The store is not there or has too much to do. */
    final class StoreAway extends Exception {
        public StoreAway(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The store does not know an upload any more: its parts must be sent anew. */
    final class UploadLost extends Exception {
        public UploadLost(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** A check failed; the message is for the person who wrote the key's value. */
    final class CheckFailed extends Exception {
        private final String key;
        private final boolean isLasting;

        public CheckFailed(String key, boolean isLasting, String message, Throwable cause) {
            super(message, cause);
            this.key = key;
            this.isLasting = isLasting;
        }

        public String key() {
            return key;
        }

        /** Whether waiting does not help. */
        public boolean isLasting() {
            return isLasting;
        }
    }
}
