"""What all generators share as programs: options, signals, log, exit codes, and waiting for what they write to."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bifrost import settings
from bifrost.clients import avro, kafka, schema_registry
from bifrost.clients.readiness import require_topics, wait_until_ready
from bifrost.errors import EX_CONFIG, BifrostError, NotReady, SettingError
from bifrost.generators.sending import DemoRecord, Sender
from bifrost.settings import Settings

Wait = Callable[[float], bool]
"""Waits for so many seconds; whether to stop."""

log = logging.getLogger("generator")


@dataclass(frozen=True, slots=True)
class Order:
    """What to generate: `rate` per second, `count` in all (0: without end), repeatable with a `seed`."""

    rate: float
    count: int = 0
    seed: int | None = None

    @property
    def first_id(self) -> int:
        """Where ids begin: at 1 with a seed, else where an earlier run cannot have been."""
        return int(time.time()) * 1000 if self.seed is None else 1


@dataclass(frozen=True, slots=True)
class Program:
    """A generator as a program: `what` it makes (a word for help and log), and at which rate unless told otherwise."""

    name: str
    what: str
    about: str
    rate: float


@dataclass(frozen=True, slots=True)
class Generator(Program):
    """A generator of records for Kafka.

    `records` gives what to send, without end. While something that it needs is not there it raises `NotReady` (at once,
    not when the first record is asked for), and is asked again.
    """

    records: Callable[[Order, Settings], Iterator[DemoRecord]]


def main(generator: Generator, arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate until done, SIGTERM or SIGINT; exit code 1 on failure, 78 when a setting is wrong.

    Args:
        values: settings to use in place of the environment's.
    """
    order = ordered(generator, arguments)
    return run(lambda values, wait: _send(generator, order, values, wait), values)


def run(work: Callable[[Settings, Wait], object], values: Settings | None = None) -> int:
    """Do the work of a program until it is done or told to stop; its exit code, as `main` has it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        work(values or settings.load(), stop.wait)
    except BifrostError as error:
        log.error("stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def ordered(generator: Program, arguments: Sequence[str] | None) -> Order:
    """The order that a command line gives; exits with code 2 on one that makes no sense."""
    parser = argparse.ArgumentParser(prog=f"python -m bifrost.generators.{generator.name}", description=generator.about)
    what = generator.what
    parser.add_argument("--rate", type=float, default=generator.rate, help=f"{what} per second (default %(default)g)")
    parser.add_argument("--count", type=int, default=0, help="how many in all (default: without end)")
    parser.add_argument("--seed", type=int, help=f"the same seed makes the same {what}, with ids from 1")
    given = parser.parse_args(arguments)
    if not 0 < given.rate < float("inf"):
        parser.error("--rate must be above 0")
    if given.count < 0:
        parser.error("--count must be 0 or above")
    return Order(given.rate, given.count, given.seed)


def declared_encoders(values: Settings, topics: Collection[str]) -> dict[str, Callable[[object], bytes]]:
    """For each topic what writes its values as Avro, by the schema that the registry has for it.

    Raises:
        NotReady: a topic or its schema is not there yet.
        RemoteError: broker or registry do not answer.
    """
    encoders: dict[str, Callable[[object], bytes]] = {}
    with schema_registry.from_settings(values) as registry:
        for topic in topics:
            subject = f"{topic}-value"
            found = registry.latest(subject)
            if found is None:
                raise NotReady("Schema Registry", subject, "the subject is not declared yet")
            encoders[topic] = partial(avro.encoded, found.id, avro.parsed(found.schema))
    require_topics(values, topics)
    return encoders


def _send(generator: Generator, order: Order, values: Settings, wait: Wait) -> None:
    records = wait_until_ready(lambda: generator.records(order, values), wait, log)
    if records is not None:
        producer = kafka.producer(values.kafka_client(), linger_ms=5, compression_type="lz4")
        Sender(records, producer, clock=time.monotonic, what=generator.what).run(order.rate, order.count, wait)
