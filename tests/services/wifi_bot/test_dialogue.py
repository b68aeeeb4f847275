"""The bot's commands: what a person writes, and what the alert list is afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.ksqldb_query import QueryClient
from bifrost.errors import Refused
from services.wifi_bot.alert_list import AlertList, key_bytes
from services.wifi_bot.dialogue import HELP, WELCOME, Dialogue
from services.wifi_bot.probe_lookup import ProbeLookup
from tests.fakes.http_server import FakeServer, Fault, running
from tests.fakes.wifi_ksql import FakeWifiKsql


@pytest.fixture
def ksql() -> FakeWifiKsql:
    return FakeWifiKsql()


@pytest.fixture
def server(ksql: FakeWifiKsql) -> Iterator[FakeServer]:
    with running(ksql.server()) as fake:
        yield fake


@pytest.fixture
def dialogue(ksql: FakeWifiKsql, server: FakeServer) -> Iterator[Dialogue]:
    connection = Connection("ksqlDB", server.url, patience_s=0)
    with ExitStack() as stack:
        queries = stack.enter_context(closing(QueryClient(connection)))
        statements = stack.enter_context(KsqlClient(connection))
        yield Dialogue(ProbeLookup(queries), AlertList(statements, ksql), "wifi_bot")


@pytest.mark.parametrize(
    ("written", "ssid", "reason"),
    [
        ("/watch RNM0 home network", "RNM0", "home network"),
        ("/WATCH  RNM0 \n home\n network ", "RNM0", "home network"),
        ("/watch@wifi_bot RNM0 home", "RNM0", "home"),
        ('/watch "Guest Wi-Fi" for guests', "Guest Wi-Fi", "for guests"),
        ("/watch “Guest Wi-Fi” for guests", "Guest Wi-Fi", "for guests"),
        ("/watch 'it is' why", "it is", "why"),
        ("/watch Bob's his own", "Bob's", "his own"),
        ("/watch '; DROP TABLE X;-- it's bad", "';", "DROP TABLE X;-- it's bad"),
        ("/watch 🦄 🌈", "🦄", "🌈"),
        ('/watch " two " why', " two ", "why"),
    ],
)
def test_watch_puts_an_ssid_on_the_list(ksql: FakeWifiKsql, dialogue: Dialogue, written: str, ssid: str, reason: str):
    assert dialogue.reply(written) == f"👀 I will notify you when a device probes for SSID `{ssid}`"
    assert ksql.watched == {ssid: reason}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("/watch", "Which SSID?"),
        ('/watch ""', "Which SSID?"),
        ("/unwatch", "Which SSID?"),
        ("/watch RNM0", "Please add a reason: /watch RNM0 "),
        ('/watch "a b"', 'Please add a reason: /watch "a b" '),
        ("/watch " + "x" * 33 + " why", "An SSID has at most 32 bytes; this one has 33."),
        ("/watch " + "ü" * 17 + " why", "An SSID has at most 32 bytes; this one has 34."),
        ("/watch RNM0 " + "y" * 10_000, "A reason has at most 500 characters; this one has 10000."),
        ("/unwatch " + "x" * 33, "An SSID has at most 32 bytes"),
    ],
)
def test_a_command_that_lacks_something_is_answered_kindly(
    server: FakeServer, dialogue: Dialogue, written: str, said: str
):
    assert (dialogue.reply(written) or "").startswith(said)
    assert server.requests == []


@pytest.mark.parametrize("written", ["/unwatch Guest Wi-Fi", '/unwatch "Guest Wi-Fi"', "/unwatch  Guest Wi-Fi "])
def test_unwatch_takes_an_ssid_off(ksql: FakeWifiKsql, dialogue: Dialogue, written: str):
    ksql.watched = {"Guest Wi-Fi": "guests", "RNM0": "home"}

    assert dialogue.reply(written) == "🙈 SSID `Guest Wi-Fi` is no longer watched"
    assert ksql.watched == {"RNM0": "home"}


def test_unwatch_reports_an_ssid_that_is_not_on_the_list(dialogue: Dialogue):
    assert dialogue.reply("/unwatch RNM0") == "SSID `RNM0` was not on the list. /list shows the watched networks."


def test_the_list_is_sorted_by_ssid(ksql: FakeWifiKsql, dialogue: Dialogue):
    assert dialogue.reply("/list") == "The list is empty. Add a network with /watch SSID reason."
    ksql.watched = {"RNM0": "home network", "RNM-GUEST": "guest network"}

    assert dialogue.reply("/list") == (
        "👀 I notify you when a device probes for one of these SSIDs\n"
        "\t`RNM-GUEST` because: guest network\n\t`RNM0` because: home network"
    )


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("/start", WELCOME),
        ("/help", HELP),
        ("/help me please", HELP),
        ("/nonsense 1", "Unknown command /nonsense. /help lists the commands."),
        ("   ", HELP),
        ("/list@other_bot", None),
    ],
)
def test_other_messages(dialogue: Dialogue, written: str, answer: str | None):
    assert dialogue.reply(written) == answer


def test_an_unavailable_ksqldb_is_reported_without_its_address(server: FakeServer, dialogue: Dialogue):
    server.faults = [Fault("POST", "/", hang_up=True)]

    assert dialogue.reply("/list") == "❌ ksqlDB is not responding\nPlease try again in a minute."


@pytest.mark.parametrize("written", ["/list", "/watch RNM0 home", "/unwatch RNM0"])
def test_a_starting_ksqldb_is_reported_and_then_the_command_works(server: FakeServer, dialogue: Dialogue, written: str):
    server.faults = [Fault("POST", "/", 503, {"message": "starting up"})]

    assert (dialogue.reply(written) or "").startswith("❌ ksqlDB refused the command: 503 starting up\n")
    assert not (dialogue.reply(written) or "").startswith("❌")


def test_a_key_is_written_in_the_format_of_its_table():
    assert key_bytes("ü", "KAFKA") == "ü".encode()
    assert key_bytes('a"b', "JSON") == b'"a\\"b"'
    with pytest.raises(Refused, match="its key format AVRO is not supported here; delete the row"):
        key_bytes("x", "AVRO")
