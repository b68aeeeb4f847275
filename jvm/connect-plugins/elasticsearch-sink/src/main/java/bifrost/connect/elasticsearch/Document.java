package bifrost.connect.elasticsearch;

import org.apache.kafka.connect.sink.SinkRecord;

/**
 * A change to an index that a record makes.
 *
 * @param version the external version, or {@link #NO_VERSION}
 * @param source the document as JSON; {@code null} for a deletion
 */
record Document(SinkRecord record, Action action, String index, String id, long version, byte[] source) {
    static final long NO_VERSION = -1;
    private static final int FRAME_BYTES = 100; // approximate size of the action line

    /** The bulk action for the document with this id. */
    enum Action { INDEX, UPDATE, DELETE }

    /** The approximate number of bytes that the document adds to a request. */
    int bytes() {
        return FRAME_BYTES + index.length() + id.length() + (source == null ? 0 : source.length);
    }
}
