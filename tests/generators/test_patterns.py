"""Events for the patterns: they repeat with their seed, keep their rate, and make what the patterns find."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from random import Random

from bifrost.generators import patterns
from bifrost.generators.patterns import Event, events, past_orders, scene, send
from bifrost.settings import PROJECT
from tests.fakes.clock import FakeClock

NOW_MS = 1_600_000_000_000


class FakeProducer:
    """Takes `room` records between two polls."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.queued = 0
        self.records: list[tuple[str, bytes, bytes | None, int]] = []

    def produce(self, topic: str, value: bytes, key: bytes | None, *, timestamp: int) -> None:
        if self.queued >= self.room:
            raise BufferError("queue full")
        self.queued += 1
        self.records.append((topic, value, key, timestamp))

    def poll(self, timeout: float) -> int:
        if timeout:
            self.queued = 0
        return 0

    def flush(self, timeout: float) -> int:
        return 0


def some(seed: int, count: int) -> list[Event]:
    return list(islice(events(Random(seed), 1, lambda: NOW_MS / 1000), count))


def sent(count: int, rate: float, producer: FakeProducer, seconds: float = 1e9) -> tuple[int, FakeClock]:
    clock = FakeClock()

    def wait(delay: float) -> bool:
        clock.sleep(delay)
        return clock.now >= seconds

    found = events(Random(1), 1, clock.monotonic)
    return send(found, producer, rate=rate, count=count, clock=clock.monotonic, wait=wait), clock


def test_the_same_seed_makes_the_same_events():
    assert some(3, 500) == some(3, 500) != some(4, 500)


def test_events_go_to_declared_topics_and_to_all_of_them():
    declared = json.loads((PROJECT / "topics" / "patterns.json").read_text())

    assert {event.topic for event in some(1, 2_000)} == patterns.TOPICS
    assert declared.keys() - patterns.TOPICS == {"all_sales"}


def test_every_scene_is_big_enough_to_be_found():
    for seed in range(100):
        burst = list(scene(Random(seed), NOW_MS))
        ((topic, value), count), *others = Counter(
            (event.topic, event.payload.split(b",")[0]) for event in burst
        ).items()
        assert not others, value
        assert count > (2 if topic == "vehicle_monitoring" else 3)


def test_orders_of_the_last_hours_come_in_the_order_of_time_and_some_are_late():
    found = list(past_orders(Random(1), NOW_MS, 1))
    times = [event.at_ms for event in found]
    orders = {event.key for event in found if event.topic == "p_orders"}
    shipped = {event.key for event in found if event.topic == "p_shipments"}

    assert times == sorted(times)
    assert NOW_MS - 3 * 3_600_000 == times[0]
    assert shipped < orders


def test_the_rate_is_kept_and_the_count_is_exact():
    producer = FakeProducer()
    count, clock = sent(200, 50.0, producer)

    assert count == len(producer.records) == 200
    assert 3.9 <= clock.now <= 4.1


def test_a_full_queue_loses_nothing_and_doubles_nothing():
    slow, quick = FakeProducer(room=7), FakeProducer()
    sent(300, 1000.0, slow)
    sent(300, 1000.0, quick)

    assert [record[:3] for record in slow.records[:100]] == [record[:3] for record in quick.records[:100]]
    assert len(slow.records) == 300


def test_it_stops_when_told():
    count, clock = sent(0, 10.0, FakeProducer(), seconds=2.0)

    assert 19 <= count <= 22
    assert clock.now >= 2.0
