package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.util.List;

/** The requests that the sink sends to a search engine. */
interface SearchClient extends Closeable {
    /**
     * Checks that the search engine answers and accepts this user.
     *
     * @throws CheckFailed it does not answer or does not accept the user
     */
    void check() throws CheckFailed;

    /**
     * Sends documents in one request and returns the outcome of each, in the same order.
     *
     * @throws Busy the whole request may be retried later
     * @throws Refused the whole request was refused
     */
    List<Outcome> bulk(List<Document> documents) throws Busy, Refused;

    /** Creates an index unless it exists. Adds the mapping only if the index has none, for example from a template. */
    void ensureIndex(String index, ObjectNode mapping) throws Busy, Refused;

    @Override
    void close();

    /** The outcome of a document. */
    record Outcome(Kind kind, String reason) {
        static final Outcome DONE = new Outcome(Kind.DONE, "");

        /** {@code BUSY} may be retried, {@code REFUSED} may not. */
        enum Kind { DONE, BUSY, REFUSED }
    }

    /** The search engine does not answer or is overloaded; retry later. */
    final class Busy extends Exception {
        Busy(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** A request that will never be accepted. */
    final class Refused extends Exception {
        private final int status;

        Refused(int status, String message, Throwable cause) {
            super(message, cause);
            this.status = status;
        }

        /** Whether the documents are invalid or too large, not the request. */
        boolean blamesDocuments() {
            return status == 400 || status == 413;
        }
    }

    /** A check failed. The message explains to the author of the configuration what is wrong at {@link #key}. */
    final class CheckFailed extends Exception {
        private final String key;

        CheckFailed(String key, String message, Throwable cause) {
            super(message, cause);
            this.key = key;
        }

        String key() {
            return key;
        }
    }
}
