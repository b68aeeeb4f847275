"""The demo's lines look like those of sshd, cron, the kernel and access points, and they arrive."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from random import Random

import pytest

from bifrost.clients.syslog import SyslogSender
from bifrost.default_settings import LOOPBACK
from bifrost.errors import Unreachable
from bifrost.generators.program import Workload
from bifrost.generators.syslog import ACCESS_POINTS, COMPUTERS, STRANGERS, Line, lines, main, records
from bifrost.settings import Settings

NOW = datetime(2018, 3, 4, 13, 30, 59, 500_000, UTC)
OLD = re.compile(rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \w+(\[\d+\])?: .+")
NEW = re.compile(rb"<(\d+)>1 \S+T\S+ nas \w+ (\d+|-) - - .+")


def test_a_line_is_written_in_its_hosts_form():
    text = "Invalid user oracle from 185.55.218.153"

    assert (
        Line("rpi-03", 4, 6, "sshd", 30105, text).encode(NOW)
        == f"<38>Mar  4 13:30:59 rpi-03 sshd[30105]: {text}".encode()
    )
    assert Line("nas", 0, 6, "kernel", 0, "up").encode(NOW) == b"<6>1 2018-03-04T13:30:59.500+00:00 nas kernel - - - up"


def test_every_host_speaks_and_every_line_has_a_form():
    found = list(islice(lines(Random(1)), 5000))

    assert {line.host for line in found} == {*COMPUTERS, *ACCESS_POINTS}
    assert {line.program for line in found} == {"sshd", "CRON", "kernel", "hostapd"}
    assert all(OLD.fullmatch(line.encode(NOW)) or NEW.fullmatch(line.encode(NOW)) for line in found)


def test_strangers_come_in_bursts_and_people_get_in():
    found = list(islice(lines(Random(2)), 5000))

    tried = Counter(address for line in found for address in STRANGERS if f" from {address} " in line.text)
    assert set(tried) == set(STRANGERS) and min(tried.values()) >= 3
    assert sum(line.text.startswith("Accepted publickey for robin") for line in found) > 50


def test_the_same_seed_makes_the_same_lines():
    def some(seed: int) -> list[bytes]:
        return [record.payload for record in islice(records(Workload(1, seed=seed), NOW.timestamp), 50)]

    assert some(3) == some(3) != some(4)


def test_the_demo_sends_its_lines_over_tcp():
    with socket.create_server((LOOPBACK, 0)) as server:
        received = bytearray()

        def receive() -> None:
            connection, _ = server.accept()
            with connection:
                while chunk := connection.recv(65_536):
                    received.extend(chunk)

        receiver = threading.Thread(target=receive)
        receiver.start()
        port = str(server.getsockname()[1])
        settings = Settings({"BIFROST_HOME": "/nonexistent", "BIFROST_PORT_SYSLOG": port, "SYSLOG_HOST": "0.0.0.0"})
        assert main(["--rate", "1000", "--count", "200"], settings) == 0
        receiver.join(10)

    assert len(bytes(received).splitlines()) == 200


def test_an_unreachable_receiver_is_named_with_its_address():
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match=str(port)):
        SyslogSender(LOOPBACK, port)
