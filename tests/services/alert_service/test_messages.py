"""Alert messages of records: what is read, what is said, and what is kept back."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bifrost.alerts import Once, QuietHours, read_alert
from bifrost.clients.avro import AvroReader, encode, parse_schema
from bifrost.clients.consumer_group import Record
from bifrost.clients.ksqldb import DescribedSource, KsqlClient, SourceSummary
from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.errors import Refused, SettingError
from bifrost.settings import Settings
from services.alert_service.messages import (
    AlertMessage,
    SuppressingChannel,
    chat_for,
    message_composer,
    with_configured_channel,
)
from services.alert_service.record_columns import RecordLayout, column_reader, find_layout
from services.delivery.channel import Delivered, HeldBack, Suppressed, TemporaryFailure, Undeliverable
from services.delivery.slack import SlackMessage
from services.delivery.telegram import TelegramMessage
from tests.fakes.clock import FakeClock

FRAUD = RecordLayout((("CARD_NUMBER", "STRING"),), "KAFKA", "JSON", "TUMBLING")
START_MS = 1_600_000_200_000
SCHEMA = {"type": "record", "name": "V", "fields": [{"name": "NAME", "type": ["null", "string"], "default": None}]}


class FakeRegistry:
    """Knows one schema, by the id 7."""

    def by_id(self, schema_id: int) -> SubjectVersion:
        if schema_id != 7:
            raise Refused("Schema Registry", "by id", status=schema_id, body="Schema not found")
        return SubjectVersion("", 0, 7, json.dumps(SCHEMA), "AVRO")


AVRO = AvroReader(cast("SchemaRegistryClient", FakeRegistry()))


def record(value: object, key: bytes | None = None) -> Record:
    data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return Record("T", 0, 0, key, data)


def windowed(key: str) -> bytes:
    return key.encode() + struct.pack(">q", START_MS)


def composed(folder: Path, text: str, shape: RecordLayout, found: Record, chat: int | str = "") -> Any:
    path = folder / "it.toml"
    path.write_text(text)
    return message_composer(read_alert(path), column_reader(shape, AVRO), chat)(found)


SLACK = (
    'topic = "T"\nchannel = "slack"\nto = "fraud"\ntemplate = "{ATTEMPTS} on {CARD_NUMBER} since {WINDOWSTART:time}"\n'
)


def test_value_key_and_window_are_columns(tmp_path: Path):
    found = composed(tmp_path, SLACK, FRAUD, record({"ATTEMPTS": 4}, windowed("4000-1 <x>")))

    text = "4 on 4000-1 &lt;x&gt; since 2020-09-13 12:30:00"
    assert found == AlertMessage(SlackMessage("fraud", text, "KSQL Notifications", ":bell:"))
    assert found.destination == "Slack #fraud"


def test_telegram_gets_plain_text_in_its_chat(tmp_path: Path):
    text = 'topic = "T"\nchannel = "telegram"\ntemplate = "<b>{NAME}"\n'
    shape = RecordLayout((), "NONE", "AVRO")
    found = composed(tmp_path, text, shape, record(encode(7, parse_schema(json.dumps(SCHEMA)), {"NAME": "<a>"})), 42)

    assert found == AlertMessage(TelegramMessage(42, "<b><a>"))


@pytest.mark.parametrize(("to", "chat"), [("-100", -100), ("@room", "@room"), ("--5", "--5"), ("²", "²")])
def test_a_chat_is_a_number_or_a_name(tmp_path: Path, to: str, chat: int | str):
    path = tmp_path / "it.toml"
    path.write_text(f'topic = "T"\nchannel = "telegram"\nto = "{to}"\ntemplate = "x"\n', encoding="utf-8")
    assert chat_for(read_alert(path), Settings({})) == chat


@pytest.mark.parametrize(
    ("setting", "channel", "to"), [("", "slack", "room"), ("slack", "slack", "room"), ("telegram", "telegram", "")]
)
def test_a_setting_chooses_the_channel(tmp_path: Path, setting: str, channel: str, to: str):
    path = tmp_path / "it.toml"
    path.write_text('topic = "T"\nchannel = "${IT_CHANNEL|slack}"\nto = "room"\ntemplate = "x"\n')
    alert = with_configured_channel(read_alert(path), Settings({"IT_CHANNEL": setting}))

    assert (alert.channel, alert.to) == (channel, to)


def test_an_unknown_channel_in_a_setting_is_refused(tmp_path: Path):
    path = tmp_path / "it.toml"
    path.write_text('topic = "T"\nchannel = "${IT_CHANNEL|telegram}"\nto = "room"\ntemplate = "x"\n')
    alert = read_alert(path)

    assert (with_configured_channel(alert, Settings({})).channel, with_configured_channel(alert, Settings({})).to) == (
        "telegram",
        "",
    )
    with pytest.raises(SettingError, match="IT_CHANNEL: 'mail' is not a channel; use one of slack, telegram"):
        with_configured_channel(alert, Settings({"IT_CHANNEL": "mail"}))


def test_a_deleted_row_sends_no_message(tmp_path: Path):
    assert composed(tmp_path, SLACK, FRAUD, record(None, windowed("4000-1"))) is None


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (b"{", windowed("a"), "not JSON"),
        (b"\0\0\0\0\1abc", windowed("a"), "not JSON"),
        ([], windowed("a"), "the value is not a JSON object"),
        ({}, windowed("a"), "ATTEMPTS is missing"),
        ({"ATTEMPTS": 4}, b"short", "the key is too short to hold a window"),
        ({"ATTEMPTS": 4}, None, "CARD_NUMBER is missing"),
    ],
)
def test_a_record_that_does_not_fit_the_template_is_undeliverable(
    tmp_path: Path, value: object, key: bytes | None, reason: str
):
    found = composed(tmp_path, SLACK, FRAUD, record(value, key))

    assert isinstance(found, Undeliverable)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("shape", "key", "columns"),
    [
        (RecordLayout((("A", "INTEGER"),), "KAFKA", "JSON"), b"\xff\xff\xff\xfe", {"A": -2}),
        (RecordLayout((("A", "BIGINT"),), "KAFKA", "JSON"), struct.pack(">q", 7), {"A": 7}),
        (RecordLayout((("A", "STRING"),), "JSON", "JSON"), b'"x"', {"A": "x"}),
        (RecordLayout((("A", "STRING"), ("B", "STRING")), "JSON", "JSON"), b'{"A":"x","B":"y"}', {"A": "x", "B": "y"}),
        (
            RecordLayout((("A", "STRING"),), "KAFKA", "JSON", "SESSION"),
            b"x" + struct.pack(">qq", 9, 5),
            {"A": "x", "WINDOWSTART": 5, "WINDOWEND": 9},
        ),
    ],
)
def test_keys_are_read_in_their_format(shape: RecordLayout, key: bytes, columns: dict[str, Any]):
    assert column_reader(shape, AVRO)(record({"email": {"string": "a"}}, key)) == {
        **columns,
        "email": "a",
        "EMAIL": "a",
    }


class FakeKsql:
    """Knows a table that a query writes, and a stream that was declared over its topic."""

    def streams(self) -> list[SourceSummary]:
        return [SourceSummary("OVER_IT", "STREAM", "ERRORS", "KAFKA", "JSON")]

    def tables(self) -> list[SourceSummary]:
        return [SourceSummary("FAILING", "TABLE", "ERRORS", "KAFKA", "AVRO")]

    def describe(self, name: str) -> DescribedSource:
        if name == "OVER_IT":
            return DescribedSource(name, "STREAM", "ERRORS", 1, "", (("K", "STRING"),), (), ())
        columns = (("VEHICLE", "STRING"), ("ERRORS", "BIGINT"))
        return DescribedSource(name, "TABLE", "ERRORS", 1, "", columns, ("CTAS_1",), (), 1, "SESSION")


def test_the_layout_is_that_of_the_query_that_writes_the_topic():
    found = find_layout(cast("KsqlClient", FakeKsql()), "ERRORS")

    assert found == RecordLayout((("VEHICLE", "STRING"),), "KAFKA", "AVRO", "SESSION", "FAILING", ("ERRORS",))
    assert found.columns == ("VEHICLE", "ERRORS", "WINDOWSTART", "WINDOWEND")
    assert find_layout(cast("KsqlClient", FakeKsql()), "ELSEWHERE") is None


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"{}12345", b"\0\0\0\0\7", b"\0\0\0\0\7\x09"])
def test_a_value_that_does_not_match_its_schema_is_undeliverable(tmp_path: Path, data: bytes):
    text = 'topic = "T"\nchannel = "telegram"\ntemplate = "{NAME}"\n'

    assert isinstance(composed(tmp_path, text, RecordLayout((), "NONE", "AVRO"), record(data), 42), Undeliverable)


def test_a_record_with_an_unknown_schema_does_not_block_the_others(tmp_path: Path):
    text = 'topic = "T"\nchannel = "telegram"\ntemplate = "{NAME}"\n'
    value = encode(404, parse_schema(json.dumps(SCHEMA)), {"NAME": "a"})
    found = composed(tmp_path, text, RecordLayout((), "NONE", "AVRO"), record(value), 42)

    assert found == Undeliverable("its schema is not in the registry: Schema not found")


def test_a_failing_registry_is_retried(tmp_path: Path):
    text = 'topic = "T"\nchannel = "telegram"\ntemplate = "{NAME}"\n'
    value = encode(500, parse_schema(json.dumps(SCHEMA)), {"NAME": "a"})

    with pytest.raises(Refused):
        composed(tmp_path, text, RecordLayout((), "NONE", "AVRO"), record(value), 42)


class Inner:
    """Keeps what it was given; `answers` are its next outcomes."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    def send(self, notification: Any) -> Any:
        self.sent.append(notification.text)
        return self.answers.pop(0) if self.answers else Delivered()

    def close(self) -> None: ...


def message(text: str, *identity: str) -> AlertMessage:
    return AlertMessage(TelegramMessage(1, text), identity or None)


class Ruled:
    """A ruled channel and the clocks that it looks at."""

    def __init__(self, *answers: Any, quiet: QuietHours | None = None) -> None:
        self.clock = FakeClock()
        self.inner = Inner(*answers)
        start = datetime(2026, 1, 10, 21, 0, tzinfo=UTC)
        self.channel = SuppressingChannel(
            self.inner,
            Once(("A",), 60),
            quiet,
            clock=self.clock.monotonic,
            now=lambda: start + timedelta(seconds=self.clock.now),
        )


def test_a_repeat_within_the_time_is_suppressed():
    it = Ruled()

    assert it.channel.send(message("1", "a")) == Delivered()
    assert it.channel.send(message("2", "a")) == Suppressed()
    assert it.channel.send(message("3", "b")) == Delivered()
    it.clock.now = 60
    assert it.channel.send(message("4", "a")) == Delivered()
    assert it.inner.sent == ["1", "3", "4"]


def test_an_undelivered_message_suppresses_nothing():
    it = Ruled(TemporaryFailure("down"))

    assert it.channel.send(message("1", "a")) == TemporaryFailure("down")
    assert it.channel.send(message("1", "a")) == Delivered()


def test_without_identity_columns_everything_is_sent():
    it = Ruled()

    assert [it.channel.send(message(text)) for text in "aa"] == [Delivered(), Delivered()]


def test_messages_wait_for_the_end_of_quiet_hours():
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC).time() for hour in (20, 22)]
    it = Ruled(quiet=QuietHours(hours[0], hours[1], cast("Any", UTC)))

    assert it.channel.send(message("1", "a")) == HeldBack(60.0, "22:00 UTC")
    it.clock.now = 3590
    assert it.channel.send(message("1", "a")) == HeldBack(10.0, "22:00 UTC")
    it.clock.now = 3600
    assert it.channel.send(message("1", "a")) == Delivered()
    assert it.channel.send(message("2", "a")) == Suppressed()


def test_of_several_messages_only_the_suppressed_ones_are_not_sent():
    it = Ruled(Delivered(), TemporaryFailure("down"))
    it.channel.send(message("1", "a"))

    assert it.channel.send_together([message("2", "a"), message("3", "b")]) == [Suppressed(), TemporaryFailure("down")]
    together = [message("4", "b"), message("5", "a"), message("6", "c"), message("7")]
    assert it.channel.send_together(together) == [Delivered(), Suppressed(), Delivered(), Delivered()]
    assert it.inner.sent[:2] == ["1", "3"] and sorted(it.inner.sent[2:]) == ["4", "6", "7"]
    assert it.channel.send_together([message("8", "b"), message("9", "c")]) == [Suppressed(), Suppressed()]
