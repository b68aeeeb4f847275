"""The present rows of a table, which pull queries read: those of tasks in this process, or behind another interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from bifrost.engine.state.frozen import Key
from bifrost.engine.topology.lookup import MaterializedRow
from bifrost.engine.topology.task import Task


class TableRows(Protocol):
    """The present rows of a table."""

    def of_keys(self, keys: Sequence[Key]) -> Iterable[Sequence[MaterializedRow]]:
        """Returns, for each key in turn, its rows: at most one, or one per window.

        Raises:
            NotReady: the state that holds a key is still being loaded.
        """

    def all(self) -> Iterable[MaterializedRow]:
        """Returns all rows, in no particular order.

        Raises:
            NotReady: a part of the state is still being loaded.
        """


class TaskRows:
    """Implements `TableRows` over the tasks of a query."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks

    def of_keys(self, keys: Sequence[Key]) -> Iterator[list[MaterializedRow]]:
        """Returns the rows of each key in turn."""
        # In all tasks: only one holds the key, and a miss in the others costs less than to compute its partition.
        for key in keys:
            yield [row for task in self._tasks for row in task.lookup(key)]

    def all(self) -> Iterator[MaterializedRow]:
        """Returns all rows, task by task."""
        for task in self._tasks:
            yield from task.scan()
