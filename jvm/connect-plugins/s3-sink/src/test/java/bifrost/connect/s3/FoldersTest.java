package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bifrost.connect.config.Finding;
import bifrost.connect.s3.partition.Partitioners;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The folders of records. */
class FoldersTest {
    private static final String PARTITIONER = "io.confluent.connect.storage.partitioner.";
    private final SinkHarness harness = new SinkHarness();

    @BeforeEach
    void begin() {
        harness.given.put("flush.size", "2");
        harness.given.put("format.class", "io.confluent.connect.s3.format.json.JsonFormat");
        harness.given.put("locale", "en-US");
        harness.given.put("timezone", "UTC");
        harness.given.put("timestamp.extractor", "Record");
    }

    @Test
    void fieldsNameFolders() {
        harness.given.put("partitioner.class", PARTITIONER + "FieldPartitioner");
        harness.given.put("partition.field.name", "channel,who.club");
        harness.put(List.of(
                record(Map.of("channel", "web", "who", Map.of("club", "gold"))),
                record(Map.of("channel", "ios", "who", Map.of("club", "gold")))));
        assertEquals(List.of("channel=ios/who.club=gold", "channel=web/who.club=gold"), harness.folders());
    }

    @Test
    void aRecordWithoutTheFieldIsReported() {
        harness.hasQueue = true;
        harness.given.put("partitioner.class", PARTITIONER + "FieldPartitioner");
        harness.given.put("partition.field.name", "channel");
        harness.put(List.of(record(Map.of("other", "web"))));
        assertEquals(1, harness.reported.size());
    }

    @Test
    void daysAndHoursNameFolders() {
        harness.given.put("partitioner.class", PARTITIONER + "DailyPartitioner");
        write("2018-12-31T23:59:59Z", "2019-01-01T00:00:00Z");
        assertEquals(List.of("year=2018/month=12/day=31", "year=2019/month=01/day=01"), harness.folders());
    }

    @Test
    void hoursNameFolders() {
        harness.given.put("partitioner.class", PARTITIONER + "HourlyPartitioner");
        write("2018-12-31T23:59:59Z", "2018-12-31T22:00:00Z");
        assertEquals(List.of("year=2018/month=12/day=31/hour=22", "year=2018/month=12/day=31/hour=23"), harness.folders());
    }

    @Test
    void pathFormatLocaleAndDurationNameFolders() {
        timeBased("'date'=YYYY-MMM-dd/'at'=HH.mm", 1_800_000);
        harness.given.put("locale", "de");
        write("2018-05-31T23:59:59Z", "2018-05-31T23:01:00Z");
        assertEquals(List.of("date=2018-Mai-31/at=23.00", "date=2018-Mai-31/at=23.30"), harness.folders());
    }

    @Test
    void foldersAreInTheConfiguredZone() {
        timeBased("YYYY-MM-dd", 86_400_000);
        harness.given.put("timezone", "Asia/Tokyo");
        write("2018-12-31T16:00:00Z", "2018-12-31T14:00:00Z");
        assertEquals(List.of("2018-12-31", "2019-01-01"), harness.folders());
    }

    @Test
    void timestampExtractorRecordFieldUsesAField() {
        timeBased("YYYY", 86_400_000);
        harness.given.put("timestamp.extractor", "RecordField");
        harness.given.put("timestamp.field", "at");
        harness.put(List.of(record(Map.of("at", 0L)), record(Map.of("at", "2019-05-01T00:00:00Z"))));
        assertEquals(List.of("1970", "2019"), harness.folders());
    }

    @Test
    void timestampExtractorWallclockUsesTheClock() {
        timeBased("YYYY", 86_400_000);
        harness.given.put("timestamp.extractor", "Wallclock");
        write("2018-05-31T23:59:59Z", "2018-05-31T23:01:00Z");
        assertEquals(List.of("2023"), harness.folders());
    }

    @Test
    void withARotateIntervalANewFolderEndsTheObjects() {
        timeBased("YYYY", 86_400_000);
        harness.given.put("flush.size", "100");
        harness.given.put("rotate.interval.ms", "86400000000");
        write("2018-05-31T00:00:00Z", "2018-06-01T00:00:00Z", "2019-01-01T00:00:00Z");
        assertEquals(List.of("2018"), harness.folders());
        assertEquals(2, harness.committed());
    }

    @Test
    void keysThatOtherKeysRequireAreReported() {
        List<Finding> found = Partitioners.conflicts(Map.of(
                "partitioner.class", PARTITIONER + "TimeBasedPartitioner", "path.format", "YYYY/bb", "rotate.schedule.interval.ms", "5"));
        assertEquals(
                List.of("locale", "timezone", "partition.duration.ms", "path.format"),
                found.stream().map(Finding::key).toList());
        assertTrue(found.get(3).message().contains("not a Joda pattern"), found.toString());
    }

    private void timeBased(String path, long duration) {
        harness.given.put("partitioner.class", PARTITIONER + "TimeBasedPartitioner");
        harness.given.put("path.format", path);
        harness.given.put("partition.duration.ms", Long.toString(duration));
    }

    private void write(String... times) {
        List<SinkRecord> records = new ArrayList<>();
        for (String time : times) {
            records.add(harness.record(null, Map.of("a", 1), Instant.parse(time).toEpochMilli()));
        }
        harness.put(records);
    }

    private SinkRecord record(Map<String, Object> value) {
        return harness.record(null, value, harness.now);
    }
}
