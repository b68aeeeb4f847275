"""A query to be run, and its options."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.state.home import StateHome
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback

_LONGEST_TRANSACTION_MS = 30_000


@dataclass(frozen=True, slots=True)
class TaskShare:
    """The tasks of every query that one of several worker processes owns: those of worker `index` of `count`."""

    index: int
    count: int

    def owns(self, query_id: str, subtopology: int, partition: int) -> bool:
        """Whether this worker owns a task; of all shares of one count, exactly one owns it.

        The partitions of a sub-topology spread evenly. A hash of the query id decides where they begin, so that
        queries of one partition spread, too. The same id gives the same workers in every process and after a restart.
        """
        return (zlib.crc32(query_id.encode()) + subtopology + partition) % self.count == self.index


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a query runs.

    `group` is the consumer group, `internal` the prefix of its internal topics; `reset` is `earliest` or `latest` for
    stream inputs without committed offsets. `transient` (push) queries commit no offsets and write no changelogs.
    `until_end` ends the query at the offsets where its inputs ended when it was started. `windowed_sink` is a topic
    whose keys carry a window, with the length of the window in bytes. `share` limits the run to the tasks of one worker
    process; None: all tasks.
    """

    group: str
    internal: str
    reset: str = "latest"
    commit_interval_ms: int = 2000
    exactly_once: bool = False
    transient: bool = False
    until_end: bool = False
    windowed_sink: tuple[str, int] | None = None
    share: TaskShare | None = None

    @property
    def transaction_id(self) -> str | None:
        """The id of the transactions of a query that is exactly once: two workers must not fence each other."""
        if not self.exactly_once or self.transient:
            return None
        return self.group if self.share is None else f"{self.group}-{self.share.index}"

    @property
    def longest_commit_interval_ms(self) -> int:
        """The commit interval; under exactly-once at most 30 s: brokers abort a transaction that is open for 60 s."""
        if self.transaction_id is None:
            return self.commit_interval_ms
        return min(self.commit_interval_ms, _LONGEST_TRANSACTION_MS)

    def owns(self, query_id: str, subtopology: int, partition: int) -> bool:
        """Whether the run creates, restores and reads a task."""
        return self.share is None or self.share.owns(query_id, subtopology, partition)


def _nothing() -> None:
    """The default of `QueryJob.ready`."""


@dataclass(frozen=True, slots=True)
class QueryJob:
    """A compiled query with everything that it needs to run.

    `ready` is called before the first record is read; it raises as long as the query could not write its output
    (schemas are not registered). `now_ms` is the wall clock, epoch ms. `state` is where its state is on disk; without
    it, all state is in memory and the changelogs are read at each start. `sink` is the topic of its results, if it is
    persistent.
    """

    query: CompiledQuery
    cluster: Cluster
    options: RunOptions
    name: str
    log: LogCallback
    now_ms: Callable[[], int]
    on_row: RowCallback | None = None
    ready: Callable[[], None] = _nothing
    state: StateHome | None = None
    sink: str | None = None
