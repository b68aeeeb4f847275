"""Files of `alerts/`: what they say, and what is wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bifrost.alert_template import Template
from bifrost.alerts import Alert, QuietHours, read_alert, read_alerts
from bifrost.errors import DeclarationError
from bifrost.settings import PROJECT

GOOD = """
topic = "T"
channel = "slack"
to = "#room"
template = "{A} happened"
[once]
by = ["A"]
within = "10 minutes"
[quiet]
hours = "22:00-07:00"
"""
LONDON = ZoneInfo("Europe/London")


def written(folder: Path, text: str, name: str = "it.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def rendered(template: str, limit: int = 1_000, **values: Any) -> str:
    parsed = Template.parse(template, LONDON)
    return parsed.render(
        values,
        escape=lambda text: text.replace("<", "&lt;"),
        shorten=lambda text, room: text[:room],
        length=len,
        limit=limit,
    )


def test_a_file_becomes_an_alert(tmp_path: Path):
    alert = read_alert(written(tmp_path, GOOD))

    assert (alert.name, alert.topic, alert.channel, alert.to) == ("it", "T", "slack", "room")
    assert (alert.group, alert.dead_letter_topic) == ("alerts.it", "it.dlq")
    assert alert.once is not None and alert.once.within_s == 600
    assert alert.columns == {"A"}


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('topic = "T"', "topic = ", 2, "is not TOML"),
        ('topic = "T"', "", None, "topic is missing"),
        ('topic = "T"', 'topic = "a b"', 2, "'a b' is not a valid topic name"),
        ('"slack"', '"mail"', 3, "channel must be one of slack, telegram, not 'mail'"),
        ('"slack"', '"${WHERE|mail}"', 3, "channel must be one of slack, telegram, not 'mail'"),
        ('"slack"', '"${WHERE}"', 3, "channel must be one of slack, telegram, not '${WHERE}'"),
        ('to = "#room"', "", None, "to is missing"),
        ("{A} happened", "{A happened", 5, "template: single '{'"),
        ("{A} happened", "{A B}", 5, "template: {A B} is not a column"),
        ("{A} happened", "{A:>9}", 5, "the format must be like ',', '.1f' or ',.2f', or 'time', not '>9'"),
        ('["A"]', '"A"', 7, "once.by must be a list of columns"),
        ("10 minutes", "a while", 8, "once.within must be a duration like '10 minutes', not 'a while'"),
        ("22:00-07:00", "22-7", 10, "quiet.hours must be like '22:00-07:00', not '22-7'"),
        ("22:00-07:00", "25:00-07:00", 10, "quiet.hours must be like"),
        ("22:00-07:00", "07:00-07:00", 10, "covers the whole day, so the alert would never be sent"),
        ('topic = "T"', 'topic = "T"\nzone = "Mars"', 3, "'Mars' is not a time zone"),
        ('topic = "T"', 'topic = "T"\ntopik = "T"', 3, "unknown key topik"),
        ("[quiet]", "[quiet]\nday = 1", 10, "unknown key quiet.day; the known keys are hours"),
    ],
)
def test_faults_are_reported_with_their_line(tmp_path: Path, old: str, new: str, line: int | None, problem: str):
    with pytest.raises(DeclarationError) as caught:
        read_alert(written(tmp_path, GOOD.replace(old, new)))

    assert problem in caught.value.problem
    assert caught.value.line == line


def test_a_wrong_file_does_not_keep_the_others_back(tmp_path: Path):
    written(tmp_path, "topic", "a.toml")
    written(tmp_path, GOOD, "b.toml")
    problems: list[DeclarationError] = []

    assert [alert.name for alert in read_alerts(tmp_path, problems.append)] == ["b"]
    assert [problem.path.name for problem in problems] == ["a.toml"]


def test_a_file_may_be_json(tmp_path: Path):
    content = {"topic": "T", "channel": "telegram", "template": "{A}", "once": {"by": ["A"], "within": "1 hour"}}
    alert = read_alert(written(tmp_path, json.dumps(content), "it.json"))

    assert (alert.name, alert.topic, alert.channel) == ("it", "T", "telegram")
    assert alert.once is not None and alert.once.within_s == 3600


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('{\n"topic": ,', 2, "is not JSON: Expecting value"),
        ("[]", None, "must be a JSON object"),
        ("[" * 100_000, None, "is not JSON"),
        ('{\n"topic": "T",\n"channel": "mail"}', 3, "channel must be one of"),
        ('{"topic": "T", "channel": "slack",\n"to": 7}', 2, "to must be a non-empty string"),
    ],
)
def test_faults_in_json_are_reported_with_their_line(tmp_path: Path, text: str, line: int | None, problem: str):
    with pytest.raises(DeclarationError) as caught:
        read_alert(written(tmp_path, text, "it.json"))

    assert problem in caught.value.problem
    assert caught.value.line == line


def test_two_files_cannot_be_one_alert(tmp_path: Path):
    written(tmp_path, GOOD)
    written(tmp_path, '{"topic": "T", "channel": "telegram", "template": "x"}', "it.json")
    problems: list[DeclarationError] = []

    assert [alert.channel for alert in read_alerts(tmp_path, problems.append)] == ["telegram"]
    assert [problem.problem for problem in problems] == ["the alert it is already declared in it.json"]


def test_the_projects_own_alerts_can_be_read():
    found: tuple[Alert, ...] = read_alerts(PROJECT / "alerts", pytest.fail)

    assert {"POSSIBLE_FRAUD", "FAILING_VEHICLES", "POSSIBLE_MALFUNCTION"} <= {alert.topic for alert in found}


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("{A} and {B}", {"A": "x", "B": 7}, "x and 7"),
        ("{{{A}}}", {"A": "x"}, "{x}"),
        ("{A.B.C}", {"A": {"B": {"C": True}}}, "true"),
        ("{A|nobody}", {}, "nobody"),
        ("{A|nobody}", {"A": None}, "nobody"),
        ("{A:.1f}", {"A": 11.8067}, "11.8"),
        ("{A:,}", {"A": 1234567}, "1,234,567"),
        ("{A:time}", {"A": 1_208_790_000_000}, "2008-04-21 16:00:00"),
        ("{A}", {"A": 11.0}, "11.0"),
        ("{A}", {"A": "{B}", "B": "no"}, "{B}"),
        ("{A}", {"A": ["ü", {"b": None}]}, '["ü", {"b": null}]'),
        ("{A}", {"A": ["mini", 7, None]}, "mini, 7, null"),
        ("<{A}>", {"A": "<!channel>"}, "<&lt;!channel>>"),
    ],
)
def test_a_template_takes_its_text_from_the_record(template: str, values: dict[str, Any], text: str):
    assert rendered(template, **values) == text


@pytest.mark.parametrize(
    ("template", "values", "reason"),
    [
        ("{A}", {}, "A is missing"),
        ("{A}", {"A": None}, "A is missing"),
        ("{A.B}", {"A": "text"}, "A.B is missing"),
        ("{A:.1f}", {"A": "text"}, "A is not a number"),
        ("{A:time}", {"A": 10**18}, "A is not a time"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(template: str, values: dict[str, Any], reason: str):
    with pytest.raises(ValueError, match=reason):
        rendered(template, **values)


def test_a_long_text_is_shortened_in_its_longest_column():
    assert rendered("{A}: {B}!", limit=20, A="short", B="b" * 100) == "short: " + "b" * 12 + "!"


@pytest.mark.parametrize(
    ("hours", "now", "remaining_h"),
    [
        ("22:00-07:00", "2026-01-10T23:00", 8),
        ("22:00-07:00", "2026-01-10T06:30", 0.5),
        ("22:00-07:00", "2026-01-10T07:00", 0),
        ("22:00-07:00", "2026-01-10T12:00", 0),
        ("12:00-13:00", "2026-01-10T12:15", 0.75),
        ("12:00-13:00", "2026-01-10T13:00", 0),
        # British summer time: 21:30 UTC is half past ten in London; and the night of the change is an hour shorter.
        ("22:00-07:00", "2026-07-10T21:30", 8.5),
        ("22:00-07:00", "2026-03-28T22:00", 8),
    ],
)
def test_quiet_hours_are_those_of_the_zone(hours: str, now: str, remaining_h: float):
    begin, end = (datetime.strptime(text, "%H:%M").time() for text in hours.split("-"))

    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    ends = QuietHours(begin, end, LONDON).end(at)
    assert (ends - at if ends else timedelta()) == timedelta(hours=remaining_h)
