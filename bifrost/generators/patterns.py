"""Generates events for the query patterns: `python -m bifrost.generators.patterns --rate 20`.

Random events alone would hardly ever match a pattern, so now and then a scene generates a burst of one kind.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bifrost.clients.readiness import require_topics
from bifrost.generators import program
from bifrost.generators.program import Generator, Workload
from bifrost.generators.sending import DemoRecord
from bifrost.settings import Settings

CLIENTS = 20
"""Clients and users have the ids 1 to this; events also use one unknown id."""
CITIES = ("Leeds", "London", "Palo Alto", "Salem")
COUNTRIES = ("DE", "FR", "UK", "US")
LEVELS = ("Silver", "Gold", "Platinum")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "curl/8.5.0")
PAGES = ("/", "/basket", "/contact", "/offers")
EVENTS_PER_SCENE = 25
"""On average, one of this many events begins a scene."""

BACKLOG_HOURS = 3
"""The generator begins with orders of this many past hours, so that late orders appear immediately."""
BACKLOG_ORDERS = 36
SHIPPED_WITHIN_MS = 20 * 60_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its key in ksqlDB's KAFKA format, its value, and its time (ms since the epoch)."""

    topic: str
    value: Mapping[str, Any]
    at_ms: int
    key: bytes | None = None

    def record(self) -> DemoRecord:
        """Return the record to send: the value as JSON."""
        return DemoRecord(self.topic, json.dumps(self.value, separators=(",", ":")).encode(), self.at_ms, self.key)


TOPICS = frozenset(
    {
        "authorization_attempts",
        "vehicle_monitoring",
        "saturation_events",
        "mortgages",
        "clients",
        "payments",
        "users_table",
        "clickstream",
        "users",
        "p_orders",
        "p_shipments",
        "sales_online",
        "sales_offline",
    }
)
"""The topics of the events; the deployer creates them."""


def int_key(number: int) -> bytes:
    """Encode an INT in ksqlDB's KAFKA format."""
    return number.to_bytes(4, "big", signed=True)


def bigint_key(number: int) -> bytes:
    """Encode a BIGINT in ksqlDB's KAFKA format."""
    return number.to_bytes(8, "big", signed=True)


def reference_data(random: Random, now_ms: int) -> Iterator[Event]:
    """Yield the clients and users that events are joined to."""
    for number in range(1, CLIENTS + 1):
        key = int_key(number)
        client = {"TYPE": random.choice(("Residential", "Commercial")), "CREDIT_SCORE": random.randrange(600, 851)}
        yield Event("clients", client, now_ms, key)
        yield Event("users_table", {"COUNTRY": random.choice(COUNTRIES)}, now_ms, key)
        yield Event("users", {"COUNTRY": random.choice(COUNTRIES), "LEVEL": random.choice(LEVELS)}, now_ms, key)


def past_orders(random: Random, now_ms: int, first_id: int) -> Iterator[Event]:
    """Yield the orders of the past hours by time, most of them shipped."""
    step = BACKLOG_HOURS * 3_600_000 // BACKLOG_ORDERS
    found: list[Event] = []
    for place in range(BACKLOG_ORDERS):
        at_ms = now_ms - (BACKLOG_ORDERS - place) * step
        found += order(random, at_ms, first_id + place, shipped_within_ms=SHIPPED_WITHIN_MS)
    yield from sorted((event for event in found if event.at_ms <= now_ms), key=lambda event: event.at_ms)


def order(random: Random, now_ms: int, number: int, *, shipped_within_ms: int) -> Iterator[Event]:
    """Yield an order, and with a probability of 0.8 its shipment."""
    yield Event("p_orders", {"ITEMID": random.randrange(1, 50)}, now_ms, bigint_key(number))
    if random.random() < 0.8:
        shipment = {"SHIPMENTID": 90_000 + number}
        yield Event("p_shipments", shipment, now_ms + random.randrange(shipped_within_ms), bigint_key(number))


def scene(random: Random, now_ms: int) -> Iterator[Event]:
    """Yield a burst that one of the patterns matches."""
    match random.randrange(3):
        case 0:
            card = _card(random)
            for _ in range(random.randrange(4, 7)):
                yield _attempt(random, now_ms, card)
        case 1:
            vehicle = _vehicle(random)
            for _ in range(random.randrange(3, 6)):
                yield Event("vehicle_monitoring", {"vehicle": vehicle, "event_type": "ERROR"}, now_ms)
        case _:
            device = _device(random)
            for _ in range(random.randrange(4, 9)):
                yield Event("saturation_events", {"device_id": device}, now_ms)


def ordinary_event(random: Random, now_ms: int, number: int) -> Iterator[Event]:
    """Yield the nth ordinary event, of any kind."""
    # One more than there are clients: outer joins need an id without a match.
    someone = random.randrange(1, CLIENTS + 2)
    match random.randrange(8):
        case 0:
            yield _attempt(random, now_ms, _card(random))
        case 1:
            kind = "ERROR" if random.random() < 0.1 else "OK"
            yield Event("vehicle_monitoring", {"vehicle": _vehicle(random), "event_type": kind}, now_ms)
        case 2:
            yield Event("saturation_events", {"device_id": _device(random)}, now_ms)
        case 3:
            action = random.choice(("apply", "renew"))
            mortgage = {"client_id": someone, "city": random.choice(CITIES), "action": action}
            yield Event("mortgages", mortgage, now_ms)
        case 4:
            payment = {"payment_id": number, "user_id": someone, "total": random.randrange(100, 100_000) / 100}
            yield Event("payments", payment, now_ms)
        case 5:
            yield Event("clickstream", _click(random, someone, now_ms), now_ms)
        case 6:
            yield from _sale(random, number, now_ms)
        case _:
            yield from order(random, now_ms, number, shipped_within_ms=1)


def events(random: Random, first_id: int, clock: Callable[[], float]) -> Iterator[Event]:
    """Yield events without end: reference data, the orders of the past hours, then ordinary events and scenes."""
    start_ms = int(clock() * 1000)
    yield from reference_data(random, start_ms)
    yield from past_orders(random, start_ms, first_id)
    number = first_id + BACKLOG_ORDERS
    while True:
        now_ms = int(clock() * 1000)
        if random.randrange(EVENTS_PER_SCENE) == 0:
            yield from scene(random, now_ms)
        else:
            yield from ordinary_event(random, now_ms, number)
            number += 1


def _card(random: Random) -> str:
    return f"{random.randrange(4000, 5000)}-{random.randrange(10_000):04}"


def _vehicle(random: Random) -> str:
    return f"V{random.randrange(1, 200)}"


def _device(random: Random) -> str:
    return f"device-{random.randrange(1, 500)}"


def _attempt(random: Random, now_ms: int, card: str) -> Event:
    amount = random.randrange(100, 50_000) / 100
    return Event("authorization_attempts", {"card_number": card, "amount": amount}, now_ms)


def _click(random: Random, user: int, now_ms: int) -> dict[str, Any]:
    return {
        "user_id": user,
        "page": random.choice(PAGES),
        "action": random.choice(("view", "buy")),
        "status": random.choice((200, 200, 200, 404)),
        "bytes": random.randrange(200, 20_000),
        "user_agent": random.choice(AGENTS),
        "view_time": now_ms,
    }


def _sale(random: Random, number: int, now_ms: int) -> Iterator[Event]:
    sale = {"itemId": random.randrange(1, 20), "price": random.randrange(1, 100)}
    if random.random() < 0.5:
        yield Event("sales_online", {**sale, "shipmentId": number}, now_ms)
    else:
        yield Event("sales_offline", {**sale, "storeId": random.randrange(1, 9)}, now_ms)


def _declared(workload: Workload, values: Settings) -> Iterator[DemoRecord]:
    require_topics(values, TOPICS)
    found = events(Random(workload.seed), workload.first_id, time.time)
    return (event.record() for event in found)


GENERATOR = Generator("patterns", "events", __doc__, rate=20.0, records=_declared)


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate; returns the exit codes of `program.main`."""
    return program.main(GENERATOR, arguments, values)


if __name__ == "__main__":
    sys.exit(main())
