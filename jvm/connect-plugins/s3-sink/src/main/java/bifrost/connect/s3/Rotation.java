package bifrost.connect.s3;

import bifrost.connect.s3.partition.Partitioners;
import bifrost.connect.s3.partition.RecordClock;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.sink.SinkRecord;

/** When the open objects of a partition end: by their number of records, by records' times, or by the clock. */
final class Rotation {
    private final int flushSize;
    private final long interval;
    private final long schedule;
    private final boolean isByFolder;
    private final S3SinkConfig config;
    private final RecordClock time;
    private final LongSupplier clock;

    private int count;
    private long firstTime;
    private String folder;
    private long nextSchedule;

    Rotation(S3SinkConfig config, RecordClock time, LongSupplier clock) {
        this.config = config;
        this.time = time;
        this.clock = clock;
        flushSize = config.getInt(S3SinkConfig.FLUSH_SIZE);
        interval = config.getLong(S3SinkConfig.ROTATE_INTERVAL);
        schedule = config.getLong(S3SinkConfig.ROTATE_SCHEDULE);
        isByFolder = Partitioners.isTimeBased(config);
        ended();
    }

    /** Whether what is open must end before this record. */
    boolean isDueBefore(SinkRecord record, String ofRecord) {
        if (count == 0) {
            return false;
        }
        boolean isLater = interval > 0
                && (time.timeOf(record) - firstTime >= interval || isByFolder && !ofRecord.equals(folder));
        return isLater || isScheduled();
    }

    /** Takes note of a written record; whether what is open ends with it. */
    boolean added(SinkRecord record, String ofRecord) {
        if (count == 0 && interval > 0) {
            firstTime = time.timeOf(record);
        }
        folder = ofRecord;
        count++;
        return count >= flushSize;
    }

    /** Whether what is open must end though no record came. */
    boolean isDueWithoutRecords() {
        boolean isLater = interval > 0 && time.isWall() && clock.getAsLong() - firstTime >= interval;
        return count > 0 && (isLater || isScheduled());
    }

    /** Nothing is open. */
    void ended() {
        count = 0;
        if (schedule > 0) {
            nextSchedule = next(clock.getAsLong());
        }
    }

    private boolean isScheduled() {
        return schedule > 0 && clock.getAsLong() >= nextSchedule;
    }

    /** The next multiple of the interval, counted from midnight of the zone. */
    private long next(long now) {
        long midnight = Instant.ofEpochMilli(now)
                .atZone(config.zone())
                .toLocalDate()
                .atStartOfDay(config.zone())
                .toInstant()
                .toEpochMilli();
        return midnight + ((now - midnight) / schedule + 1) * schedule;
    }
}
