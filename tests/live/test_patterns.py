"""The pattern pipeline live: what the far ends hold, against counts made of the input topics by other means."""

from __future__ import annotations

import json
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition

from tests.live.conftest import Platform

SOON_S = 60.0
COUNT = 600


class Topics:
    """Reads whole topics, as any client would."""

    def __init__(self, platform: Platform) -> None:
        self._options = {
            "bootstrap.servers": platform.endpoints["kafka"],
            "group.id": f"live-{time.monotonic_ns()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }

    def all_of(self, name: str) -> list[tuple[int, bytes | None, Any]]:
        """(timestamp, key, value from JSON) of all records of a topic, by partition and offset."""
        consumer = Consumer(self._options)
        try:
            partitions = consumer.list_topics(name, timeout=10).topics[name].partitions
            places = [TopicPartition(name, number, 0) for number in partitions]
            ends = {place.partition: consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}
            consumer.assign(places)
            found = []
            while any(position.offset < ends[position.partition] for position in self._positions(consumer, places)):
                message = consumer.poll(1)
                if message is not None and not message.error():
                    value = json.loads(message.value()) if message.value() is not None else None
                    found.append((message.timestamp()[1], message.key(), value))
            return found
        finally:
            consumer.close()

    @staticmethod
    def _positions(consumer: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
        return [
            place if place.offset >= 0 else TopicPartition(place.topic, place.partition, 0)
            for place in consumer.position(places)
        ]

    def windows(self, name: str, column: str) -> dict[tuple[str, int], int]:
        """What a windowed table holds in a column, by key and window start."""
        rows: dict[tuple[str, int], int] = {}
        for _, key, value in self.all_of(name):
            assert key is not None
            place = key[:-8].decode(), struct.unpack(">q", key[-8:])[0]
            if value is None:
                rows.pop(place, None)
            else:
                rows[place] = value[column]
        return rows

    def counted(self, name: str, column: str, size_ms: int, least: int, **wanted: str) -> dict[tuple[str, int], int]:
        """Records of a topic by a column and time, counted here: those of at least `least`."""
        counts = Counter(
            (value[column], at - at % size_ms)
            for at, _, value in self.all_of(name)
            if all(value[other] == text for other, text in wanted.items())
        )
        return {place: count for place, count in counts.items() if count >= least}


@pytest.fixture(scope="module")
def topics(platform: Platform) -> Topics:
    platform.run("demo", "patterns", "--rate", "300", "--count", str(COUNT))
    return Topics(platform)


def eventually_same(found: Callable[[], Any], wanted: Callable[[], Any]) -> Any:
    """Both, once they agree; the test fails with their difference when they do not soon."""
    end = time.monotonic() + SOON_S
    while (left := found()) != (right := wanted()) and time.monotonic() < end:
        time.sleep(0.5)
    assert left == right
    return right


@pytest.mark.parametrize(
    ("table", "counter", "topic", "column", "size_ms", "least", "wanted"),
    [
        ("POSSIBLE_FRAUD", "ATTEMPTS", "authorization_attempts", "card_number", 300_000, 4, {}),
        ("FAILING_VEHICLES", "ERRORS", "vehicle_monitoring", "vehicle", 60_000, 3, {"event_type": "ERROR"}),
        ("POSSIBLE_MALFUNCTION", "EVENTS", "saturation_events", "device_id", 5_000, 4, {}),
    ],
)
def test_every_window_over_its_limit_is_found_and_no_other(
    topics: Topics, table: str, counter: str, topic: str, column: str, size_ms: int, least: int, wanted: dict[str, str]
) -> None:
    assert eventually_same(
        lambda: topics.windows(table, counter),
        lambda: topics.counted(topic, column, size_ms, least, **wanted),
    )


def test_orders_of_the_last_hours_without_a_shipment_are_late(topics: Topics) -> None:
    orders = topics.all_of("p_orders")
    newest = max(at for at, _, _ in orders)
    shipped = {key for _, key, _ in topics.all_of("p_shipments")}
    # The window and its grace period are over.
    late = {key for at, key, _ in orders if key not in shipped and at < newest - 7_260_000}

    assert eventually_same(lambda: {key for _, key, _ in topics.all_of("LATE_ORDERS")}, lambda: late)


def test_the_sales_of_both_channels_add_up(topics: Topics) -> None:
    day_ms = 86_400_000
    sums: Counter[tuple[int, int]] = Counter()
    for channel in ("sales_online", "sales_offline"):
        for at, _, value in topics.all_of(channel):
            sums[value["itemId"], at - at % day_ms] += value["price"]

    def totals() -> dict[tuple[int, int], int]:
        rows = {}
        for _, key, value in topics.all_of("DAILY_SALES_PER_ITEM"):
            item, start = struct.unpack(">qq", key or b"")
            rows[item, start] = value["TOTAL"]
        return rows

    assert eventually_same(totals, lambda: dict(sums))


def test_clicks_of_the_best_customers_are_told(topics: Topics) -> None:
    levels = {key: value["LEVEL"] for _, key, value in topics.all_of("users")}
    vip = [key for key, level in levels.items() if level == "Platinum"]
    clicks = Counter(value["user_id"] for _, _, value in topics.all_of("clickstream"))
    wanted = {int.from_bytes(key or b"", "big"): clicks[int.from_bytes(key or b"", "big")] for key in vip}

    assert eventually_same(
        lambda: Counter(int.from_bytes(key or b"", "big") for _, key, _ in topics.all_of("CLICKS_FROM_VIP_USERS")),
        lambda: Counter({user: count for user, count in wanted.items() if count}),
    )


def test_every_card_and_vehicle_is_told_once(platform: Platform, topics: Topics) -> None:
    frauds = {card for card, _ in topics.counted("authorization_attempts", "card_number", 300_000, 4)}
    failures = topics.counted("vehicle_monitoring", "vehicle", 60_000, 3, event_type="ERROR")

    def told(channel: str) -> list[str]:
        answer = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=10)
        return [message["text"] for message in answer.json() if message["channel"] == channel]

    cards = eventually_same(lambda: sorted(text.split("`")[1] for text in told("fraud")), lambda: sorted(frauds))
    assert cards
    eventually_same(lambda: len(told("workshop")), lambda: len(failures))
