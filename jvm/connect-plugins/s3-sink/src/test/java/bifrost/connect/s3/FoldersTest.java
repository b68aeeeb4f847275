package bifrost.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bifrost.connect.config.Finding;
import bifrost.connect.s3.partition.Partitioners;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.joda.time.DateTimeZone;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "xxxx-'W'ww-e | 2021-01-01T00:00:00Z | 2020-W53-5",
        "xxxx-'W'ww-e | 2019-12-30T00:00:00Z | 2020-W01-1",
        "xxxx/ww/e    | 2023-01-01T00:00:00Z | 2022/52/7",
        "YYYY-DDD     | 2020-12-31T00:00:00Z | 2020-366",
        "yyyy.MM.dd G | 2020-12-31T00:00:00Z | 2020.12.31 AD",
        "CC-YY        | 2020-12-31T00:00:00Z | 20-20",
        "EEE-EEEE     | 2020-12-31T00:00:00Z | Thu-Thursday",
        "hh.mm.a K k  | 2020-12-31T00:05:00Z | 12.05.AM 0 24",
        "HH:mm:ss.SSS | 2020-12-31T23:59:59.987Z | 23:59:59.987",
        "Z ZZ ZZZ     | 2020-12-31T00:00:00Z | +0000 +00:00 UTC",
        "'it''s' YYYY | 2020-12-31T00:00:00Z | it's 2020",
        "YYYY/        | 2020-12-31T00:00:00Z | 2020",
        "YYYY/MM//    | 2020-12-31T00:00:00Z | 2020/12"
    })
    void pathFormatFollowsJodaTime(String path, String time, String folder) {
        timeBased(path, 1);
        harness.given.put("flush.size", "1");
        write(time);
        assertEquals(List.of(folder), harness.folders());
    }

    @ParameterizedTest
    @CsvSource({
        "EST, -05:00", "MST, -07:00", "HST, -10:00", "America/New_York, -05:00", "Europe/Berlin, +01:00", "+02:00, +02:00",
        "GMT+2, +02:00", "UTC, +00:00", "Z, +00:00", "PST, -08:00", "Asia/Kolkata, +05:30"
    })
    void everyNameOfAZoneIsAccepted(String zone, String offset) {
        timeBased("ZZ", 1);
        harness.given.put("timezone", zone);
        harness.given.put("flush.size", "1");
        write("2020-12-31T00:00:00Z");
        assertEquals(List.of(offset), harness.folders());
    }

    @ParameterizedTest
    @ValueSource(strings = {"en-US", "en_US", "de-DE", "fr", "ar-SA", "th-TH-u-ca-buddhist"})
    void theLocaleChangesNamesButNotWeeks(String locale) {
        timeBased("xxxx-'W'ww-e", 1);
        harness.given.put("locale", locale);
        harness.given.put("flush.size", "1");
        write("2021-01-01T00:00:00Z");
        assertEquals(List.of("2020-W53-5"), harness.folders());
    }

    @Test
    void directoryDelimSeparatesTimeFoldersToo() {
        for (String delim : List.of("|", "_", "d", "'", "--")) {
            SinkHarness each = new SinkHarness();
            each.given.putAll(harness.given);
            each.given.put("partitioner.class", PARTITIONER + "HourlyPartitioner");
            each.given.put("directory.delim", delim);
            each.given.put("flush.size", "1");
            each.put(List.of(each.record(null, Map.of("a", 1), 0L)));
            String expected = String.join(
                    delim, "topics", "orders", "year=1970", "month=01", "day=01", "hour=00", "orders+0+0000000000.json");
            assertEquals(List.of(expected), each.names());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2024-05-06T07:08:09, 2024-05-06 07:08", "2024-05-06, 2024-05-06 00:00", "2024-05-06T07:08:09+0000, 2024-05-06 07:08",
        "2024-05-06T07:08:09.123Z, 2024-05-06 07:08", "2024-05-06T07:08:09.123456789Z, 2024-05-06 07:08",
        "2024-05-06T09:08+02:00, 2024-05-06 07:08", "2024-05-06T07, 2024-05-06 07:00", "2024-05, 2024-05-01 00:00",
        "2024-W19-1, 2024-05-06 00:00", "2024-127, 2024-05-06 00:00", "' 2024-05-06 ', 2024-05-06 00:00"
    })
    void timesOfFieldsMayHaveEveryIsoForm(String text, String expected) {
        DateTimeZone before = DateTimeZone.getDefault();
        DateTimeZone.setDefault(DateTimeZone.UTC); // times without a zone are in the worker's
        try {
            timeBased("YYYY-MM-dd HH:mm", 60_000);
            harness.given.put("timestamp.extractor", "RecordField");
            harness.given.put("timestamp.field", "at");
            harness.given.put("flush.size", "1");
            harness.put(List.of(record(Map.of("at", text))));
            assertEquals(List.of(expected), harness.folders());
        } finally {
            DateTimeZone.setDefault(before);
        }
    }

    @Test
    void fieldsWithoutATimeAreReportedWithTheirNameAndValue() {
        timeBased("YYYY", 60_000);
        harness.given.put("timestamp.extractor", "RecordField");
        harness.given.put("timestamp.field", "at");
        for (Object wrong : List.of("yesterday", "", "2024-13-01", "2024-02-30", true, List.of(1))) {
            SinkHarness each = new SinkHarness();
            each.given.putAll(harness.given);
            var error = assertThrows(
                    ConnectException.class, () -> each.put(List.of(each.record(null, Map.of("at", wrong), 0L))));
            assertTrue(error.getMessage().startsWith("Record orders-0@0 field at "), error.getMessage());
        }
    }

    @Test
    void timesBefore1970BelongToTheFolderTheyBeginIn() {
        harness.given.put("partitioner.class", PARTITIONER + "HourlyPartitioner");
        harness.given.put("flush.size", "1");
        write("1969-12-31T23:30:00Z");
        assertEquals(List.of("year=1969/month=12/day=31/hour=23"), harness.folders());
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
        assertTrue(found.get(3).message().contains("not a Joda-Time pattern"), found.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "000"})
    void theTimeSpanOfAFolderMustBePositive(String duration) {
        List<Finding> found = Partitioners.conflicts(Map.of(
                "partitioner.class", PARTITIONER + "TimeBasedPartitioner", "path.format", "YYYY", "locale", "en",
                "timezone", "UTC", "partition.duration.ms", duration));
        assertEquals(List.of("partition.duration.ms"), found.stream().map(Finding::key).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "/", "//", "YYYY/bb", "YYYY-MM-ddTHH"})
    void aPathFormatThatIsNotValidIsReported(String path) {
        List<Finding> found = Partitioners.conflicts(Map.of(
                "partitioner.class", PARTITIONER + "TimeBasedPartitioner", "path.format", path, "locale", "en",
                "timezone", "UTC", "partition.duration.ms", "1000"));
        assertEquals(List.of("path.format"), found.stream().map(Finding::key).toList());
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
