"""Files of orders, dropped into the folder of the CSV source: `python -m bifrost.generators.orders --count 500`."""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bifrost import settings
from bifrost.settings import Settings

HEADER = ("order_id", "customer_id", "order_ts", "product", "order_total_usd")
CUSTOMERS = 19
UNKNOWN = 99_999
"""A customer that nobody knows: about one order in fifty is theirs."""

PRODUCTS = (
    "Wine - Sherry Dry Sack, William",
    "Macaroons - Homestyle Two Bit",
    "Onions - Spanish",
    'Pan - 9" Round, Non-Stick',
    "Cheese - Brie, Cups 125g",
    "Tea - Apple Green Tea",
    "Soup - Campbells, Beef Barley",
    "Bread - Roll, Calabrese",
    "Coffee - Crème, Ground",
    "Apples - Spartan",
)
_FIRST = datetime(2018, 2, 26, tzinfo=UTC)

Order = tuple[int, int, str, str, str]


def orders(count: int, *, first_id: int = 1, seed: int | None = None) -> Iterator[Order]:
    """So many orders; the same seed makes the same ones. Totals are texts with two decimals."""
    random = Random(seed)
    for number in range(first_id, first_id + count):
        customer = UNKNOWN if random.random() < 0.02 else random.randrange(1, CUSTOMERS + 1)
        at = _FIRST + timedelta(seconds=random.randrange(16 * 86_400))
        total = f"{random.randrange(50, 1000) / 100:.2f}"
        yield number, customer, at.strftime("%Y-%m-%dT%H:%M:%SZ"), random.choice(PRODUCTS), total


def drop(folder: Path, name: str, rows: Iterator[Order]) -> Path:
    """Write a file of orders; it gets its name when it is complete."""
    partial = folder / f".{name}"
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    os.replace(partial, folder / name)
    return folder / name


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Drop a file, or one every second at `--rate` rows per second until `--count` (0: without end) are written."""
    parser = argparse.ArgumentParser(prog="python -m bifrost.generators.orders", description=__doc__)
    parser.add_argument("--rate", type=float, default=0.0, help="rows per second (default: one file with all)")
    parser.add_argument("--count", type=int, default=500, help="how many rows (default %(default)d)")
    parser.add_argument("--seed", type=int, help="the same seed makes the same orders")
    given = parser.parse_args(arguments)
    folder = (values or settings.load()).orders / "source"
    folder.mkdir(parents=True, exist_ok=True)
    first_id = 1 if given.seed is not None else int(time.time()) * 1000
    at_once = max(int(given.rate), 1) if given.rate else given.count
    done = 0
    try:
        while not given.count or done < given.count:
            rows = min(at_once, given.count - done) if given.count else at_once
            name = f"orders-{first_id + done}.csv"
            drop(folder, name, orders(rows, first_id=first_id + done, seed=given.seed))
            done += rows
            print(f"{name}: {rows} orders", flush=True)
            if given.count and done >= given.count:
                break
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
