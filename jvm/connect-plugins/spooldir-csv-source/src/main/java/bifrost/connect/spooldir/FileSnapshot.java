package bifrost.connect.spooldir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** The length and the time of the last change of a file, as they were when it was listed. */
record FileSnapshot(Path path, long length, long modifiedMs) {
    /** Thrown when a file is still being written: the rows read so far are valid, the rest is read later. */
    static final class FileChangedException extends Exception {}

    static FileSnapshot at(Path path) throws IOException {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
        return new FileSnapshot(path, found.size(), found.lastModifiedTime().toMillis());
    }

    String name() {
        return path.getFileName().toString();
    }

    /** Fails if the file has changed since this snapshot. A file that no longer exists counts as unchanged. */
    void throwIfChanged() throws FileChangedException {
        FileSnapshot now;
        try {
            now = at(path);
        } catch (IOException gone) {
            return;
        }
        if (!equals(now)) {
            throw new FileChangedException();
        }
    }
}
