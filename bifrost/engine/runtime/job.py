"""A query to be run, and its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a query runs.

    `group` is the consumer group, `internal` the prefix of its internal topics; `reset` is `earliest` or `latest` for
    stream inputs without committed offsets. `transient` (push) queries commit no offsets and write no changelogs.
    `until_end` ends the query at the offsets where its inputs ended when it was started. `windowed_sink` is a topic
    whose keys carry a window, with the length of the window in bytes.
    """

    group: str
    internal: str
    reset: str = "latest"
    commit_interval_ms: int = 200
    exactly_once: bool = False
    transient: bool = False
    until_end: bool = False
    windowed_sink: tuple[str, int] | None = None


def _nothing() -> None:
    """The default of `QueryJob.ready`."""


@dataclass(frozen=True, slots=True)
class QueryJob:
    """A compiled query with everything that it needs to run.

    `ready` is called before the first record is read; it raises as long as the query could not write its output
    (schemas are not registered). `now_ms` is the wall clock, epoch ms.
    """

    query: CompiledQuery
    cluster: Cluster
    options: RunOptions
    name: str
    log: LogCallback
    now_ms: Callable[[], int]
    on_row: RowCallback | None = None
    ready: Callable[[], None] = _nothing
