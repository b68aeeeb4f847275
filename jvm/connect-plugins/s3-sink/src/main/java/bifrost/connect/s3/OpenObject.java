package bifrost.connect.s3;

import bifrost.connect.s3.format.Format;
import bifrost.connect.s3.format.RecordWriter;
import bifrost.connect.s3.store.ObjectStore;
import bifrost.connect.s3.store.ObjectStore.StoreUnavailable;
import bifrost.connect.s3.store.ObjectStore.UploadLost;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * An object that is being written. Its bytes stay in memory until a part is full. {@link #sendFullParts} and
 * {@link #store} can be called again after a failure; they continue with the request that failed.
 */
final class OpenObject {
    private final String key;
    private final Schema schema;
    private final ObjectStore store;
    private final int partSize;
    private final Buffer buffer = new Buffer();
    private final RecordWriter writer;
    private final List<String> tags = new ArrayList<>();
    private String upload;
    private boolean isFinished;
    private boolean isStored;

    OpenObject(String key, Schema schema, Format format, ObjectStore store, int partSize) {
        this.key = key;
        this.schema = schema;
        this.store = store;
        this.partSize = partSize;
        writer = format.open(key, schema, buffer);
    }

    Schema schema() {
        return schema;
    }

    /** Adds a value that was converted to this object's schema. */
    void add(SinkRecord record, Schema ofValue, Object value) {
        try {
            writer.write(record, ofValue, value);
        } catch (IOException impossible) { // the stream is in memory
            throw new UncheckedIOException(impossible);
        }
    }

    /** Uploads all full parts. */
    void sendFullParts() throws StoreUnavailable, UploadLost {
        while (buffer.size() >= partSize) {
            send(partSize);
        }
    }

    /** Uploads the rest, which completes the object in the bucket. Does nothing if that is done. */
    void store() throws StoreUnavailable, UploadLost {
        if (isStored) {
            return;
        }
        finish();
        if (upload == null && buffer.size() <= partSize) {
            store.put(key, buffer.first(buffer.size()));
        } else {
            sendFullParts();
            if (buffer.size() > 0) {
                send(buffer.size());
            }
            store.complete(key, upload, tags);
        }
        isStored = true;
    }

    /** Aborts an upload that is not complete. */
    void discard() {
        if (upload != null && !isStored) {
            store.abort(key, upload);
        }
    }

    private void finish() {
        if (!isFinished) {
            try {
                writer.finish();
            } catch (IOException impossible) { // the stream is in memory
                throw new UncheckedIOException(impossible);
            }
            isFinished = true;
        }
    }

    private void send(int size) throws StoreUnavailable, UploadLost {
        if (upload == null) {
            upload = store.begin(key);
        }
        tags.add(store.part(key, upload, tags.size() + 1, buffer.first(size)));
        buffer.drop(size);
    }

    private static final class Buffer extends ByteArrayOutputStream {
        byte[] first(int size) {
            return Arrays.copyOf(buf, size);
        }

        void drop(int size) {
            System.arraycopy(buf, size, buf, 0, count - size);
            count -= size;
        }
    }
}
