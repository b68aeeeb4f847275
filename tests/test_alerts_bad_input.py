"""Alert files and records that make no sense: each gets an error that names it, and nothing else escapes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.alert_template import Template
from bifrost.alerts import Alert, read_alert, read_alerts, read_problems
from bifrost.errors import DeclarationError

GOOD = 'topic = "T"\nchannel = "slack"\nto = "room"\ntemplate = "{A}"\n'
ONCE = GOOD + '[once]\nby = ["A"]\n'
UTC_ZONE = ZoneInfo("UTC")


def read(folder: Path, content: str | bytes, name: str = "it.toml") -> Alert:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_alert(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"\x00",
        "topic",
        'topic = "T"\ntopic = "U"',
        "topic = 1979-05-27",
        "[[once]]",
        "a" * 100_000,
        "x = " + "[" * 5_000,
        GOOD.replace('"T"', '""'),
        GOOD.replace('"T"', "7"),
        GOOD.replace('"T"', '"a b"'),
        GOOD.replace('"T"', '"' + "t" * 250 + '"'),
        GOOD.replace('"T"', '"."'),
        GOOD.replace('"slack"', '"${X|mail}"'),
        GOOD.replace('"slack"', '"${x|slack}"'),
        GOOD.replace('"slack"', "true"),
        GOOD.replace('"room"', '""'),
        GOOD.replace('"room"', '"#"'),
        GOOD.replace('"{A}"', '""'),
        GOOD.replace('"{A}"', '"{"'),
        GOOD.replace('"{A}"', '"{}"'),
        GOOD.replace('"{A}"', '"{1A}"'),
        GOOD.replace('"{A}"', '"{A.}"'),
        GOOD.replace('"{A}"', '"{A:.999f}"'),
        GOOD.replace('"{A}"', '"{A!r}"'),
        GOOD.replace('"{A}"', '"{A:%s}"'),
        GOOD + "group = 7\n",
        GOOD + 'zone = "Mars"\n',
        GOOD + 'zone = "../../etc/passwd"\n',
        GOOD + 'zone = "/etc/localtime"\n',
        GOOD + 'zone = "Europe"\n',
        GOOD + 'zone = "' + "z" * 5_000 + '"\n',
        GOOD + 'zone = "a\\u0000b"\n',
        GOOD + "once = 7\n",
        GOOD + "[once]\n",
        GOOD + '[once]\nby = "A"\nwithin = "1 hour"\n',
        GOOD + '[once]\nby = []\nwithin = "1 hour"\n',
        GOOD + '[once]\nby = [""]\nwithin = "1 hour"\n',
        ONCE + 'within = "0 hours"\n',
        ONCE + 'within = "-1 hours"\n',
        ONCE + 'within = "1.5 hours"\n',
        ONCE + 'within = "² hours"\n',
        ONCE + 'within = "1"\n',
        ONCE + 'within = "1 fortnight"\n',
        ONCE + 'within = "' + "9" * 400 + ' days"\n',
        ONCE + 'within = "' + "9" * 5_000 + ' days"\n',
        ONCE + "within = 60\n",
        GOOD + "quiet = true\n",
        GOOD + "[quiet]\n",
        GOOD + '[quiet]\nhours = "24:00-07:00"\n',
        GOOD + '[quiet]\nhours = "22:61-07:00"\n',
        GOOD + '[quiet]\nhours = "22-7"\n',
        GOOD + '[quiet]\nhours = "22:00"\n',
        GOOD + '[quiet]\nhours = "٢٢:٠٠-٠٧:٠٠"\n',
        GOOD + '[quiet]\nhours = "07:00-07:00"\n',
        GOOD + '[quiet]\nhours = ["22:00-07:00"]\n',
        GOOD + "[surprise]\n",
    ],
)
def test_a_faulty_file_is_a_declaration_error(tmp_path: Path, content: str | bytes):
    with pytest.raises(DeclarationError) as caught:
        read(tmp_path, content)

    assert caught.value.path.name == "it.toml"
    assert caught.value.problem


@pytest.mark.parametrize(
    "content", ["[]", "null", "7", "{", '{"topic": NaN}', '{"topic": "T", "channel": null}', "[" * 100_000, "\ufeff{}"]
)
def test_a_faulty_json_file_is_a_declaration_error(tmp_path: Path, content: str):
    with pytest.raises(DeclarationError):
        read(tmp_path, content, "it.json")


@given(st.dictionaries(st.sampled_from(["topic", "channel", "to", "template", "zone", "once", "quiet"]), st.text()))
def test_texts_of_any_kind_are_an_alert_or_a_declaration_error(tmp_path_factory: pytest.TempPathFactory, content: Any):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"topic": "T", "channel": "slack", "to": "room", "template": "x", **content}))
    try:
        read_alert(path)
    except DeclarationError as error:
        assert error.path == path


def test_a_folder_or_a_dangling_link_among_the_files_keeps_no_other_alert_back(tmp_path: Path):
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "link.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "good.toml").write_text(GOOD)
    problems: list[DeclarationError] = []

    assert [alert.name for alert in read_alerts(tmp_path, problems.append)] == ["good"]
    assert {problem.path.name for problem in problems} == {"folder.toml", "link.toml"}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"a": 7}'])
def test_a_damaged_file_of_problems_is_no_reason_to_fail(tmp_path: Path, content: bytes):
    (tmp_path / "problems.json").write_bytes(content)

    (problem,) = read_problems(tmp_path / "problems.json").values()
    assert problem == "7" or problem.endswith("is damaged; restart the service alerts")


def render(text: str, values: dict[str, Any]) -> str:
    template = Template.parse(text, UTC_ZONE)
    return template.render(values, escape=str, shorten=lambda part, room: part[:room], length=len, limit=100)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{A}", None),
        ("{A.B}", {"B": None}),
        ("{A.B}", [1]),
        ("{A.B}", "text"),
        ("{A:time}", True),
        ("{A:time}", "now"),
        ("{A:time}", float("nan")),
        ("{A:time}", float("inf")),
        ("{A:time}", 10**30),
        ("{A:time}", -(10**17)),
        ("{A:time}", Decimal("NaN")),
        ("{A:.1f}", "1"),
        ("{A:.1f}", True),
        ("{A:.1f}", [1]),
    ],
)
def test_a_value_that_does_not_suit_its_placeholder_makes_the_record_undeliverable(text: str, value: Any):
    with pytest.raises(ValueError, match="A"):
        render(text, {"A": value})


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("{A}", 12345678901234567890123, "12345678901234567890123"),
        ("{A:,.2f}", 2**63 - 1, "9,223,372,036,854,775,807.00"),
        ("{A:,}", 12345678901234567890123, "12,345,678,901,234,567,890,123"),
        ("{A}", {"a": Decimal("1.10")}, '{"a": "1.10"}'),
        ("{A}", float("nan"), "nan"),
        ("{A}", "{A}", "{A}"),
        ("{A}", "x" * 1_000, "x" * 100),
        ("{A|nothing}", None, "nothing"),
        ("{A|}", None, ""),
        ("{{{A}}}", 1, "{1}"),
    ],
)
def test_values_are_shown_as_they_are(text: str, value: Any, shown: str):
    assert render(text, {"A": value}) == shown


@given(st.text())
def test_any_text_is_a_template_or_an_error(text: str):
    try:
        Template.parse(text, UTC_ZONE)
    except ValueError as error:
        assert str(error)
