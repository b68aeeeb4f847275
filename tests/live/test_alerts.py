"""Alerts with no code on real parts: a new file, a broken one, a changed one, and records that cannot be delivered."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer

from bifrost.alerts import read_problems
from services.alert_service.service import service_from
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

ALERT = """topic = "{topic}"
channel = "slack"
to = "till"
template = "{{TOTAL:,.2f}} from {{COUNTRY|somewhere}}"
"""


class Till:
    """A topic of payments for the test, and a folder with one alert for it that a separate service delivers."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.name = f"TILL_{uuid.uuid4().hex}".upper()
        self.platform = platform
        # The service keeps its problems below its home; that of the platform is the platform's.
        home = {"BIFROST_HOME": str(folder / "home")}
        ports = {f"BIFROST_PORT_{part.upper()}": str(port) for part, port in platform.settings.running_ports.items()}
        self.settings = replace(platform.settings, values={**platform.settings.values, **ports, **home}, project=folder)
        self.file = folder / "alerts" / f"{self.name}.toml"
        self.file.parent.mkdir()
        place = f"KAFKA_TOPIC='{self.name}', VALUE_FORMAT='JSON', PARTITIONS=1"
        self.execute(f"CREATE STREAM {self.name} (ID INT KEY, COUNTRY STRING, TOTAL DOUBLE) WITH ({place});")

    def execute(self, statement: str) -> None:
        url = f"{self.platform.endpoints['ksqldb']}/ksql"
        requests.post(url, json={"ksql": statement}, timeout=SOON_S).raise_for_status()

    def pay(self, total: float | None, country: str = "UK") -> None:
        amount = "NULL" if total is None else f"{total:.2f}"
        self.execute(f"INSERT INTO {self.name} (ID, COUNTRY, TOTAL) VALUES (1, '{country}', {amount});")

    def write(self, text: str) -> None:
        self.file.write_text(text.replace("{topic}", self.name).replace("{{", "{").replace("}}", "}"))

    def delivered(self) -> list[str]:
        answer = requests.get(f"{self.platform.endpoints['console']}/api/messages", timeout=10)
        return [message["text"] for message in answer.json() if message["channel"] == "till"]

    def problems(self) -> dict[str, str]:
        return read_problems(self.settings.alert_problems)


@pytest.fixture
def till(platform: Platform, tmp_path: Path) -> Iterator[Till]:
    found = Till(platform, tmp_path)
    stop = threading.Event()
    service = service_from(found.settings, from_beginning=True)
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    yield found
    stop.set()
    thread.join(SOON_S)
    assert not thread.is_alive()


def test_a_file_is_an_alert_and_a_broken_one_leaves_it_as_it_was(till: Till) -> None:
    till.pay(950)
    till.write(ALERT)
    eventually(lambda: "950.00 from UK" in till.delivered(), "the alert of the new file")

    till.write(ALERT.replace("{{TOTAL", "{{TOTEL"))
    eventually(lambda: "did you mean TOTAL?" in till.problems().get(till.name, ""), "the problem")
    till.pay(960)
    eventually(lambda: "960.00 from UK" in till.delivered(), "the alert as it was")

    till.write(ALERT.replace("from", "paid in"))
    eventually(lambda: till.problems() == {}, "the problem is gone")
    till.pay(970)
    eventually(lambda: "970.00 paid in UK" in till.delivered(), "the alert of the changed file")
    assert [text for text in till.delivered() if text.startswith("9")] == [
        "950.00 from UK",
        "960.00 from UK",
        "970.00 paid in UK",
    ]


def test_what_cannot_be_told_is_kept_with_its_reason(till: Till, platform: Platform) -> None:
    till.write(ALERT)
    till.pay(None, "FR")
    till.pay(12, "FR")
    eventually(lambda: "12.00 from FR" in till.delivered(), "the alert behind it")

    config = {"bootstrap.servers": platform.endpoints["kafka"], "group.id": till.name, "auto.offset.reset": "earliest"}
    with closing(Consumer(config)) as letters:
        letters.subscribe([f"{till.name}.dlq"])
        reasons: list[Any] = []
        end = time.monotonic() + SOON_S
        while not reasons and time.monotonic() < end:
            message = letters.poll(1)
            if message is None or message.error():
                continue
            reasons += [dict(message.headers() or ())["dlq.reason"]]
    assert reasons == [b"TOTAL is missing"]
