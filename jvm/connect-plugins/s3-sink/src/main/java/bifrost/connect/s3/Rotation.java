package bifrost.connect.s3;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import bifrost.connect.s3.partition.Partitioners;
import bifrost.connect.s3.partition.RecordClock;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.sink.SinkRecord;
import org.joda.time.DateTime;

/** Decides when the open objects of a partition end: by number of records, by record times, or by the clock. */
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
    private String path;
    private long nextSchedule;

    Rotation(S3SinkConfig config, RecordClock time, LongSupplier clock) {
        this.config = config;
        this.time = time;
        this.clock = clock;
        flushSize = config.getInt(S3Keys.FLUSH_SIZE);
        interval = config.getLong(S3Keys.ROTATE_INTERVAL);
        schedule = config.getLong(S3Keys.ROTATE_SCHEDULE);
        isByFolder = Partitioners.isTimeBased(config);
        ended();
    }

    /** Whether the open objects must end before this record is written. */
    boolean isDueBefore(SinkRecord record, String recordPath) {
        if (count == 0) {
            return false;
        }
        boolean isLater = interval > 0
                && (time.timeOf(record) - firstTime >= interval || isByFolder && !recordPath.equals(path));
        return isLater || isScheduled();
    }

    /** Counts a written record and returns whether the open objects end with it. */
    boolean added(SinkRecord record, String recordPath) {
        if (count == 0 && interval > 0) {
            firstTime = time.timeOf(record);
        }
        path = recordPath;
        count++;
        return count >= flushSize;
    }

    /** Whether the open objects must end although no record arrived. */
    boolean isDueWithoutRecords() {
        boolean isLater = interval > 0 && time.isWallClock() && clock.getAsLong() - firstTime >= interval;
        return count > 0 && (isLater || isScheduled());
    }

    /** Resets the count after all open objects ended. */
    void ended() {
        count = 0;
        if (schedule > 0) {
            nextSchedule = next(clock.getAsLong());
        }
    }

    private boolean isScheduled() {
        return schedule > 0 && clock.getAsLong() >= nextSchedule;
    }

    /** The next multiple of the schedule interval, counted from midnight in the configured zone. */
    private long next(long now) {
        long midnight = new DateTime(now, config.zone()).withTimeAtStartOfDay().getMillis();
        return midnight + ((now - midnight) / schedule + 1) * schedule;
    }
}
