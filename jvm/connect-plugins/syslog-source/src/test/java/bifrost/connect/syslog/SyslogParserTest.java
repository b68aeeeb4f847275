package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SyslogParserTest {
    private static final Instant NOW = Instant.parse("2018-03-12T14:00:00Z");
    private final SyslogParser parser = new SyslogParser(ZoneOffset.UTC, Clock.fixed(NOW, ZoneOffset.UTC), false);

    private static String date(SyslogParser parser, String line) {
        return Instant.ofEpochMilli(parser.parse(line).date()).toString();
    }

    @Test
    void aLoginAttackIsParsedAsDocumented() {
        SyslogMessage message =
                parser.parse("<38>Mar 12 13:30:59 rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153");

        assertEquals(
                new SyslogMessage(
                        1520861459000L, 4, "rpi-03", 6, "rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153"),
                message);
    }

    @Test
    void aLineWithoutDateKeepsAllItsText() {
        assertEquals(
                new SyslogMessage(null, 1, "I", 6, "I \u2764  logs\n"), parser.parse("<14>I \u2764  logs\n"));
    }

    @Test
    void rfc5424GivesTheSameFieldsAsRfc3164() {
        SyslogMessage message = parser.parse(
                "<38>1 2018-03-12T13:30:59.5+00:00 rpi-03 sshd 30105 - [timeQuality tzKnown=\"1\" x=\"\\]\"]"
                        + " \uFEFFInvalid user");

        assertEquals(
                new SyslogMessage(1520861459500L, 4, "rpi-03", 6, "rpi-03 sshd[30105]: Invalid user"), message);
    }

    @Test
    void structuredDataIsKeptIfConfigured() {
        SyslogParser keeping = new SyslogParser(ZoneOffset.UTC, Clock.systemUTC(), true);

        assertEquals("app: [a b=\"c\"] text", keeping.parse("<13>1 - - app - - [a b=\"c\"] text").message());
    }

    @Test
    void datesWithoutAYearGetTheYearThatFits() {
        assertEquals("2017-12-31T23:59:59Z", date(parser, "<13>Dec 31 23:59:59 h x"));
        assertEquals("2018-03-05T01:02:03Z", date(parser, "<13>Mar  5 01:02:03 h x"));
        assertEquals("2016-02-29T01:02:03Z", date(parser, "<13>Feb 29 2016 01:02:03 h x"));
        assertEquals("2018-03-12T13:30:59.123Z", date(parser, "<13>2018-03-12T13:30:59.123+00:00 h x"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Jan 2 03:04:05          | 2018-01-02T03:04:05Z",
        "Jan  2 03:04:05         | 2018-01-02T03:04:05Z",
        "Jan 02 03:04:05         | 2018-01-02T03:04:05Z",
        "JAN 2 03:04:05          | 2018-01-02T03:04:05Z",
        "Jan 12 03:04:05.123     | 2018-01-12T03:04:05.123Z",
        "Jan 12 03:04:05.1       | 2018-01-12T03:04:05.100Z",
        "Jan 12 03:04:05.123456  | 2018-01-12T03:04:05.123Z",
        "Jan 12 03:04:05.1234567891 | 2018-01-12T03:04:05.123Z",
        "Jan 12 03:04:05,123     | 2018-01-12T03:04:05.123Z",
        "Jan 2 2017 03:04:05.9:  | 2017-01-02T03:04:05.900Z",
        "2018-01-02T03:04:05.123456Z | 2018-01-02T03:04:05.123Z"
    })
    void datesMayHaveMillisecondsAndOneBlank(String date, String expected) {
        SyslogMessage message = parser.parse("<13>" + date + " h text");

        assertEquals(Instant.parse(expected), Instant.ofEpochMilli(message.date()));
        assertEquals("h", message.host());
        assertEquals("h text", message.message());
    }

    @Test
    void datesWithoutAZoneAreLocal() {
        SyslogParser tokyo = new SyslogParser(ZoneId.of("Asia/Tokyo"), Clock.fixed(NOW, ZoneOffset.UTC), false);

        assertEquals("2018-03-11T15:00:00Z", date(tokyo, "<13>Mar 12 00:00:00 h x"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"no priority at all", "<999>too high", "<>empty", "<13", "\u0000\u0001\u0002 noise"})
    void textThatIsNotSyslogIsKept(String line) {
        SyslogMessage message = parser.parse(line);

        assertEquals(line, message.message());
        assertEquals("1.5", message.facility() + "." + message.level());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<13>Mar 99 25:61:61 h x", "<13>Xyz 12 13:30:59 h x", "<13>Jan 0 13:30:59 h x", "<13>Jan   2 13:30:59 h x", "<13>1 nonsense", "<13>1 a b c d e [broken"
            })
    void aBrokenHeaderIsPartOfTheMessage(String line) {
        assertEquals(line.substring(4), parser.parse(line).message());
        assertEquals(null, parser.parse(line).date());
    }

    @Test
    void anEmptyMessageIsAMessage() {
        assertEquals(new SyslogMessage(null, 1, null, 5, ""), parser.parse(""));
    }
}
