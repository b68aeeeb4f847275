"""The present rows of a table whose tasks are spread over worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from bifrost.engine.state.frozen import Key
from bifrost.engine.topology.lookup import MaterializedRow
from bifrost.engine.workers.messages import LookUpRows, ScanRows
from bifrost.engine.workers.worker_process import WorkerProcess
from bifrost.errors import NotReady, Unreachable

_SCAN_S = 60.0


class DistributedRows:
    """Implements `TableRows` over the workers that own tasks of the table.

    `owner_of` returns the worker that should hold a key, or None where that is unknown.
    """

    def __init__(
        self, query_id: str, owners: Sequence[WorkerProcess], owner_of: Callable[[Key], WorkerProcess | None]
    ) -> None:
        self._query_id = query_id
        self._owners = owners
        self._owner_of = owner_of

    def of_keys(self, keys: Sequence[Key]) -> list[list[MaterializedRow]]:
        """Returns the rows of each key in turn: from its owner, and from the others if that has none.

        Raises:
            NotReady: a worker that was asked does not run, or is still loading its state.
        """
        rows: list[list[MaterializedRow]] = [[] for _ in keys]
        first: dict[WorkerProcess, list[int]] = {}
        owners = [self._owner_of(key) for key in keys]
        for place, owner in enumerate(owners):
            for worker in self._owners if owner is None else (owner,):
                first.setdefault(worker, []).append(place)
        self._look_up(first, keys, rows)
        # A topic that other programs write may be partitioned in another way.
        second: dict[WorkerProcess, list[int]] = {}
        for place, owner in enumerate(owners):
            if owner is not None and not rows[place]:
                for worker in self._owners:
                    if worker is not owner:
                        second.setdefault(worker, []).append(place)
        self._look_up(second, keys, rows)
        return rows

    def _look_up(
        self, places: dict[WorkerProcess, list[int]], keys: Sequence[Key], rows: list[list[MaterializedRow]]
    ) -> None:
        with _not_ready():
            sent = [
                (wanted, worker.send(LookUpRows(self._query_id, tuple(keys[place] for place in wanted))))
                for worker, wanted in places.items()
            ]
            for wanted, answer in sent:
                for place, found in zip(wanted, answer.answer(), strict=True):
                    rows[place].extend(found)

    def all(self) -> Iterable[MaterializedRow]:
        """Returns all rows, worker by worker.

        Raises:
            NotReady: a worker does not run, or is still loading its state.
        """
        with _not_ready():
            sent = [worker.send(ScanRows(self._query_id)) for worker in self._owners]
            found = [answer.answer(_SCAN_S) for answer in sent]
        return chain.from_iterable(found)


@contextmanager
def _not_ready() -> Iterator[None]:
    """The state of a dead worker is restored soon: to the client that is the same as state that is being loaded."""
    try:
        yield
    except Unreachable as error:
        raise NotReady(error.system, error.request, error.problem) from error
