import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.functions.javatime.fields import TimeTextError
from bifrost.engine.functions.javatime.formatting import formatter, zoned_moment
from bifrost.engine.functions.javatime.isotime import civil, date_text, days_of, timestamp_text
from bifrost.engine.functions.javatime.sql_texts import parse_timestamp
from bifrost.engine.functions.javatime.timestamps import parse_instant
from bifrost.engine.functions.javatime.zones import UTC_ZONE, zone_of
from tests.engine.expressions.evaluating import value

MOMENT = 1_700_000_000_123  # 2023-11-14T22:13:20.123Z, a Tuesday


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd HH:mm:ss.SSS", "2023-11-14 22:13:20.123"),
        ("d/M/yy", "14/11/23"),
        ("EEE, dd MMM yyyy", "Tue, 14 Nov 2023"),
        ("EEEE MMMM", "Tuesday November"),
        ("hh:mm a", "10:13 PM"),
        ("K k h H", "10 22 10 22"),
        ("D Q", "318 4"),
        ("yyyy''''MM", "2023'11"),
        ("''yyyy' o''clock'", "'2023 o'clock"),
        ("SSSSSS", "123000"),
        ("XXX Z z", "Z +0000 Z"),
        ("yyyy[-MM]", "2023-11"),
    ],
)
def test_patterns_of_java(pattern, expected):
    assert formatter(pattern)(zoned_moment(MOMENT, UTC_ZONE)) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "2023-11-14 23:13 CET +01:00"),
        ("America/New_York", "2023-11-14 17:13 EST -05:00"),
        ("+05:30", "2023-11-15 03:43 +05:30 +05:30"),
    ],
)
def test_zones(zone, expected):
    assert value(f"FORMAT_TIMESTAMP(TS, 'yyyy-MM-dd HH:mm z XXX', '{zone}')", TS=MOMENT) == expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("2021-02-03 04:05:06.7", "yyyy-MM-dd HH:mm:ss.S", 1612325106700),
        ("20210203040506", "yyyyMMddHHmmss", 1612325106000),
        ("3 feb 2021", "d MMM yyyy", 1612310400000),
        ("2021-02-31", "yyyy-MM-dd", 1614470400000),
        ("01:05 pm", "hh:mm a", 47_100_000),
        ("2021-02-03T04:05:06+01:00", "yyyy-MM-dd'T'HH:mm:ssXXX", 1612321506000),
        ("2021-02-03 America/New_York", "yyyy-MM-dd VV", 1612328400000),
        ("2021", "yyyy[-MM]", 1609459200000),
        ("1970-01-01 24:00", "yyyy-MM-dd HH:mm", 86_400_000),
    ],
)
def test_reading_by_a_pattern(text, pattern, expected):
    assert parse_instant(text, pattern) == expected


def test_local_times_that_do_not_exist_move_forward_and_doubled_ones_keep_the_offset_of_january_1970():
    berlin = zone_of("Europe/Berlin")
    pattern = "yyyy-MM-dd HH:mm"
    skipped = parse_instant("2021-03-28 02:30", pattern, berlin)
    assert formatter(pattern)(zoned_moment(skipped, berlin)) == "2021-03-28 03:30"
    doubled = parse_instant("2021-10-31 02:30", pattern, berlin)
    assert timestamp_text(doubled) == "2021-10-31T01:30:00.000"
    named = parse_instant("2021-10-31 02:30 Europe/Berlin", f"{pattern} VV")
    assert timestamp_text(named) == "2021-10-31T00:30:00.000"


@pytest.mark.parametrize(
    ("text", "pattern"), [("2021-13-01", "yyyy-MM-dd"), ("2021", "yyyy-MM"), ("x", "yyyy"), ("25:00", "HH:mm")]
)
def test_text_that_does_not_match_the_pattern_fails(text, pattern):
    with pytest.raises(ValueError, match=f"{text}|Invalid value"):
        parse_instant(text, pattern)


@pytest.mark.parametrize("pattern", ["yyyy-iii", "yyyy'open", "yyyy]MM"])
def test_a_wrong_pattern_fails(pattern):
    with pytest.raises(TimeTextError, match="attern"):
        parse_instant("2021", pattern)


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("PARSE_DATE('2021-02-03', 'yyyy-MM-dd')", {}, 18661),
        ("PARSE_DATE('2021-02-03 and more', 'yyyy-MM-dd')", {}, 18661),
        ("PARSE_DATE('32.1.2021', 'd.M.yyyy')", {}, 18659),
        ("PARSE_DATE('Feb-2021', 'MMM-yyyy')", {}, 18659),
        ("PARSE_DATE('2021-034', 'yyyy-DDD')", {}, 18661),
        ("PARSE_DATE('2021-W06-3', 'yyyy-''W''ww-u')", {}, 18661),
        ("STRINGTODATE('2020-01-01 10:00', 'yyyy-MM-dd HH:mm')", {}, 18262),
        ("STRINGTODATE('2020-366', 'yyyy-DDD')", {}, 18627),
        ("STRINGTODATE('2020-02-30', 'yyyy-MM-dd')", {}, 18321),
        ("STRINGTODATE('1 feb 2021', 'd MMM yyyy')", {}, 18659),
        ("PARSE_TIMESTAMP('2020-07-05 10:00 PST', 'yyyy-MM-dd HH:mm z')", {}, 1593968400000),
        ("PARSE_TIMESTAMP('2020-07-05 10:00 Pacific Daylight Time', 'yyyy-MM-dd HH:mm zzzz')", {}, 1593968400000),
        ("PARSE_TIMESTAMP('2020-07-05 10:00 IST', 'yyyy-MM-dd HH:mm z')", {}, 1593923400000),
        ("PARSE_TIMESTAMP('2020-07-05 10:00 Z', 'yyyy-MM-dd HH:mm VV')", {}, 1593943200000),
        ("PARSE_TIMESTAMP('2020-07-05 10:00 GMT+02:00', 'yyyy-MM-dd HH:mm VV')", {}, 1593936000000),
        ("PARSE_TIMESTAMP('2020-W27-1', 'YYYY-''W''ww-e')", {}, 1593302400000),
        ("PARSE_TIMESTAMP(' 7/ 5/2020', 'ppM/ppd/yyyy')", {}, 1593907200000),
        (
            "FORMAT_TIMESTAMP(TS, 'QQQ eee zzzz', 'America/Los_Angeles')",
            {"TS": 1593954245123},
            "Q3 Sun Pacific Daylight Time",
        ),
        ("FORMAT_TIMESTAMP(TS, 'z', 'America/Sao_Paulo')", {"TS": 0}, "BRT"),
        ("FORMAT_TIMESTAMP(TS, 'VV')", {"TS": 0}, "GMT"),
        ("FORMAT_DATE(DT, 'dd.MM.yyyy')", {"DT": -1}, "31.12.1969"),
        ("DATETOSTRING(I, 'yyyy')", {"I": 400}, "1971"),
        ("PARSE_TIME('05:06', 'HH:mm')", {}, 18_360_000),
        ("FORMAT_TIME(TM, 'HH:mm:ss')", {"TM": 1000}, "00:00:01"),
        ("PARSE_TIMESTAMP('1970-01-01 01', 'yyyy-MM-dd HH', 'Europe/Paris')", {}, 0),
        ("STRINGTOTIMESTAMP('1970-01-01 00:00:01', 'yyyy-MM-dd HH:mm:ss')", {}, 1000),
        ("TIMESTAMPTOSTRING(L, 'HH:mm')", {"L": 60_000}, "00:01"),
        ("CONVERT_TZ(TS, 'UTC', 'Asia/Tokyo')", {"TS": 0}, 32_400_000),
        ("DATEADD(DAYS, 3, DT)", {"DT": 1}, 4),
        ("DATESUB(HOURS, 1, DT)", {"DT": 1}, 0),
        ("TIMEADD(HOURS, 2, TM)", {"TM": 82_800_000}, 3_600_000),
        ("TIMESUB(SECONDS, 1, TM)", {"TM": 0}, 86_399_000),
        ("TIMESTAMPADD(MINUTES, I, TS)", {"I": -1, "TS": 0}, -60_000),
        ("TIMESTAMPSUB(MILLISECONDS, 5, TS)", {"TS": 0}, -5),
        ("FROM_DAYS(I)", {"I": 7}, 7),
        ("UNIX_DATE(DT)", {"DT": 7}, 7),
        ("FROM_UNIXTIME(L)", {"L": 7}, 7),
        ("UNIX_TIMESTAMP(TS)", {"TS": 7}, 7),
        ("FORMAT_TIMESTAMP('2021-02-03', 'dd')", {}, "03"),
    ],
)
def test_function(text, row, expected):
    assert value(text, **row) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PARSE_DATE('soon', 'yyyy')", "Unparseable date"),
        ("PARSE_DATE('1970-01-01 05', 'yyyy-MM-dd HH')", "Date format contains time field"),
        ("FORMAT_TIMESTAMP(TS, 'yyyy', 'Middle/Earth')", "Unknown time-zone ID"),
        ("STRINGTOTIMESTAMP('1970-01-01 00-00', 'yyyy-MM-dd HH:mm')", "could not be parsed at index 13"),
        ("STRINGTODATE('2020-01', 'yyyy-MM')", "no complete date"),
        ("STRINGTODATE('2020-13-01', 'yyyy-MM-dd')", "Invalid value for MonthOfYear"),
        ("STRINGTODATE('2020-02-32', 'yyyy-MM-dd')", "Invalid value for DayOfMonth"),
        ("STRINGTODATE('2020-02-03 and more', 'yyyy-MM-dd')", "unparsed text found at index 10"),
        ("PARSE_TIME('2020 10:00', 'yyyy HH:mm')", "Time format contains date field"),
        ("PARSE_TIME('07', 'mm')", "no complete time"),
        ("FORMAT_DATE(DT, 'HH')", "Unsupported field: HourOfDay"),
        ("FORMAT_TIME(TM, 'yyyy')", "Unsupported field: YearOfEra"),
        ("PARSE_TIMESTAMP('Mon 2020-02-29', 'E yyyy-MM-dd')", "Conflict found"),
        ("PARSE_TIMESTAMP('13:59 AM', 'HH:mm a')", "Conflict found"),
    ],
)
def test_a_text_that_cannot_be_parsed_is_an_error_with_its_reason(text, message):
    with pytest.raises(EVALUATION_ERRORS, match=message):
        value(text, TS=0, DT=0, TM=0)


@pytest.mark.parametrize("ms", [-1, 86_400_000])
def test_milliseconds_outside_of_a_day_are_no_time(ms):
    with pytest.raises(EVALUATION_ERRORS, match="not a time of a day"):
        value("FORMAT_TIME(TM, 'HH:mm')", TM=ms)


def test_the_clock():
    assert value("UNIX_TIMESTAMP() > 1600000000000") is True
    assert value("UNIX_DATE() > 18000") is True


@given(st.integers(-10_000_000, 10_000_000))
def test_days_and_calendar_agree(days):
    assert days_of(*civil(days)) == days


@given(st.integers(-62_000_000_000_000, 250_000_000_000_000))
def test_timestamps_survive_their_text(ms):
    assert parse_timestamp(timestamp_text(ms)) == ms


def test_years_beyond_four_digits():
    assert date_text(days_of(12345, 6, 7)) == "+12345-06-07"
    assert date_text(days_of(-44, 3, 15)) == "-0044-03-15"
