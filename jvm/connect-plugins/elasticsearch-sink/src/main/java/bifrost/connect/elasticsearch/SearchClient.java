package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.util.List;

/** What the sink asks of a search engine. */
interface SearchClient extends Closeable {
    /**
     * Whether it answers, and answers this user.
     *
     * @throws CheckFailed it does not
     */
    void check() throws CheckFailed;

    /**
     * Sends documents in one request; what became of each, in their order.
     *
     * @throws Busy the request as a whole is worth another try later
     * @throws Refused the request as a whole was refused
     */
    List<Outcome> bulk(List<Document> documents) throws Busy, Refused;

    /** Makes an index unless it is there; a mapping only if it has none (one of a template counts). */
    void ensureIndex(String index, ObjectNode mapping) throws Busy, Refused;

    @Override
    void close();

    /** What became of a document. */
    record Outcome(Kind kind, String reason) {
        static final Outcome DONE = new Outcome(Kind.DONE, "");

        /** {@code BUSY} is worth another try, {@code REFUSED} is not. */
        enum Kind { DONE, BUSY, REFUSED }
    }

    /** The search engine is not there or has too much to do. */
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

        /** Whether it is the documents that are wrong or too large, not the request. */
        boolean blamesDocuments() {
            return status == 400 || status == 413;
        }
    }

    /** A check failed; the message is for the person who wrote the key's value. */
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
