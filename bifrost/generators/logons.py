"""Order entry as change data capture of its database writes it: `python -m bifrost.generators.logons --rate 5`.

Dates are random and in no order: logons of 2000, orders of 2007 to 2011, customers of any class and age.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bifrost.generators import program
from bifrost.generators.program import Generator, Order
from bifrost.generators.sending import Record
from bifrost.settings import Settings

CUSTOMERS = "ora-ogg-SOE-CUSTOMERS-avro"
LOGONS = "ora-ogg-SOE-LOGON-avro"
ORDERS = "ora-ogg-SOE-ORDERS-avro"
TOPICS = (CUSTOMERS, LOGONS, ORDERS)
KNOWN = 100
"""Customers have the ids 1 to this; one more logs on and is not known."""
CLASSES = ("Business", "Occasional", "Prime", "Regular")
FIRST_NAMES = ("carlos", "cesar", "donald", "earl", "jack", "lloyd", "rick", "thomas")
LAST_NAMES = ("black", "butler", "hansen", "hernandez", "mckinney", "perez", "thomas")

Encode = Callable[[str, Mapping[str, Any]], bytes]
"""Makes the bytes of a record of a topic."""


def changes(random: Random, encode: Encode, first_id: int, clock: Callable[[], float]) -> Iterator[Record]:
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


def _change(topic: str, row: dict[str, Any], encode: Encode, clock: Callable[[], float]) -> Record:
    now = clock()
    stamp = f"{datetime.fromtimestamp(now):%Y-%m-%d %H:%M:%S}.000000"
    full = {"OP_TYPE": "I", "OP_TS": stamp, "CURRENT_TS": stamp, "POS": str(row[next(iter(row))]), **row}
    key = "_".join(str(value) for value in row.values()).encode()
    return Record(topic, encode(topic, full), int(now * 1000), key)


def _declared(order: Order, values: Settings) -> Iterator[Record]:
    encoders = program.declared_encoders(values, TOPICS)
    return changes(Random(order.seed), lambda topic, row: encoders[topic](row), order.first_id, time.time)


GENERATOR = Generator("logons", "changes", __doc__, rate=5.0, records=_declared)


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate, as `program.main` does."""
    return program.main(GENERATOR, arguments, values)


if __name__ == "__main__":
    sys.exit(main())
