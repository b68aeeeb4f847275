package bifrost.connect.spooldir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** What a file looked like at a moment. */
record Look(Path path, long length, long modifiedMs) {
    /** Thrown when a file turns out to be still written: what was read of it counts, the rest is for later. */
    static final class ChangedException extends Exception {}

    static Look at(Path path) throws IOException {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
        return new Look(path, found.size(), found.lastModifiedTime().toMillis());
    }

    String name() {
        return path.getFileName().toString();
    }

    /** Refuses to go on with a file that looks different now; one that is gone has not been written to. */
    void refuseIfChanged() throws ChangedException {
        Look now;
        try {
            now = at(path);
        } catch (IOException gone) {
            return;
        }
        if (!equals(now)) {
            throw new ChangedException();
        }
    }
}
