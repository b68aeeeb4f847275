package bifrost.connect.spooldir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The input folder: finds complete files and moves files that were read. */
final class SpoolFolder {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolFolder.class);

    private final SpoolDirConfig config;
    private final Clock clock;
    private final Map<FileSnapshot, Long> firstSeenMs = new HashMap<>();
    private final Set<FileSnapshot> ignored = new HashSet<>();
    private String lastProblem = "";

    SpoolFolder(SpoolDirConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
    }

    /**
     * The next file to read. A file is complete if two listings find it unchanged and it has the minimum age.
     *
     * @param inUse the names of files that are being read or wait for their delivery
     */
    Optional<FileSnapshot> next(Set<String> inUse) {
        List<FileSnapshot> snapshots = snapshots();
        firstSeenMs.keySet().retainAll(snapshots);
        ignored.retainAll(snapshots);
        long now = clock.millis();
        return snapshots.stream()
                .filter(snapshot -> now - firstSeenMs.computeIfAbsent(snapshot, unseen -> now) >= config.emptyPollWait.toMillis())
                .filter(snapshot -> now - snapshot.modifiedMs() >= config.minimumAge.toMillis())
                .filter(snapshot -> !inUse.contains(snapshot.name()) && !ignored.contains(snapshot))
                .findFirst();
    }

    /** Applies the clean-up policy to a file whose rows are all delivered. */
    void finish(FileSnapshot snapshot) {
        try {
            switch (config.cleanup) {
                case MOVE -> move(snapshot.path(), config.finished);
                case MOVEBYDATE -> move(snapshot.path(), config.finished.resolve(day(snapshot)));
                case DELETE -> Files.deleteIfExists(snapshot.path());
                case NONE -> ignored.add(snapshot);
            }
        } catch (IOException problem) {
            ignore(snapshot, "could not be moved or deleted", problem);
        }
    }

    /** Moves a file with an error to the error folder and writes the cause to a .log file beside it. */
    void refuse(FileSnapshot snapshot, String cause) {
        try {
            Path target = move(snapshot.path(), config.error);
            Path log = target.resolveSibling(target.getFileName() + ".log");
            Files.write(log, (cause + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException problem) {
            ignore(snapshot, "could not be moved to " + config.error, problem);
        }
    }

    private void ignore(FileSnapshot snapshot, String what, IOException problem) {
        if (!Files.exists(snapshot.path())) {
            LOG.warn("{} was removed by another program", snapshot.path());
            return;
        }
        // The file is ignored until it changes, so that its rows are not delivered again.
        ignored.add(snapshot);
        LOG.error("{} {}: {}", snapshot.path(), what, problem.toString());
    }

    private List<FileSnapshot> snapshots() {
        List<FileSnapshot> snapshots = new ArrayList<>();
        try (Stream<Path> entries = Files.list(config.input)) {
            entries.filter(this::belongsToTask).forEach(path -> snapshot(path).ifPresent(snapshots::add));
            logOnce("");
        } catch (IOException | UncheckedIOException problem) {
            logOnce(config.input + " cannot be listed and is tried again: " + problem);
        }
        snapshots.sort(FileOrder.of(config.sorting));
        return snapshots;
    }

    private boolean belongsToTask(Path path) {
        String name = path.getFileName().toString();
        return config.filePattern.matcher(name).matches()
                && Math.floorMod(name.hashCode(), config.tasks) == config.task
                && !Files.isDirectory(path);
    }

    private static Optional<FileSnapshot> snapshot(Path path) {
        try {
            return Optional.of(FileSnapshot.at(path));
        } catch (IOException removed) {
            return Optional.empty();
        }
    }

    private void logOnce(String problem) {
        if (!problem.equals(lastProblem) && !problem.isEmpty()) {
            LOG.warn("{}", problem);
        }
        lastProblem = problem;
    }

    private Path move(Path file, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path target = freePath(folder, file.getFileName().toString());
        try {
            return Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException otherDevice) {
            return Files.move(file, target);
        }
    }

    /** A free path for the file in a folder; if the name is taken, the current time is appended. */
    private Path freePath(Path folder, String name) {
        Path target = folder.resolve(name);
        return Files.exists(target) ? folder.resolve(name + "." + clock.millis()) : target;
    }

    private static String day(FileSnapshot snapshot) {
        return LocalDate.ofInstant(Instant.ofEpochMilli(snapshot.modifiedMs()), ZoneOffset.UTC).toString();
    }
}
