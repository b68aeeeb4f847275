"""The state of a run's tasks on disk: loaded before the changelogs are read, written behind each commit.

What the disk has is never ahead of the changelog: a store is written only once the broker has acknowledged the changes,
under exactly-once once their transaction is committed. So after a kill the rest of the changelog completes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from confluent_kafka import KafkaError, Message

from bifrost.clients.kafka import OffsetRange
from bifrost.engine.runtime.delivery_ledger import DeliveryCount
from bifrost.engine.state.home import StateHome
from bifrost.engine.state.movable import MovableStore
from bifrost.engine.state.task_state import TaskState
from bifrost.engine.topology.compiled import Task
from bifrost.errors import StateError

StorePartition = tuple[str, int]
"""A store and the partition of its task."""

_TEND_EVERY_S = 1.0
# Stores in memory are copied in slices, which take a share of the thread's time: a small one while records arrive,
# unless many changes wait.
_SLICE_S, _QUIET_SLICE_S = 0.005, 0.02
_SHARE, _LARGEST_SHARE = 0.03, 0.25
_MANY_CHANGES = 20_000
_SHORTEST_PAUSE_S = 0.05
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class ChangelogReport:
    """Takes the delivery reports of a changelog partition: `following` is the offset after the last record.

    `size` is that of one record, in bytes; `records` are all that were sent.
    """

    count: DeliveryCount
    size: int = 0
    following: int = 0
    records: list[tuple[bytes, bytes | None]] = field(default_factory=list)

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """Takes the report of one record."""
        if error is None:
            self.count.acknowledged += 1
            self.following = (message.offset() or 0) + 1
        else:
            self.count.delivered(error, message)


class Checkpoints:
    """The state on disk of the tasks of one run; without a `home` there is none."""

    def __init__(self, home: StateHome | None, query: str, now_ms: Callable[[], int]) -> None:
        self._home = home
        self._query = query
        self._now_ms = now_ms
        self._tasks: list[TaskState] = []
        self._by_store: dict[StorePartition, TaskState] = {}
        self._next_tend = 0.0
        # The reports of commits whose state is not written yet, since some are missing.
        self._unreported: list[Mapping[StorePartition, ChangelogReport]] = []
        self._next_copy = 0.0
        self._has_changed = False  # since the last look at copies

    def load(
        self,
        tasks: Mapping[tuple[int, int], Task],
        changelogs: Mapping[StorePartition, tuple[str, OffsetRange]],
    ) -> dict[StorePartition, int]:
        """Loads the state of all tasks, and returns the offsets at which the changelogs continue.

        `changelogs` has the id and the offsets of the topic by store and partition.

        Raises:
            NotReady: another process has the state of a task open.
            StateError: the folder cannot be used.
        """
        if self._home is None:
            return {}
        offsets: dict[StorePartition, int] = {}
        for (subtopology, partition), task in tasks.items():
            stores = {name: cast(MovableStore, store) for name, store in task.stores().items()}
            folder = self._home.task(self._query, subtopology, partition)
            state = TaskState(folder, stores, self._home.budget, self._now_ms)
            self._tasks.append(state)
            self._by_store.update(((name, partition), state) for name in stores)
            known = {
                name: (topic, at.first, at.next)
                for (name, number), (topic, at) in changelogs.items()
                if number == partition and name in stores
            }
            found = state.load(known)
            offsets.update(((name, partition), offset) for name, offset in found.items())
        return offsets

    @property
    def wants_topic_ids(self) -> bool:
        """Whether `load` compares the ids of topics."""
        return self._home is not None

    def restored(self, place: StorePartition, following: int, size: int) -> None:
        """Takes the offset after the last record restored from a changelog, and the size of one in bytes."""
        state = self._by_store.get(place)
        if state is not None:
            state.restored(place[0], following, size)

    def encoded_size(self, place: StorePartition) -> float | None:
        """Returns the mean size of a row in a changelog partition (bytes), None if it is unknown."""
        state = self._by_store.get(place)
        return state.encoded_size(place[0]) if state is not None else None

    def begin_commit(self) -> None:
        """Marks the present state: the next call of `committed` says that the changelogs have it."""
        for state in self._tasks:
            state.begin_commit()

    def committed(self, reports: Mapping[StorePartition, ChangelogReport], *, in_transaction: bool = False) -> None:
        """Takes the reports of the changes in a complete commit.

        Raises:
            StateError: the disk is full, for example.
        """
        if not self._tasks:
            return
        self._has_changed |= bool(reports)
        self._unreported.append(reports)
        if not all(report.following for report in reports.values()):
            # Not reported yet, or never, if the client was replaced: the state is written with a later commit.
            return
        changes: dict[int, dict[str, tuple[int, int]]] = {}
        records: dict[int, dict[str, list[tuple[bytes, bytes | None]]]] = {}
        for commit in self._unreported:
            for (store, partition), report in commit.items():
                owner = id(self._by_store[store, partition])
                if report.following:
                    changes.setdefault(owner, {})[store] = report.following, report.size
                records.setdefault(owner, {}).setdefault(store, []).extend(report.records)
        self._unreported.clear()
        for state in self._tasks:
            state.committed(changes.get(id(state), {}), records.get(id(state), {}), in_transaction=in_transaction)

    @property
    def backlog(self) -> int:
        """How many changes of stores in memory are in their changelogs, and not in the copies on disk."""
        return sum(state.backlog for state in self._tasks)

    def tend(self) -> None:
        """Copies stores in memory to disk, in small steps, and keeps the stores of the process within the budget.

        Once a second, it moves the largest store to disk if they exceed the budget, and adapts the caches of stores on
        disk to what that leaves.

        Raises:
            StateError: the disk is full, for example.
        """
        if self._home is None:
            return
        self._copy()
        if time.monotonic() < self._next_tend:
            return
        self._next_tend = time.monotonic() + _TEND_EVERY_S
        while True:
            sizes = [(size, name, state) for state in self._tasks for name, size in state.sizes().items()]
            caching = sum(state.caching for state in self._tasks)
            if not self._home.budget.must_move(self, [size for size, _, _ in sizes], caching):
                break
            _, name, state = max(sizes, key=lambda item: item[0])
            state.move(name)
        for state in self._tasks:
            state.resize_caches()

    def _copy(self) -> None:
        began = time.monotonic()
        if began < self._next_copy:
            return
        backlog = self.backlog
        if not backlog:
            self._next_copy = began + _TEND_EVERY_S
            return
        is_quiet, self._has_changed = not self._has_changed, False
        for state in self._tasks:
            state.write_copies(began + (_QUIET_SLICE_S if is_quiet else _SLICE_S))
        ended = time.monotonic()
        share = _LARGEST_SHARE if is_quiet else min(_SHARE * (1 + backlog / _MANY_CHANGES), _LARGEST_SHARE)
        self._next_copy = ended + max((ended - began) / share, _SHORTEST_PAUSE_S)

    def close(self, *, clean: bool) -> None:
        """Closes the state; `clean` says that the last commit is complete and nothing has changed since.

        State that cannot be written is reported to the log: Kafka has it as well.
        """
        if self._home is None:
            return
        self._home.budget.leave(self)
        for state in self._tasks:
            try:
                state.close(clean=clean)
            except StateError as error:
                _log.error("query %s: it reads its changelogs at the next start: %s", self._query, error)
        self._tasks.clear()
