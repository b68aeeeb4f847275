"""Measures the time from a frame to the request to Telegram for its alert, and from a change of the list to its effect.

    python -m benchmarks.wifi_alert_latency --rate 20 --seconds 20

Every frame is a probe of another device for one listed network, so each causes a message. The time of the request is
the inbox's `ts`; both clocks are this machine's. During a second stream of frames, the network is removed from the
list and added again. For each change, the program prints the time between the bot's answer and the sending of the last
frame with an alert, or of the first one with an alert again.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from confluent_kafka import Producer

from benchmarks.platform import Inbox, paced, percentile, status, wait_for


class Air:
    """Sends the records of probe requests, as the capture does."""

    def __init__(self, endpoints: dict[str, str], ssid: str) -> None:
        self._producer = Producer({"bootstrap.servers": endpoints["kafka"], "linger.ms": 0, "acks": "all"})
        self._ssid = ssid
        self.sent_s: dict[str, float] = {}

    def probe(self, index: int) -> None:
        """Send one probe request of a new device."""
        mac = f"02:{uuid.uuid4().hex[:2]}:" + ":".join(f"{byte:02x}" for byte in index.to_bytes(4, "big"))
        now = self.sent_s[mac] = time.time()
        frame = {
            "timestamp": str(int(now * 1000)),
            "wlan_fc_type_subtype": ["4"],
            "wlan_sa": [mac],
            "wlan_ssid": [self._ssid],
        }
        self._producer.produce("pcap", json.dumps(frame).encode())
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is written."""
        self._producer.flush(60)


class Person:
    """Writes to the bot in a separate chat."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        self._url = f"{endpoints['console']}/api/telegram/messages"
        self._chat = int(time.time())

    def write(self, text: str) -> float:
        """Write a message; return the time of the bot's answer."""
        body = {"chat_id": self._chat, "text": text}
        number = requests.post(self._url, json=body, timeout=30).json()["message_id"]
        wait_for(f"an answer to {text}", lambda: bool(self._answers(number)))
        return float(self._answers(number)[0]["at"])

    def _answers(self, since: int) -> list[dict[str, Any]]:
        lines = requests.get(self._url, params={"chat_id": self._chat, "since": since}, timeout=30).json()
        return [line for line in lines if line["from"] == "bot"]


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    endpoints = status()["endpoints"]
    inbox, person = Inbox(endpoints), Person(endpoints)
    ssid = f"bench-{uuid.uuid4().hex[:8]}"
    person.write(f"/watch {ssid} benchmark")
    latency(Air(endpoints, ssid), inbox, ssid, args.rate, int(args.rate * args.seconds))
    list_change(Air(endpoints, ssid), inbox, person, ssid, args.rate)


def latency(air: Air, inbox: Inbox, ssid: str, rate: float, count: int) -> None:
    """Print the latencies of `count` alerts at `rate` per second."""
    for index in paced(rate, count):
        air.probe(index)
    air.flush()
    wait_for("all alerts in the inbox", lambda: air.sent_s.keys() <= arrivals(inbox, ssid).keys())
    found = arrivals(inbox, ssid)
    values = [(found[mac] - sent_s) * 1000 for mac, sent_s in air.sent_s.items()]
    shares = ", ".join(f"p{int(share * 100)} {percentile(values, share):.0f} ms" for share in (0.5, 0.9, 0.99))
    print(f"{count} alerts at {rate:g}/s: {shares}, slowest {max(values):.0f} ms")


def list_change(air: Air, inbox: Inbox, person: Person, ssid: str, rate: float) -> None:
    """Print how fast the removal of the network from the list and its addition take effect while frames arrive."""
    change_at = {int(rate * 3): f"/unwatch {ssid}", int(rate * 8): f"/watch {ssid} again"}
    with ThreadPoolExecutor(1) as pool:
        answers = []
        for index in paced(rate, int(rate * 12)):
            air.probe(index)
            if index in change_at:
                answers.append(pool.submit(person.write, change_at[index]))
        air.flush()
        off, on = (answer.result() for answer in answers)
    last = max(air.sent_s, key=air.sent_s.__getitem__)
    wait_for("the last alert", lambda: last in arrivals(inbox, ssid))
    alerted = [air.sent_s[mac] for mac in arrivals(inbox, ssid) if mac in air.sent_s]
    late = max((sent for sent in alerted if sent < (off + on) / 2), default=off) - off
    back = min(sent for sent in air.sent_s.values() if sent in alerted and sent > (off + on) / 2) - on
    print(f"removed from the list: the last frame with an alert was sent {late * 1000:+.0f} ms from the answer")
    print(f"added again: the first frame with an alert was sent {back * 1000:+.0f} ms from the answer")


def arrivals(inbox: Inbox, ssid: str) -> dict[str, float]:
    """The time of each device's alert for a network."""
    pattern = re.compile(rf"MAC address (\S+) probed for SSID `{ssid}`")
    found = ((pattern.search(message["text"]), float(message["ts"])) for message in inbox.messages())
    return {match[1]: at_s for match, at_s in found if match}


if __name__ == "__main__":
    main()
