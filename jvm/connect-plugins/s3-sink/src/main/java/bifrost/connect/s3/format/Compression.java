package bifrost.connect.s3.format;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.zip.GZIPOutputStream;

/** Compresses objects with gzip, or not at all. */
record Compression(boolean isGzip, int level) {
    String extension() {
        return isGzip ? ".gz" : "";
    }

    OutputStream around(OutputStream out) {
        try {
            return isGzip ? new Gzip(out, level) : out;
        } catch (IOException impossible) { // the stream is in memory
            throw new UncheckedIOException(impossible);
        }
    }

    private static final class Gzip extends GZIPOutputStream {
        Gzip(OutputStream out, int level) throws IOException {
            super(out);
            def.setLevel(level);
        }
    }
}
