package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which folder records go to. */
class FoldersTest {
    private static final String PARTITIONER = "io.confluent.connect.storage.partitioner.";
    private final SinkBench bench = new SinkBench();

    @BeforeEach
    void begin() {
        bench.given.put("flush.size", "2");
        bench.given.put("format.class", "io.confluent.connect.s3.format.json.JsonFormat");
        bench.given.put("locale", "en-US");
        bench.given.put("timezone", "UTC");
        bench.given.put("timestamp.extractor", "Record");
    }

    @Test
    void fieldsNameFolders() {
        bench.given.put("partitioner.class", PARTITIONER + "FieldPartitioner");
        bench.given.put("partition.field.name", "channel,who.club");
        bench.put(List.of(
                record(Map.of("channel", "web", "who", Map.of("club", "gold"))),
                record(Map.of("channel", "ios", "who", Map.of("club", "gold")))));
        assertEquals(List.of("channel=ios/who.club=gold", "channel=web/who.club=gold"), bench.folders());
    }

    @Test
    void aRecordWithoutTheFieldIsReported() {
        bench.hasQueue = true;
        bench.given.put("partitioner.class", PARTITIONER + "FieldPartitioner");
        bench.given.put("partition.field.name", "channel");
        bench.put(List.of(record(Map.of("other", "web"))));
        assertEquals(1, bench.reported.size());
    }

    @Test
    void daysAndHoursNameFolders() {
        bench.given.put("partitioner.class", PARTITIONER + "DailyPartitioner");
        write("2018-12-31T23:59:59Z", "2019-01-01T00:00:00Z");
        assertEquals(List.of("year=2018/month=12/day=31", "year=2019/month=01/day=01"), bench.folders());
    }

    @Test
    void hoursNameFolders() {
        bench.given.put("partitioner.class", PARTITIONER + "HourlyPartitioner");
        write("2018-12-31T23:59:59Z", "2018-12-31T22:00:00Z");
        assertEquals(List.of("year=2018/month=12/day=31/hour=22", "year=2018/month=12/day=31/hour=23"), bench.folders());
    }

    @Test
    void pathFormatLocaleAndDurationNameFolders() {
        timeBased("'date'=YYYY-MMM-dd/'at'=HH.mm", 1_800_000);
        bench.given.put("locale", "de");
        write("2018-05-31T23:59:59Z", "2018-05-31T23:01:00Z");
        assertEquals(List.of("date=2018-Mai-31/at=23.00", "date=2018-Mai-31/at=23.30"), bench.folders());
    }

    @Test
    void timezoneIsThatOfTheFolders() {
        timeBased("YYYY-MM-dd", 86_400_000);
        bench.given.put("timezone", "Asia/Tokyo");
        write("2018-12-31T16:00:00Z", "2018-12-31T14:00:00Z");
        assertEquals(List.of("2018-12-31", "2019-01-01"), bench.folders());
    }

    @Test
    void timestampExtractorTakesTimesOfFields() {
        timeBased("YYYY", 86_400_000);
        bench.given.put("timestamp.extractor", "RecordField");
        bench.given.put("timestamp.field", "at");
        bench.put(List.of(record(Map.of("at", 0L)), record(Map.of("at", "2019-05-01T00:00:00Z"))));
        assertEquals(List.of("1970", "2019"), bench.folders());
    }

    @Test
    void timestampExtractorTakesTheClocksTime() {
        timeBased("YYYY", 86_400_000);
        bench.given.put("timestamp.extractor", "Wallclock");
        write("2018-05-31T23:59:59Z", "2018-05-31T23:01:00Z");
        assertEquals(List.of("2023"), bench.folders());
    }

    @Test
    void withARotateIntervalEveryFolderIsAnObjectOfItsOwnTime() {
        timeBased("YYYY", 86_400_000);
        bench.given.put("flush.size", "100");
        bench.given.put("rotate.interval.ms", "86400000000");
        write("2018-05-31T00:00:00Z", "2018-06-01T00:00:00Z", "2019-01-01T00:00:00Z");
        assertEquals(List.of("2018"), bench.folders());
        assertEquals(2, bench.committed());
    }

    @Test
    void keysThatOthersNeedAreAskedFor() {
        var missing = S3SinkConfig.missing(Map.of(
                "partitioner.class", PARTITIONER + "TimeBasedPartitioner", "path.format", "YYYY/bb", "rotate.schedule.interval.ms", "5"));
        assertEquals(List.of("locale", "timezone", "partition.duration.ms", "path.format"), List.copyOf(missing.keySet()));
        assertTrue(missing.get("path.format").contains("not a Joda pattern"));
    }

    private void timeBased(String path, long duration) {
        bench.given.put("partitioner.class", PARTITIONER + "TimeBasedPartitioner");
        bench.given.put("path.format", path);
        bench.given.put("partition.duration.ms", Long.toString(duration));
    }

    private void write(String... times) {
        List<SinkRecord> records = new ArrayList<>();
        for (String time : times) {
            records.add(bench.record(null, Map.of("a", 1), Instant.parse(time).toEpochMilli()));
        }
        bench.put(records);
    }

    private SinkRecord record(Map<String, Object> value) {
        return bench.record(null, value, bench.now);
    }
}
