"""Ratings as the web application of the documents sends them: `python -m bifrost.generators.ratings --rate 2`."""

from __future__ import annotations

import argparse
import io
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import fastavro

from bifrost import settings
from bifrost.clients import kafka, schema_registry
from bifrost.errors import EX_CONFIG, BifrostError, NotReady, Refused, SettingError, Unreachable
from bifrost.generators.pace import Pace
from bifrost.settings import Settings

TOPIC = "ratings"
SUBJECT = f"{TOPIC}-value"
USERS = 20
ROUTES = 10_000
DEFAULT_RATE = 2.0

CHANNELS = ("android", "web", "iOS", "ios", "iOS-test")
MESSAGES = (
    "(expletive deleted)",
    "Surprisingly good, maybe you are getting your mojo back at long last!",
    "airport refurb looks great, will fly outta here more!",
    "meh",
    "more peanuts please",
    "thank you for the most friendly, helpful experience today at your new lounge",
    "worst. flight. ever. #neveragain",
    "your team here rocks!",
)

REPORT_EVERY_S = 10.0
RETRY_EVERY_S = 2.0
LONGEST_WAIT_S = 0.1
SHORTEST_WAIT_S = 0.002
"""At a high rate a few ratings are sent at once: waking up for each of them would cost more than the work."""

Rating = dict[str, int | str]
_log = logging.getLogger("ratings")


class Producer(Protocol):
    """What is needed of a Kafka producer."""

    def produce(self, topic: str, value: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None:
        """Queue a record; `BufferError` when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait until the queue is empty; what is left of it."""
        ...


def rating(n: int, random: Random, now_ms: int) -> Rating:
    """The nth rating, made at `now_ms`: user 0 to 19 (0 is no customer), 1 to 5 stars, any text with any stars."""
    return {
        "rating_id": n,
        "user_id": random.randrange(USERS),
        "stars": random.randrange(1, 6),
        "route_id": random.randrange(ROUTES),
        "rating_time": now_ms,
        "channel": random.choice(CHANNELS),
        "message": random.choice(MESSAGES),
    }


class RatingEncoder:
    """Writes ratings as Avro in the registry's wire format: a zero byte, the schema's id, the record."""

    def __init__(self, schema_id: int, schema: dict[str, Any]) -> None:
        self._head = b"\0" + schema_id.to_bytes(4, "big")
        self._schema = fastavro.parse_schema(schema)

    def encode(self, record: Rating) -> bytes:
        """The bytes of one rating."""
        buffer = io.BytesIO()
        buffer.write(self._head)
        fastavro.schemaless_writer(buffer, self._schema, record)
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Order:
    """What to generate: `rate` per second, `count` in all (0: without end), the first with id `first_id`."""

    rate: float = DEFAULT_RATE
    count: int = 0
    seed: int | None = None
    first_id: int = 1


class Generator:
    """Sends ratings at a steady rate."""

    def __init__(self, order: Order, encoder: RatingEncoder, producer: Producer, *, clock: Callable[[], float]) -> None:
        """Wire the parts; `clock` gives seconds since 1970."""
        self._order = order
        self._encoder = encoder
        self._producer = producer
        self._clock = clock
        self._random = Random(order.seed)
        self._next: bytes | None = None
        self._failed = 0
        self.sent = 0

    def run(self, wait: Callable[[float], bool]) -> None:
        """Send until the order is done or `wait` (seconds to wait; whether to stop) says so."""
        started = self._clock()
        pace = Pace(self._order.rate, started)
        reported_at, reported = started, 0
        while not self._is_done():
            pace.did(self._send(self._limited(pace.due(self._clock()))))
            now = self._clock()
            if now - reported_at >= REPORT_EVERY_S:
                self._report(self.sent - reported, now - reported_at)
                reported_at, reported = now, self.sent
            if self._is_done() or wait(min(max(pace.wait_s(now), SHORTEST_WAIT_S), LONGEST_WAIT_S)):
                break
        self._finish(self._clock() - started)

    def _is_done(self) -> bool:
        return bool(self._order.count) and self.sent >= self._order.count

    def _limited(self, due: int) -> int:
        return min(due, self._order.count - self.sent) if self._order.count else due

    def _send(self, count: int) -> int:
        """Send so many, or fewer when the broker is slower than the order; how many it were."""
        for done in range(count):
            self._next = self._next or self._encoded()
            try:
                self._producer.produce(TOPIC, self._next, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(LONGEST_WAIT_S)
                return done
            self._next = None
            self.sent += 1
        self._producer.poll(0)
        return count

    def _encoded(self) -> bytes:
        number = self._order.first_id + self.sent
        return self._encoder.encode(rating(number, self._random, int(self._clock() * 1000)))

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            if not self._failed:
                _log.warning("not delivered to %s: %s", TOPIC, error)
            self._failed += 1

    def _finish(self, seconds: float) -> None:
        self._failed += self._producer.flush(LONGEST_WAIT_S * 100)
        self._report(self.sent, seconds)

    def _report(self, count: int, seconds: float) -> None:
        lost = f", {self._failed} not delivered" if self._failed else ""
        rate = count / seconds if seconds > 0 else 0.0
        _log.info("%d ratings in %.1f s (%.1f/s), %d in all%s", count, seconds, rate, self.sent, lost)


def declared_encoder(values: Settings) -> RatingEncoder:
    """The encoder for the schema that the registry has for the topic.

    Raises:
        NotReady: the topic or its schema is not there yet.
        Unreachable: broker or registry do not answer.
    """
    with schema_registry.from_settings(values) as registry:
        if SUBJECT not in registry.subjects(patience_s=1):
            raise NotReady("Schema Registry", SUBJECT, "the subject is not declared yet")
        found = registry.latest(SUBJECT)
    if found is None or TOPIC not in kafka.admin(values, timeout_s=5).topics():
        raise NotReady("Kafka", TOPIC, "the topic is not there yet")
    return RatingEncoder(found.id, json.loads(found.schema))


def awaited_encoder(values: Settings, wait: Callable[[float], bool]) -> RatingEncoder | None:
    """The encoder, as soon as everything is there; `None` when told to stop before."""
    said = ""
    while True:
        try:
            return declared_encoder(values)
        except (NotReady, Unreachable, Refused) as error:
            if str(error) != said:
                said = str(error)
                _log.info("waiting: %s", said)
        if wait(RETRY_EVERY_S):
            return None


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate until done, SIGTERM or SIGINT; exit code 1 on failure, 78 when a setting is wrong.

    Args:
        values: settings to use in place of the environment's.
    """
    order = _order(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = values or settings.load()
        encoder = awaited_encoder(values, stop.wait)
        if encoder is not None:
            producer = kafka.producer(values.kafka_client(), linger_ms=5, compression_type="lz4")
            Generator(order, encoder, producer, clock=time.time).run(stop.wait)
    except BifrostError as error:
        _log.error("stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def _order(arguments: Sequence[str] | None) -> Order:
    parser = argparse.ArgumentParser(prog="python -m bifrost.generators.ratings", description=__doc__)
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="ratings per second (default %(default)g)")
    parser.add_argument("--count", type=int, default=0, help="how many in all (default: without end)")
    parser.add_argument("--seed", type=int, help="the same seed makes the same ratings, with ids from 1")
    given = parser.parse_args(arguments)
    if not 0 < given.rate < float("inf"):
        parser.error("--rate must be above 0")
    if given.count < 0:
        parser.error("--count must be 0 or above")
    # Without a seed the ids go on where an earlier run cannot have been.
    first_id = int(time.time()) * 1000 if given.seed is None else 1
    return Order(given.rate, given.count, given.seed, first_id)


if __name__ == "__main__":
    sys.exit(main())
