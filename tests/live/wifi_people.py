"""Who is about in the Wi-Fi tests: a person who writes to the bot, and devices that look for networks."""

from __future__ import annotations

import json
import time
import uuid

import requests
from confluent_kafka import Producer

from tests.live.conftest import Platform
from tests.live.waiting import wait_for


class Person:
    """Writes to the bot in a chat of their own."""

    def __init__(self, platform: Platform) -> None:
        self.console = platform.endpoints["console"]
        self.chat = time.monotonic_ns() % 10**9 + 1

    def write(self, text: str) -> str:
        """The bot's answer."""
        url = f"{self.console}/api/telegram/messages"
        line = requests.post(url, json={"chat_id": self.chat, "text": text}, timeout=10).json()
        query = {"chat_id": self.chat, "since": line["message_id"]}

        def answers() -> list[str]:
            found = requests.get(url, params=query, timeout=10).json()
            return [entry["text"] for entry in found if entry["from"] == "bot"]

        return str(wait_for(answers)[0])

    def alerts(self, ssid: str) -> list[str]:
        """All messages about a network."""
        found = requests.get(f"{self.console}/api/messages", timeout=30).json()
        return [message["text"] for message in found if f"probed for SSID `{ssid}`" in message["text"]]


class Air:
    """Sends probe requests as the capture writes them."""

    def __init__(self, platform: Platform) -> None:
        self._producer = Producer({"bootstrap.servers": platform.endpoints["kafka"]})

    def probe(self, mac: str, ssid: str, at_ms: int | None = None) -> None:
        """A device looks for a network."""
        frame = {
            "timestamp": str(at_ms or int(time.time() * 1000)),
            "wlan_fc_type_subtype": ["4"],
            "wlan_sa": [mac],
            "wlan_ssid": [ssid],
        }
        self._producer.produce("pcap", json.dumps(frame).encode())
        assert self._producer.flush(10) == 0


def a_mac() -> str:
    """An address that no other device has."""
    digits = uuid.uuid4().hex
    return "02:" + ":".join(digits[place : place + 2] for place in range(0, 10, 2))
