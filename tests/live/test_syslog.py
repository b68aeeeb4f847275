"""Syslog from the wire to topic, documents and messages, beside what Python makes of the same lines."""

from __future__ import annotations

import io
import json
import re
import socket
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from random import Random
from typing import Any

import fastavro
import pytest
import requests
from confluent_kafka import Consumer, KafkaError, TopicPartition

from bifrost.generators.syslog import RFC_5424_HOST, Line, lines
from bifrost.settings import PROJECT
from tests.live.conftest import Platform
from tests.live.targets import syslog_address
from tests.live.waiting import eventually

COUNT = 1_000
OVER_UDP = 200
WINDOW_MS = 300_000
SCHEMA = fastavro.parse_schema(json.loads((PROJECT / "topics" / "schemas" / "syslog-value.avsc").read_text()))
FACILITIES = {0: "kern", 3: "daemon", 4: "auth", 9: "cron"}
LEVELS = {3: "err", 4: "warning", 5: "notice", 6: "info"}
DEVICES = {"24a43c000001": "Attic AP", "24a43c000002": "Hall AP"}
LOGIN = re.compile(r"(Invalid user|Accepted \S+ for|Failed \S+ for(?! invalid user)) (.*) from (\S+)")
OUTCOMES = {"I": "unknown user", "A": "accepted", "F": "failed"}


@dataclass(frozen=True, slots=True)
class Wire:
    """The address of the syslog sources."""

    host: str
    port: int

    def tcp(self, data: bytes) -> None:
        with socket.create_connection((self.host, self.port), timeout=30) as connection:
            connection.sendall(data)

    def udp(self, datagrams: list[bytes]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, (self.host, self.port))


@dataclass(frozen=True, slots=True)
class Sent:
    """Lines of hosts that no other test has."""

    tag: str
    lines: list[Line]
    now: datetime

    def fields(self) -> Counter[tuple[Any, ...]]:
        """What the topic must hold of the lines."""
        return Counter((self._date(line), line.facility, line.level, line.host, _message(line)) for line in self.lines)

    def enriched(self) -> Counter[tuple[Any, ...]]:
        """What the search engine must hold of them."""
        return Counter(
            (line.host, _device(line.host), FACILITIES[line.facility], LEVELS[line.level], _message(line))
            for line in self.lines
        )

    def logins(self) -> Counter[tuple[Any, ...]]:
        """Host, user, address and outcome of every login."""
        found = ((line.host, LOGIN.match(line.text)) for line in self.lines if line.program == "sshd")
        return Counter((host, login[2], login[3], OUTCOMES[login[1][0]]) for host, login in found if login)

    def _date(self, line: Line) -> int:
        whole = self.now if line.host.startswith(RFC_5424_HOST) else self.now.replace(microsecond=0)
        return int(whole.timestamp() * 1000)


def _message(line: Line) -> str:
    return f"{line.host} {line.program}{f'[{line.pid}]' if line.pid else ''}: {line.text}"


def _device(host: str) -> str | None:
    return DEVICES.get(host.split(",")[1]) if host.startswith("(") else None


def _tagged(line: Line, tag: str) -> Line:
    host = line.host.replace("v3.7.40", tag) if line.host.startswith("(") else f"{line.host}-{tag}"
    return replace(line, host=host)


@pytest.fixture(scope="module")
def wire(platform: Platform) -> Wire:
    return Wire(*syslog_address(platform.settings))


@pytest.fixture(scope="module")
def sent(platform: Platform, wire: Wire) -> Sent:
    """The lines, sent over TCP in both framings and over UDP."""
    for sender, name in DEVICES.items():
        eventually(partial(is_known, platform, sender, name), f"{name} of MongoDB")
    tag = uuid.uuid4().hex[:8]
    now = datetime.now().astimezone()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    found = [_tagged(line, tag) for line in islice(lines(Random(tag)), COUNT)]
    written = [line.encode(now) for line in found]
    wire.udp(written[:OVER_UDP])
    half = (COUNT + OVER_UDP) // 2
    wire.tcp(b"".join(line + b"\n" for line in written[OVER_UDP:half]))
    wire.tcp(b"".join(f"{len(line)} ".encode() + line for line in written[half:]))
    return Sent(tag, found, now)


def is_known(platform: Platform, sender: str, name: str) -> bool:
    """Whether ksqlDB has the name of a device."""
    body = {"sql": f"SELECT NAME FROM SYSLOG_DEVICES WHERE SENDER='{sender}';", "properties": {}}
    answer = requests.post(f"{platform.endpoints['ksqldb']}/query-stream", json=body, timeout=60)
    return [json.loads(line) for line in answer.text.splitlines()][1:] == [[name]]


def records(platform: Platform) -> Iterator[tuple[int, dict[str, Any]]]:
    """(timestamp, value) of all records of the topic."""
    options = {"bootstrap.servers": platform.endpoints["kafka"], "group.id": uuid.uuid4().hex}
    # The end of a topic that is written in transactions is no record.
    with closing(Consumer({**options, "enable.partition.eof": True, "enable.auto.commit": False})) as consumer:
        consumer.assign([TopicPartition("syslog", 0, 0)])
        while True:
            message = consumer.poll(30)
            assert message is not None
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF
                return
            value = fastavro.schemaless_reader(io.BytesIO((message.value() or b"")[5:]), SCHEMA, None)
            assert isinstance(value, dict)
            yield message.timestamp()[1], value


def documents(platform: Platform, index: str, tag: str, field: str = "HOST_NAME") -> list[dict[str, Any]]:
    """The documents about hosts with this tag."""
    body = {"size": 10_000, "query": {"wildcard": {field: f"*{tag}*"}}}
    answer = requests.post(f"{platform.endpoints['search']}/{index}/_search", json=body, timeout=60)
    return [hit["_source"] for hit in answer.json().get("hits", {}).get("hits", ())]


def delivered(platform: Platform, marker: str) -> list[dict[str, Any]]:
    """The messages that name something."""
    messages = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=30).json()
    return [message for message in messages if marker in message["text"]]


def of_tag(platform: Platform, tag: str) -> list[tuple[int, dict[str, Any]]]:
    return [(at, value) for at, value in records(platform) if tag in (value["host"] or "")]


def test_every_line_is_in_the_topic_with_its_fields(platform: Platform, sent: Sent) -> None:
    eventually(lambda: len(of_tag(platform, sent.tag)) >= COUNT, "all lines")
    found = [value for _, value in of_tag(platform, sent.tag)]

    names = ("date", "facility", "level", "host", "message")
    assert Counter(tuple(value[name] for name in names) for value in found) == sent.fields()
    assert {value["charset"] for value in found} == {"UTF-8"}
    assert all(re.fullmatch(r"/127\.0\.0\.1:\d+", value["remote_address"]) for value in found)
    assert len({value["remote_address"] for value in found}) == 3


@pytest.mark.far_end("syslog", "mongodb", "search")
def test_every_line_is_a_document_with_the_names_of_device_facility_and_level(platform: Platform, sent: Sent) -> None:
    eventually(lambda: len(documents(platform, "syslog_enriched", sent.tag, "HOST")) >= COUNT, "all documents")
    found = documents(platform, "syslog_enriched", sent.tag, "HOST")

    names = ("HOST", "DEVICE", "FACILITY_NAME", "LEVEL_NAME", "MESSAGE")
    assert Counter(tuple(document[name] for name in names) for document in found) == sent.enriched()


def test_logins_are_what_sshd_wrote(platform: Platform, sent: Sent) -> None:
    expected = sent.logins()
    eventually(lambda: len(documents(platform, "syslog_logins", sent.tag)) >= expected.total(), "all logins")
    found = documents(platform, "syslog_logins", sent.tag)

    names = ("HOST_NAME", "LOGIN_USER", "ADDRESS", "OUTCOME")
    assert Counter(tuple(document[name] for name in names) for document in found) == expected


def attacks(platform: Platform, tag: str) -> dict[str, int]:
    """Failed logins by `ATTACK_ID`, three or more, counted here by the times of the topic."""
    counts: Counter[str] = Counter()
    for at, value in of_tag(platform, tag):
        program, _, text = value["message"].removeprefix(value["host"] + " ").partition(": ")
        login = LOGIN.match(text)
        if program.startswith("sshd") and login and login[1][0] != "A":
            counts[f"{value['host']} {login[3]} {at // WINDOW_MS * WINDOW_MS}"] += 1
    return {attack: count for attack, count in counts.items() if count >= 3}


def test_attacks_are_counted_by_host_and_address_and_each_is_told_once(platform: Platform, sent: Sent) -> None:
    expected = attacks(platform, sent.tag)
    assert expected

    def counted() -> dict[str, int]:
        found = documents(platform, "syslog_login_attacks", sent.tag)
        return {document["ATTACK_ID"]: document["ATTEMPTS"] for document in found}

    eventually(lambda: counted() == expected, "the attacks")
    eventually(lambda: len(delivered(platform, sent.tag)) >= len(expected), "a message about each")
    messages = delivered(platform, sent.tag)
    assert len(messages) == len(expected)
    assert {message["channel"] for message in messages} == {"security"}
    message_for = [re.match(r"\*(\d+) failed logins on ", message["text"]) for message in messages]
    assert all(found and int(found[1]) >= 3 for found in message_for)


def test_an_unknown_user_on_the_watched_host_is_told_with_user_and_address(platform: Platform, wire: Wire) -> None:
    user = f"u{uuid.uuid4().hex}"
    wire.udp([f"<38>Mar 12 13:30:59 rpi-03 sshd[24150]: Invalid user {user} from 114.130.4.16".encode()])
    eventually(lambda: bool(delivered(platform, user)), "the message")
    (message,) = [message for message in delivered(platform, user) if message["channel"] == "logins"]

    line = f"rpi-03 sshd[24150]: Invalid user {user} from 114.130.4.16"
    assert message["text"] == f"Login of an unknown user on rpi-03\n> {line}"


def test_noise_and_lines_without_end_are_kept_and_the_next_line_is_heard(platform: Platform, wire: Wire) -> None:
    tag = uuid.uuid4().hex
    wire.tcp(bytes(range(1, 256)) * 50)
    wire.udp([b"\x00\xff\xfe", b""])
    wire.tcp(f"<13>{tag} ".encode() + b"x" * 100_000)
    wire.tcp(f"<13>{tag} last \xe2\x9d\xa4".encode("latin-1"))

    eventually(lambda: len(of_tag(platform, tag)) == 2, "both lines")
    long, last = sorted((value["message"] for _, value in of_tag(platform, tag)), key=len, reverse=True)
    assert len(long) == 65_536 - len("<13>")
    assert last == f"{tag} last ❤"


def test_a_restarted_source_listens_again(platform: Platform, wire: Wire) -> None:
    platform.run("restart", "syslog-source-tcp")
    tag = uuid.uuid4().hex

    def is_taken() -> bool:
        try:
            wire.tcp(f"<13>{tag} back\n".encode())
        except ConnectionRefusedError:
            return False
        return True

    eventually(is_taken, "the port")
    eventually(lambda: len(of_tag(platform, tag)) == 1, "the line after the restart")
