"""Writes files of orders into the folder of the CSV source: `python -m bifrost.generators.orders --rate 50`."""

from __future__ import annotations

import csv
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from random import Random

from bifrost.generators import program
from bifrost.generators.pace import Pace
from bifrost.generators.program import Program, Wait
from bifrost.generators.record_counts import GENERATED
from bifrost.settings import Settings

HEADER = ("order_id", "customer_id", "order_ts", "product", "order_total_usd")
CUSTOMERS = 19
UNKNOWN_CUSTOMER = 99_999
"""About one order in fifty has this customer, who does not exist."""

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

FILE_INTERVAL_S = 0.9
"""A little less than the delay that `Pace` catches up."""

_log = logging.getLogger("generator")

OrderRow = tuple[int, int, str, str, str]
"""The columns of `HEADER`; totals are strings with two decimals."""


def orders(first_id: int = 1, seed: int | None = None) -> Iterator[OrderRow]:
    """Yield orders without end; the same seed yields the same orders."""
    random = Random(seed)
    for number in count(first_id):
        customer = UNKNOWN_CUSTOMER if random.random() < 0.02 else random.randrange(1, CUSTOMERS + 1)
        at = _FIRST + timedelta(seconds=random.randrange(16 * 86_400))
        total = f"{random.randrange(50, 1000) / 100:.2f}"
        yield number, customer, at.strftime("%Y-%m-%dT%H:%M:%SZ"), random.choice(PRODUCTS), total


def write_file(folder: Path, name: str, rows: Iterable[OrderRow]) -> Path:
    """Write a file of orders; it gets its final name once it is complete."""
    # The connector must not read half a file: its pattern of names does not match one that begins with a dot.
    partial = folder / f".{name}"
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    # Renaming within a folder is atomic.
    os.replace(partial, folder / name)
    return folder / name


class FileWriter:
    """Writes rows as files into a folder at a steady rate: about one file per second with the rows due."""

    def __init__(self, folder: Path, rows: Iterator[OrderRow], *, clock: Callable[[], float]) -> None:
        """Wire the parts; `clock` returns seconds."""
        self._folder = folder
        self._rows = rows
        self._clock = clock
        self.written = 0

    def run(self, rate: float, count: int, wait: Wait, *, file_interval_s: float = FILE_INTERVAL_S) -> int:
        """Write `rate` rows per second, `count` in total (0: no limit), until `wait` asks to stop; return how many.

        Args:
            file_interval_s: seconds between two files; each holds the rows of that time.
        """
        rows_per_file = max(1, round(rate * file_interval_s)) if file_interval_s > FILE_INTERVAL_S else 1
        pace = Pace(rate / rows_per_file, self._clock())
        while True:
            files = pace.due(self._clock())
            rows = files * rows_per_file
            self._write(min(rows, count - self.written) if count else rows)
            pace.count_sent(files)
            if count and self.written >= count:
                return self.written
            if wait(max(pace.wait_s(self._clock()), FILE_INTERVAL_S)):
                return self.written

    def _write(self, rows: int) -> int:
        found = list(islice(self._rows, rows))
        if found:
            write_file(self._folder, f"orders-{found[0][0]}.csv", found)
            _log.info("orders-%d.csv: %d orders", found[0][0], len(found))
        self.written += len(found)
        GENERATED.add("orders", by=len(found))
        return len(found)


PROGRAM = Program("orders", "orders", __doc__, rate=20.0)


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate until done, SIGTERM or SIGINT; returns the exit codes of `program.main`."""
    parser = program.workload_parser(PROGRAM)
    interval = "seconds between two files (default %(default)g)"
    parser.add_argument("--file-interval", type=float, default=FILE_INTERVAL_S, help=interval)
    given = parser.parse_args(arguments)
    workload = program.workload_of(parser, given)
    if not FILE_INTERVAL_S <= given.file_interval < float("inf"):
        parser.error(f"--file-interval must be at least {FILE_INTERVAL_S}")

    def work(values: Settings, wait: Wait) -> None:
        folder = values.orders / "source"
        folder.mkdir(parents=True, exist_ok=True)
        writer = FileWriter(folder, orders(workload.first_id, workload.seed), clock=time.monotonic)
        writer.run(workload.rate, workload.count, wait, file_interval_s=given.file_interval)

    return program.run(work, values)


if __name__ == "__main__":
    sys.exit(main())
