package bifrost.connect.elasticsearch;

import org.apache.kafka.connect.sink.SinkRecord;

/**
 * What a record does to an index.
 *
 * @param version the external version, or {@link #NO_VERSION}
 * @param source the document as JSON; {@code null} for a deletion
 */
record Document(SinkRecord record, Action action, String index, String id, long version, byte[] source) {
    static final long NO_VERSION = -1;
    private static final int FRAME_BYTES = 100; // of the action's line, roughly

    /** What is done with the document of this id. */
    enum Action { INDEX, UPDATE, DELETE }

    /** About how much it adds to a request. */
    int bytes() {
        return FRAME_BYTES + index.length() + id.length() + (source == null ? 0 : source.length);
    }
}
