"""Measures a join with tables of several sizes by CPU alone, in one process and without a broker.

    python -m benchmarks.state_lookups --customers 1000 1000000 10000000

Each table is one of four partitions, and has a quarter of the budget: a table of a million customers has 250,000
rows here. It is on disk if it exceeds that, as in the engine; `--in-memory` keeps all of it in memory. The rows per CPU
second are those of the generated function that joins ratings of random customers, the best of four rounds.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.big_state import memory
from benchmarks.record_functions import STATEMENTS, Changes, Record, encoded, fail
from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.task_state import TaskState
from bifrost.engine.testing.driver import Driver

PARTITIONS, BATCH, ROUNDS = 4, 500, 4
_ROWS_PER_COMMIT = 20_000
_ENCODED_ROW = 70
_NO_LIMIT = 1 << 40


def main() -> None:
    """Print one line per table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 1_000_000, 3_000_000])
    parser.add_argument("--ratings", type=int, default=200_000)
    parser.add_argument("--budget-mb", type=int, default=256)
    parser.add_argument("--in-memory", action="store_true")
    args = parser.parse_args()
    # As the server does: the collector would look at all rows again and again.
    gc.set_threshold(100_000, 50, 100)
    first = 0.0
    for customers in args.customers:
        budget = _NO_LIMIT if args.in_memory else args.budget_mb * 1024 * 1024 // PARTITIONS
        with tempfile.TemporaryDirectory() as folder:
            table = Table(Path(folder), budget)
            table.fill(customers // PARTITIONS)
            rate = table.best_rate(args.ratings)
            first = first or rate
            place = "on disk" if table.is_on_disk else "in memory"
            share = f"{rate / first:.2f} of the first"
            print(
                f"{customers:10,} customers {place}: {rate:9,.0f} rows per CPU second, {share}, {memory()}", flush=True
            )
            table.close()


class Table:
    """The task of a join, with the state of its table in a folder."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._driver = Driver(live=False)
        self._driver.run(STATEMENTS)
        compiled = next(query.compiled for query in self._driver.queries.values() if query.plan.sink == "JOINED")
        self._changes, self._joined = Changes(), itertools.count()
        self._task: Any = compiled.new_task(0, emit=lambda *_: next(self._joined), log=fail, changelog=self._changes)
        self._stores = self._task.stores()
        self._budget = StateBudget(budget)
        self._state = TaskState(folder, self._stores, self._budget, lambda: 0)
        self._state.load(dict.fromkeys(self._stores, ("topic", 0, 0)))
        self._rows = 0

    @property
    def is_on_disk(self) -> bool:
        """Whether the table has moved to disk."""
        return any(store.is_on_disk for store in self._stores.values())

    def fill(self, rows: int) -> None:
        """Adds customers, with a commit after each few."""
        source = self._driver.metastore.sources["CUSTOMERS"]
        for first in range(0, rows, _ROWS_PER_COMMIT):
            users = range(first, min(first + _ROWS_PER_COMMIT, rows))
            values = [((user,), (f"First{user}", f"Last{user}", f"u{user}@example.com", "platinum")) for user in users]
            self._task.process("customers", encoded(self._driver, source, values))
            self._changes.clear()
            self._state.begin_commit()
            self._state.committed(dict.fromkeys(self._stores, (users.stop, _ENCODED_ROW)), {})
            self._keep_budget()
        self._rows = rows

    def _keep_budget(self) -> None:
        while self._budget.must_move(self, list(self._state.sizes().values()), self._state.caching):
            self._state.move(max(self._state.sizes().items(), key=lambda item: item[1])[0])
        self._state.resize_caches()

    def best_rate(self, ratings: int) -> float:
        """Ratings per CPU second in the best round; other customers in each."""
        return max(self._rate(ratings, number) for number in range(ROUNDS))

    def _rate(self, ratings: int, seed: int) -> float:
        seconds = 0.0
        for batch in self._ratings(ratings, random.Random(seed)):
            began = time.process_time()
            self._task.process("ratings", batch)
            seconds += time.process_time() - began
        return ratings / seconds

    def _ratings(self, count: int, chance: random.Random) -> Iterator[list[Record]]:
        source = self._driver.metastore.sources["RATINGS"]
        text = "airport refurb looks great, will fly outta here more!"
        for first in range(0, count, BATCH):
            users = [chance.randrange(self._rows) for _ in range(min(BATCH, count - first))]
            values = [((user,), (first, user, user % 5 + 1, user, first, "web", text)) for user in users]
            yield encoded(self._driver, source, values)

    def close(self) -> None:
        """Closes the state."""
        self._state.close(clean=False)


if __name__ == "__main__":
    main()
