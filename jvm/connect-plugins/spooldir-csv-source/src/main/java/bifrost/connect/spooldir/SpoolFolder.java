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

/** The folder that files are dropped into: which of them is complete, and where they go. */
final class SpoolFolder {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolFolder.class);

    private final SpoolDirConfig config;
    private final Clock clock;
    private final Map<Look, Long> firstSeenMs = new HashMap<>();
    private final Set<Look> left = new HashSet<>();
    private String problem = "";

    SpoolFolder(SpoolDirConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
    }

    /**
     * The next file to read, if any is complete: the same for as long as the folder is looked at twice, and as old as
     * the configuration says.
     *
     * @param inUse names that are being dealt with
     */
    Optional<Look> next(Set<String> inUse) {
        List<Look> looks = looks();
        firstSeenMs.keySet().retainAll(looks);
        left.retainAll(looks);
        long now = clock.millis();
        return looks.stream()
                .filter(look -> now - firstSeenMs.computeIfAbsent(look, new_ -> now) >= config.emptyPollWait.toMillis())
                .filter(look -> now - look.modifiedMs() >= config.minimumAge.toMillis())
                .filter(look -> !inUse.contains(look.name()) && !left.contains(look))
                .findFirst();
    }

    /** Deals with a file whose rows are all delivered. */
    void finish(Look look) {
        try {
            switch (config.cleanup) {
                case MOVE -> move(look.path(), config.finished);
                case MOVEBYDATE -> move(look.path(), config.finished.resolve(day(look)));
                case DELETE -> Files.deleteIfExists(look.path());
                case NONE -> left.add(look);
            }
        } catch (IOException problem) {
            leave(look, "could not be cleaned up", problem);
        }
    }

    /** Puts a file that cannot be read into the error folder, and the cause beside it. */
    void refuse(Look look, String cause) {
        try {
            Path target = move(look.path(), config.error);
            Path log = target.resolveSibling(target.getFileName() + ".log");
            Files.write(log, (cause + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException problem) {
            leave(look, "could not be put into " + config.error, problem);
        }
    }

    private void leave(Look look, String what, IOException problem) {
        if (!Files.exists(look.path())) {
            LOG.warn("{} has gone by itself", look.path());
            return;
        }
        // Not tried again until it changes; its rows are delivered once in any case.
        left.add(look);
        LOG.error("{} {}: {}", look.path(), what, problem.toString());
    }

    private List<Look> looks() {
        List<Look> looks = new ArrayList<>();
        try (Stream<Path> entries = Files.list(config.input)) {
            entries.filter(this::isOurs).forEach(path -> look(path).ifPresent(looks::add));
            say("");
        } catch (IOException | UncheckedIOException problem) {
            say(config.input + " cannot be listed, and is tried again: " + problem);
        }
        looks.sort(FileOrder.of(config.sorting));
        return looks;
    }

    private boolean isOurs(Path path) {
        String name = path.getFileName().toString();
        return config.filePattern.matcher(name).matches()
                && Math.floorMod(name.hashCode(), config.tasks) == config.task
                && !Files.isDirectory(path);
    }

    private static Optional<Look> look(Path path) {
        try {
            return Optional.of(Look.at(path));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    private void say(String now) {
        if (!now.equals(problem) && !now.isEmpty()) {
            LOG.warn("{}", now);
        }
        problem = now;
    }

    private Path move(Path file, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path target = free(folder, file.getFileName().toString());
        try {
            return Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException otherDevice) {
            return Files.move(file, target);
        }
    }

    /** The file's name in a folder, with the time added when an earlier file has taken it. */
    private Path free(Path folder, String name) {
        Path target = folder.resolve(name);
        return Files.exists(target) ? folder.resolve(name + "." + clock.millis()) : target;
    }

    private static String day(Look look) {
        return LocalDate.ofInstant(Instant.ofEpochMilli(look.modifiedMs()), ZoneOffset.UTC).toString();
    }
}
