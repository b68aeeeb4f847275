"""Events for the patterns: they repeat with their seed, keep their rate, and make what the patterns find."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from random import Random

from bifrost.generators import patterns
from bifrost.generators.patterns import Event, events, past_orders, scene
from bifrost.settings import PROJECT

NOW_MS = 1_600_000_000_000


def some(seed: int, count: int) -> list[Event]:
    return list(islice(events(Random(seed), 1, lambda: NOW_MS / 1000), count))


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
            (event.topic, event.record().payload.split(b",")[0]) for event in burst
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
