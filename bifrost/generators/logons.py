"""Generates order entry data: `python -m bifrost.generators.logons --rate 5` writes rows to PostgreSQL.

Dates are random and unordered: logons of 2000 to 2011, orders of 2007 to 2011, customers of any class and age.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bifrost.clients import postgres
from bifrost.clients.readiness import wait_until_ready
from bifrost.generators import program
from bifrost.generators.program import Program, Wait, Workload
from bifrost.generators.sending import DemoRecord, Sender
from bifrost.settings import Settings

CUSTOMERS = "soe.customers"
LOGONS = "soe.logon"
ORDERS = "soe.orders"
CUSTOMER_COUNT = 40
"""Customers have the ids 1 to this; logons also use one unknown id."""
CLASSES = ("Business", "Occasional", "Prime", "Regular")
FIRST_NAMES = ("carlos", "cesar", "donald", "earl", "jack", "lloyd", "rick", "thomas")
LAST_NAMES = ("black", "butler", "hansen", "hernandez", "mckinney", "perez", "thomas")
MARKET_DAYS = 30
"""Number of days with orders over five years: few enough that some hours have several orders."""

PROGRAM = Program("logons", "rows", __doc__, rate=5.0)


def rows(random: Random, first_id: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield rows with their tables without end: all customers, then logons and orders."""
    for number in range(1, CUSTOMER_COUNT + 1):
        yield CUSTOMERS, customer(random, number)
    number = first_id
    while True:
        yield (LOGONS, logon(random, number)) if random.random() < 0.5 else (ORDERS, order(random, number))
        number += 1


def customer(random: Random, number: int) -> dict[str, Any]:
    """Return a row of `soe.customers`."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "customer_id": number,
        "cust_first_name": first,
        "cust_last_name": last,
        "cust_email": f"{first}.{last}@example.com",
        "credit_limit": random.randrange(1_000, 10_000),
        "customer_since": f"{_moment(random, 2000, 24):%Y-%m-%d}",
        "customer_class": random.choice(CLASSES),
    }


def logon(random: Random, number: int) -> dict[str, Any]:
    """Return a row of `soe.logon`."""
    return {
        "logon_id": number,
        "customer_id": random.randrange(1, CUSTOMER_COUNT + 2),
        "logon_date": f"{_moment(random, 2000, 11):%Y-%m-%d %H:%M:%S}",
    }


def order(random: Random, number: int) -> dict[str, Any]:
    """Return a row of `soe.orders`."""
    day = datetime(2007, 1, 3) + timedelta(days=random.randrange(MARKET_DAYS) * 60)
    moment = day + timedelta(hours=random.randrange(9, 18), minutes=random.randrange(60))
    return {
        "order_id": number,
        "order_date": f"{moment:%Y-%m-%d %H:%M:%S}",
        "order_mode": random.choice(("direct", "online")),
        "customer_id": random.randrange(1, CUSTOMER_COUNT + 1),
        "order_status": random.randrange(10),
        "order_total": random.randrange(10, 8_000),
    }


def _moment(random: Random, year: int, years: int) -> datetime:
    # The database stores dates without a zone; the ksqlDB statements define the zone.
    return datetime(year, 1, 1) + timedelta(seconds=random.randrange(years * 365 * 86_400))


def records(workload: Workload) -> Iterator[DemoRecord]:
    """Yield the rows as records: the table as topic, and JSON by column."""
    for table, row in rows(Random(workload.seed), workload.first_id):
        yield DemoRecord(table, json.dumps(row).encode(), int(time.time() * 1000))


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Write rows until done, SIGTERM or SIGINT; returns the exit codes of `program.main`."""
    workload = program.parse_workload(PROGRAM, arguments)

    def write(values: Settings, wait: Wait) -> None:
        writer = wait_until_ready(lambda: postgres.from_settings(values), wait, program.log)
        if writer is not None:
            with closing(writer):
                sending = Sender(records(workload), writer, clock=time.monotonic, what=PROGRAM.what)
                sending.run(workload.rate, workload.count, wait)

    return program.run(write, values)


if __name__ == "__main__":
    sys.exit(main())
