"""The alert messages, byte by byte, and the live form over a push query."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.errors import SettingError
from bifrost.settings import Settings
from services.delivery.bursts import SubjectAlert
from services.delivery.channel import Undeliverable
from services.wifi_telegram_alerts import QUERY, alert_channel, alert_from, compose, follow
from tests.fakes.console import Client, running_console
from tests.fakes.http_server import running
from tests.fakes.wifi_ksql import FakeWifiKsql, row_line
from tests.waiting import eventually

AT, MAC = "2020-04-23 18:14:56", "78:67:d7:48:e5:c7"
RNM0 = f"📣 At {AT} MAC address {MAC} probed for SSID `RNM0`"
GUEST = f"📣 At {AT} MAC address {MAC} probed for SSID `RNM-GUEST`\n\nThis SSID is being tracked because: guest network"


def text_of(found: object) -> str:
    assert isinstance(found, SubjectAlert)
    return found.text


def value(**fields: object) -> bytes:
    return json.dumps({"TS": AT, "MAC": MAC, "SSID": "RNM0", **fields}).encode()


def test_the_message_is_the_documents():
    assert text_of(alert_from([AT, MAC, "RNM0"])) == RNM0
    assert text_of(alert_from([AT, MAC, "RNM-GUEST", "guest network"])) == GUEST
    assert text_of(compose(value(SSID="RNM-GUEST", REASON="guest network"))) == GUEST


@pytest.mark.parametrize("reason", [None, ""])
def test_a_network_without_a_reason(reason: str | None):
    assert text_of(compose(value(REASON=reason))) == RNM0


@pytest.mark.parametrize("ssid", ["", "it's", "`x`", "<b>&amp;", "🦄", "%s", "a\nb"])
def test_an_ssid_stays_as_it_is(ssid: str):
    assert text_of(compose(value(SSID=ssid))).endswith(f"probed for SSID `{ssid}`")


def test_a_tombstone_sends_no_message():
    assert compose(None) is None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"\x00\x00", "not JSON"),
        (b"[]", "the value is not a JSON object"),
        (b"{}", "TS is missing"),
        (value(MAC=None), "MAC is missing"),
        (value(SSID=7), "SSID is not a string"),
    ],
)
def test_an_unreadable_record_is_undeliverable_with_the_reason(record: bytes, reason: str):
    found = compose(record)

    assert isinstance(found, Undeliverable)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("window", ["-1", "x", "1e3", "99999999"])
def test_an_invalid_window_is_refused(window: str):
    with pytest.raises(SettingError, match=r"TELEGRAM_ALERT_WINDOW_S: .* is not a number of seconds"):
        alert_channel(Settings({"TELEGRAM_ALERT_WINDOW_S": window}))


@contextmanager
def following(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_live_form_reconnects_and_sends_new_rows(tmp_path: Path):
    header = b'[{"header":{"queryId":"q","schema":"`TS` STRING"}},\n'
    first, second = row_line(AT, MAC, "RNM0", None), row_line(AT, MAC, "RNM-GUEST", "guest network")
    ksql = FakeWifiKsql(pushed=[(header, b"\n", first), (header, second[:20], second[20:], b'{"finalMessage":"end"}]')])
    with running(ksql.server()) as server, running_console(tmp_path / "inbox.sqlite", lambda: 0.0) as inbox:
        with following(Settings({"KSQLDB_URL": server.url, "TELEGRAM_API_URL": inbox.url})):
            eventually(lambda: sent(inbox) == [RNM0, GUEST])

    pushed = server.requests[0].body
    assert pushed == {"ksql": QUERY, "streamsProperties": {"ksql.streams.auto.offset.reset": "latest"}}


def test_the_live_form_retries_a_message_that_telegram_did_not_accept(tmp_path: Path):
    header = b'[{"header":{"queryId":"q","schema":"`TS` STRING"}},\n'
    ksql = FakeWifiKsql(pushed=[(header, row_line(AT, MAC, "RNM0", None))])
    with running(ksql.server()) as server, running_console(tmp_path / "inbox.sqlite", lambda: 0.0) as inbox:
        inbox.post("/api/faults", json={"method": "sendMessage", "status": 503}).raise_for_status()
        with following(Settings({"KSQLDB_URL": server.url, "TELEGRAM_API_URL": inbox.url})):
            eventually(lambda: sent(inbox) == [RNM0])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=5)))
def test_a_row_of_any_shape_is_an_alert_or_undeliverable(row: Any):
    columns = row if isinstance(row, list) else [row]

    assert isinstance(alert_from(columns), SubjectAlert | Undeliverable)


def sent(inbox: Client) -> list[str]:
    return [message["text"] for message in inbox.get("/api/messages").json()]
