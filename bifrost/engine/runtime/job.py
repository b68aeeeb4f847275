"""A query that is to run, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a query runs.

    `group` is the consumer group, `internal` the prefix of its internal topics; `reset` is `earliest` or `latest` for
    stream inputs without committed offsets. `transient` queries (push) keep nothing: no commits, no changelogs.
    `until_end` ends the query where its inputs ended when it was started. `windowed_sink` is a topic whose keys carry a
    window, with the number of its bytes.
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
    """Nothing needs to be done before a query reads its first record."""


@dataclass(frozen=True, slots=True)
class QueryJob:
    """A compiled query with all that it needs to run.

    `ready` is called before records are read and raises while something that writing them needs is missing (schemas).
    """

    query: CompiledQuery
    cluster: Cluster
    options: RunOptions
    name: str
    log: LogCallback
    now_ms: Callable[[], int]
    on_row: RowCallback | None = None
    ready: Callable[[], None] = _nothing
