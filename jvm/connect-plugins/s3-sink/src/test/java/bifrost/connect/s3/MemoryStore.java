package bifrost.connect.s3;

import bifrost.connect.s3.store.ObjectStore;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A bucket in memory that can be unavailable or lose uploads. */
final class MemoryStore implements ObjectStore {
    final Map<String, byte[]> objects = new TreeMap<>();
    final List<Integer> parts = new ArrayList<>();
    final List<String> aborted = new ArrayList<>();
    private final Map<String, List<byte[]>> uploads = new HashMap<>();
    int failures;
    boolean forgets;
    CheckFailed problem;

    @Override
    public void check() throws CheckFailed {
        if (problem != null) {
            throw problem;
        }
    }

    @Override
    public void put(String key, byte[] content) throws StoreUnavailable {
        mayFail();
        objects.put(key, content);
    }

    @Override
    public String begin(String key) throws StoreUnavailable {
        mayFail();
        uploads.put(key, new ArrayList<>());
        return key;
    }

    @Override
    public String part(String key, String upload, int number, byte[] content) throws StoreUnavailable, UploadLost {
        mayFail();
        List<byte[]> sent = uploads.get(upload);
        if (forgets) {
            forgets = false;
            throw new UploadLost("gone", null);
        }
        sent.add(content);
        parts.add(content.length);
        return "tag" + number;
    }

    @Override
    public void complete(String key, String upload, List<String> tags) throws StoreUnavailable {
        mayFail();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        uploads.remove(upload).forEach(all::writeBytes);
        objects.put(key, all.toByteArray());
    }

    @Override
    public void abort(String key, String upload) {
        aborted.add(key);
    }

    @Override
    public void close() {
        // There is nothing to release.
    }

    private void mayFail() throws StoreUnavailable {
        if (failures > 0) {
            failures--;
            throw new StoreUnavailable("unavailable", null);
        }
    }
}
