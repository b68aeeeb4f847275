"""Order entry as change data capture of its database writes it: `python -m bifrost.generators.logons --rate 5`.

Dates are random and in no order: logons of 2000, orders of 2007 to 2011, customers of any class and age.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bifrost import settings
from bifrost.clients import avro, kafka, schema_registry
from bifrost.errors import EX_CONFIG, BifrostError, NotReady, Refused, SettingError, Unreachable
from bifrost.generators.patterns import RETRY_EVERY_S, send
from bifrost.settings import Settings

CUSTOMERS = "ora-ogg-SOE-CUSTOMERS-avro"
LOGONS = "ora-ogg-SOE-LOGON-avro"
ORDERS = "ora-ogg-SOE-ORDERS-avro"
TOPICS = (CUSTOMERS, LOGONS, ORDERS)
DEFAULT_RATE = 5.0
KNOWN = 100
"""Customers have the ids 1 to this; one more logs on and is not known."""
CLASSES = ("Business", "Occasional", "Prime", "Regular")
FIRST_NAMES = ("carlos", "cesar", "donald", "earl", "jack", "lloyd", "rick", "thomas")
LAST_NAMES = ("black", "butler", "hansen", "hernandez", "mckinney", "perez", "thomas")
_log = logging.getLogger("logons")

Encode = Callable[[str, Mapping[str, Any]], bytes]
"""Makes the bytes of a record of a topic."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the database, ready to be sent."""

    topic: str
    payload: bytes
    at_ms: int
    key: bytes | None


def changes(random: Random, encode: Encode, first_id: int, clock: Callable[[], float]) -> Iterator[Change]:
    """All changes without end: the customers, then logons and orders."""
    for number in range(1, KNOWN + 1):
        yield _change(CUSTOMERS, customer(random, number), encode, clock)
    number = first_id
    while True:
        topic, row = (LOGONS, logon(random, number)) if random.random() < 0.5 else (ORDERS, order(random, number))
        yield _change(topic, row, encode, clock)
        number += 1


def customer(random: Random, number: int) -> dict[str, Any]:
    """A row of CUSTOMERS."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "CUSTOMER_ID": number,
        "CUST_FIRST_NAME": first,
        "CUST_LAST_NAME": last,
        "CUST_EMAIL": f"{first}.{last}@example.com",
        "CREDIT_LIMIT": float(random.randrange(1_000, 10_000)),
        "CUSTOMER_SINCE": f"{_moment(random, 2000, 24):%Y-%m-%d} 00:00:00",
        "CUSTOMER_CLASS": random.choice(CLASSES),
    }


def logon(random: Random, number: int) -> dict[str, Any]:
    """A row of LOGON."""
    moment = _moment(random, 2000, 1)
    return {
        "LOGON_ID": number,
        "CUSTOMER_ID": random.randrange(1, KNOWN + 2),
        "LOGON_DATE": f"{moment:%Y-%m-%d %H:%M:%S}",
    }


def order(random: Random, number: int) -> dict[str, Any]:
    """A row of ORDERS."""
    moment = _moment(random, 2007, 5)
    return {
        "ORDER_ID": number,
        "ORDER_DATE": f"{moment:%Y-%m-%d %H}:00:00.000000000",
        "ORDER_STATUS": random.randrange(10),
        "ORDER_TOTAL": float(random.randrange(10, 8_000)),
    }


def _moment(random: Random, year: int, years: int) -> datetime:
    # Dates of the database have no zone; the statements say which it is.
    return datetime(year, 1, 1) + timedelta(seconds=random.randrange(years * 365 * 86_400))


def _change(topic: str, row: dict[str, Any], encode: Encode, clock: Callable[[], float]) -> Change:
    now = clock()
    stamp = f"{datetime.fromtimestamp(now):%Y-%m-%d %H:%M:%S}.000000"
    full = {"OP_TYPE": "I", "OP_TS": stamp, "CURRENT_TS": stamp, "POS": str(row[next(iter(row))]), **row}
    key = "_".join(str(value) for value in row.values()).encode()
    return Change(topic, encode(topic, full), int(now * 1000), key)


def declared_encoder(values: Settings) -> Encode:
    """The encoder for the schemas that the registry has.

    Raises:
        NotReady: a topic or its schema is not there yet.
        RemoteError: broker or registry do not answer.
    """
    schemas: dict[str, tuple[int, Any]] = {}
    with schema_registry.from_settings(values) as registry:
        for topic in TOPICS:
            found = registry.latest(f"{topic}-value")
            if found is None:
                raise NotReady("Schema Registry", f"{topic}-value", "the subject is not declared yet")
            schemas[topic] = (found.id, avro.parsed(found.schema))
    missing = set(TOPICS) - kafka.admin(values, timeout_s=5).topics().keys()
    if missing:
        raise NotReady("Kafka", ", ".join(sorted(missing)), "the topics are not there yet")
    return lambda topic, row: avro.encoded(*schemas[topic], row)


def _awaited_encoder(values: Settings, wait: Callable[[float], bool]) -> Encode | None:
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
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = values or settings.load()
        encode = _awaited_encoder(values, stop.wait)
        if encode is not None:
            producer = kafka.producer(values.kafka_client(), linger_ms=5, compression_type="lz4")
            found = changes(Random(options.seed), encode, int(time.time()) * 1000, time.time)
            pace = {"rate": options.rate, "count": options.count}
            sent = send(found, producer, **pace, clock=time.monotonic, wait=stop.wait)
            _log.info("%d changes", sent)
    except BifrostError as error:
        _log.error("stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bifrost.generators.logons", description=__doc__)
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="changes per second (default %(default)g)")
    parser.add_argument("--count", type=int, default=0, help="how many in all (default: without end)")
    parser.add_argument("--seed", type=int, help="the same seed makes the same changes")
    given = parser.parse_args(arguments)
    if not 0 < given.rate < float("inf"):
        parser.error("--rate must be above 0")
    if given.count < 0:
        parser.error("--count must be 0 or above")
    return given


if __name__ == "__main__":
    sys.exit(main())
