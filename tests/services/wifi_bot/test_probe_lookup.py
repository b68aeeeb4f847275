"""The bot's answers about devices, byte by byte, and what a person can write without harm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb_query import QueryClient
from services.wifi_bot.probe_lookup import ProbeLookup, mac_address, queries_for
from tests.fakes.http_server import Answer, FakeServer, Fault, running
from tests.fakes.wifi_ksql import FakeWifiKsql

MAC = "a4:83:e7:4e:39:15"
SSIDS = ["", "RNM0", "FULLERS", "skyclub", "FreePubWiFi", "_The Wheatley Free WiFi", "CrossCountryWiFi"]


@pytest.fixture
def ksql() -> FakeWifiKsql:
    return FakeWifiKsql()


@pytest.fixture
def server(ksql: FakeWifiKsql) -> Iterator[FakeServer]:
    with running(ksql.server()) as fake:
        yield fake


@pytest.fixture
def lookup(server: FakeServer) -> Iterator[ProbeLookup]:
    with closing(QueryClient(Connection("ksqlDB", server.url))) as queries:
        yield ProbeLookup(queries)


def test_a_device_is_found_by_its_mac_address(ksql: FakeWifiKsql, server: FakeServer, lookup: ProbeLookup):
    ksql.devices[MAC] = [178, "2020-04-18 17:04:27", "2020-04-22 14:43:40", 7, SSIDS]

    assert lookup.answer(MAC) == (
        "📡 Wi-Fi probe stats for a4:83:e7:4e:39:15\n\tEarliest probe : 2020-04-18 17:04:27\n"
        "\tLatest probe   : 2020-04-22 14:43:40\n\tProbe count    : 178\n\tUnique SSIDs   : 7 "
        "(['', 'RNM0', 'FULLERS', 'skyclub', 'FreePubWiFi', '_The Wheatley Free WiFi', 'CrossCountryWiFi'])"
    )
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/query")
    assert request.headers["Content-Type"] == "application/vnd.ksql.v1+json; charset=utf-8"
    assert list(request.body) == ["ksql"]


def test_a_device_is_found_by_its_name_and_shown_in_london_time(ksql: FakeWifiKsql, lookup: ProbeLookup):
    ksql.devices["sony-vaio"] = [23, 1584696097000, 1586609593000, 2, ["RNM-GUEST", ""]]

    assert lookup.answer("sony-vaio") == (
        "📡 Wi-Fi probe stats for sony-vaio\n\tEarliest probe : 2020-03-20 09:21:37\n"
        "\tLatest probe   : 2020-04-11 13:53:13\n\tProbe count    : 23\n\tUnique SSIDs   : 2 (['RNM-GUEST', ''])"
    )


@pytest.mark.parametrize("asked", [MAC, "sony-vaio", "'; DROP TABLE DEVICES;--", "🦄"])
def test_an_unknown_device_gets_a_reply(lookup: ProbeLookup, asked: str):
    assert lookup.answer(asked) == f"🛎 No result found for device {asked}"


@pytest.mark.parametrize(
    "name", ["Robin's phone", "'; DROP TABLE X; --", "''", "''''", "🦄 phone", "a\nb", "100%s", "\\'", '"', "Zoë"]
)
def test_a_name_is_never_more_than_a_name(ksql: FakeWifiKsql, lookup: ProbeLookup, name: str):
    ksql.devices[name] = [1, "a", "b", 1, ["x"]]

    assert lookup.answer(f" {name} ").startswith(f"📡 Wi-Fi probe stats for {name}\n")


@pytest.mark.parametrize(("typed", "name"), [("Robin’s phone", "Robin's phone"), ("Zoe\u0308", "Zoë")])
def test_spellings_of_phones_find_the_name(ksql: FakeWifiKsql, lookup: ProbeLookup, typed: str, name: str):
    ksql.devices[name] = [1, "a", "b", 1, ["x"]]

    assert lookup.answer(typed).startswith("📡")


def test_a_name_that_could_be_a_mac_address_is_found_too(ksql: FakeWifiKsql, lookup: ProbeLookup):
    ksql.devices["deadbeefcafe"] = [1, "a", "b", 1, ["x"]]

    assert lookup.answer("deadbeefcafe").startswith("📡 Wi-Fi probe stats for de:ad:be:ef:ca:fe\n")


@pytest.mark.parametrize(
    "spelled",
    [
        "A4:83:E7:4E:39:15",
        "a4-83-e7-4e-39-15",
        "A4-83-E7-4E-39-15\n",
        "a483.e74e.3915",
        "a483e74e3915",
        "A483E7-4E3915",
        "a4 83 e7 4e 39 15",
        "a4–83–e7–4e–39–15",
    ],
)
def test_a_mac_address_in_any_spelling(spelled: str):
    assert mac_address(spelled) == MAC


def test_leading_zeros_may_be_left_out():
    assert mac_address("0:1b:2:C:d:e") == "00:1b:02:0c:0d:0e"


@pytest.mark.parametrize(
    "text", ["", "sony-vaio", "a4:83:e7:4e:39", "a4:83:e7:4e:39:15:00", "g4:83:e7:4e:39:15", "1" * 13]
)
def test_other_texts_are_not_mac_addresses(text: str):
    assert mac_address(text) is None


def test_a_text_longer_than_any_name_sends_no_query(server: FakeServer, lookup: ProbeLookup):
    assert lookup.answer("x" * 10_000) == "🛎 No result found for device " + "x" * 60 + "…"
    assert server.requests == []


def test_a_failed_query_is_reported_with_status_reason_and_body(server: FakeServer, lookup: ProbeLookup):
    server.respond = lambda _request: Answer(400, text='{"error_code":40001,"message":"no table"}')

    assert lookup.answer(MAC) == '❌ Query failed (400 Bad Request)\n{"error_code":40001,"message":"no table"}'


def test_a_query_that_fails_half_way_is_reported(server: FakeServer, lookup: ProbeLookup):
    server.respond = lambda _request: Answer(body=[{"errorMessage": {"message": "state store is gone"}}])

    assert lookup.answer(MAC) == "❌ Query failed (200 OK)\nstate store is gone"


def test_an_unavailable_ksqldb_is_reported_and_recovers(server: FakeServer, ksql: FakeWifiKsql, lookup: ProbeLookup):
    ksql.devices[MAC] = [1, "a", "b", 1, ["x"]]
    server.faults = [Fault("POST", "/query", hang_up=True)]

    assert lookup.answer(MAC) == "❌ Query failed (no answer from ksqlDB)\nPlease ask again in a minute."
    assert lookup.answer(MAC).startswith("📡")


def test_hidden_networks_count_as_one_without_a_name(ksql: FakeWifiKsql, lookup: ProbeLookup):
    ksql.devices[MAC] = [3, "a", "b", 1, [None, "", "x'y"]]

    assert lookup.answer(MAC).endswith("""1 (['', "x'y"])""")


def test_each_query_looks_up_one_key():
    assert list(queries_for("o'brien")) == [
        "SELECT PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED "
        "FROM PCAP_STATS_ENRICHED_01 WHERE DEVICE_NAME = 'o''brien';"
    ]
