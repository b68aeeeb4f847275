"""Events for the query patterns: `python -m bifrost.generators.patterns --rate 20`.

Chance alone would hardly ever make a fraud or a failure, so now and then a scene is played: a burst of one kind.
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
from bifrost.generators.program import Generator, Order
from bifrost.generators.sending import DemoRecord
from bifrost.settings import Settings

CLIENTS = 20
"""Clients, and users, have the ids 1 to this; one more appears in events and is not known."""
CITIES = ("Leeds", "London", "Palo Alto", "Salem")
COUNTRIES = ("DE", "FR", "UK", "US")
LEVELS = ("Silver", "Gold", "Platinum")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "curl/8.5.0")
PAGES = ("/", "/basket", "/contact", "/offers")
SCENE_EVERY = 25
"""One in so many events begins a scene."""

BACKLOG_HOURS = 3
"""Orders of so many hours before the start come first: what is late already shows at once."""
BACKLOG_ORDERS = 36
SHIPPED_WITHIN_MS = 20 * 60_000


@dataclass(frozen=True, slots=True)
class Event:
    """One record: its key as ksqlDB's KAFKA format has it, its value, and when it happened (ms since 1970)."""

    topic: str
    value: Mapping[str, Any]
    at_ms: int
    key: bytes | None = None

    def record(self) -> DemoRecord:
        """It as it is sent: the value as JSON."""
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
"""Where events go; the declarations make these topics."""


def int_key(number: int) -> bytes:
    """An INT as ksqlDB's KAFKA format writes it."""
    return number.to_bytes(4, "big", signed=True)


def bigint_key(number: int) -> bytes:
    """A BIGINT as ksqlDB's KAFKA format writes it."""
    return number.to_bytes(8, "big", signed=True)


def reference_data(random: Random, now_ms: int) -> Iterator[Event]:
    """Clients and users, which the events are joined to."""
    for number in range(1, CLIENTS + 1):
        key = int_key(number)
        client = {"TYPE": random.choice(("Residential", "Commercial")), "CREDIT_SCORE": random.randrange(600, 851)}
        yield Event("clients", client, now_ms, key)
        yield Event("users_table", {"COUNTRY": random.choice(COUNTRIES)}, now_ms, key)
        yield Event("users", {"COUNTRY": random.choice(COUNTRIES), "LEVEL": random.choice(LEVELS)}, now_ms, key)


def past_orders(random: Random, now_ms: int, first_id: int) -> Iterator[Event]:
    """The orders of the last hours in the order of time, most of them shipped, some of them not."""
    step = BACKLOG_HOURS * 3_600_000 // BACKLOG_ORDERS
    found: list[Event] = []
    for place in range(BACKLOG_ORDERS):
        at_ms = now_ms - (BACKLOG_ORDERS - place) * step
        found += order(random, at_ms, first_id + place, shipped_within_ms=SHIPPED_WITHIN_MS)
    yield from sorted((event for event in found if event.at_ms <= now_ms), key=lambda event: event.at_ms)


def order(random: Random, now_ms: int, number: int, *, shipped_within_ms: int) -> Iterator[Event]:
    """An order, and with a chance of four in five its shipment."""
    yield Event("p_orders", {"ITEMID": random.randrange(1, 50)}, now_ms, bigint_key(number))
    if random.random() < 0.8:
        shipment = {"SHIPMENTID": 90_000 + number}
        yield Event("p_shipments", shipment, now_ms + random.randrange(shipped_within_ms), bigint_key(number))


def scene(random: Random, now_ms: int) -> Iterator[Event]:
    """A burst that a pattern is made to find."""
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


def everyday(random: Random, now_ms: int, number: int) -> Iterator[Event]:
    """The nth thing that happens: any kind."""
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
    """All events without end: reference data, the orders of the last hours, then whatever happens."""
    start_ms = int(clock() * 1000)
    yield from reference_data(random, start_ms)
    yield from past_orders(random, start_ms, first_id)
    number = first_id + BACKLOG_ORDERS
    while True:
        now_ms = int(clock() * 1000)
        if random.randrange(SCENE_EVERY) == 0:
            yield from scene(random, now_ms)
        else:
            yield from everyday(random, now_ms, number)
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


def _declared(order: Order, values: Settings) -> Iterator[DemoRecord]:
    require_topics(values, TOPICS)
    found = events(Random(order.seed), order.first_id, time.time)
    return (event.record() for event in found)


GENERATOR = Generator("patterns", "events", __doc__, rate=20.0, records=_declared)


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate, as `program.main` does."""
    return program.main(GENERATOR, arguments, values)


if __name__ == "__main__":
    sys.exit(main())
