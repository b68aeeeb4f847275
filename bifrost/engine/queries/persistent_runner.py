"""The interface of what runs a persistent query: in this process (`QueryRunner`), or spread over worker processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters, StoreSize
from bifrost.engine.runtime.processing_log import LogCount
from bifrost.engine.runtime.runner import Predecessor, QueryError, QueryState
from bifrost.engine.topology.table_rows import TableRows


class PersistentRunner(Protocol):
    """Runs a persistent query until it is stopped; `QueryRunner` says what each method does."""

    @property
    def state(self) -> QueryState:
        """The state of the query."""

    @property
    def errors(self) -> Collection[QueryError]:
        """The last failures, oldest first."""

    @property
    def meters(self) -> QueryMeters:
        """What the query has read and written."""

    def prepare(self) -> None:
        """Creates the internal topics and settles at which offsets the query begins."""

    def start(self, *, after: Predecessor | None = None) -> None:
        """Starts the query, once `after` has ended."""

    def stop(self) -> bool:
        """Stops the query and waits; returns False if it still has to end."""

    def request_stop(self) -> None:
        """Stops the query without waiting."""

    def wait_for_end(self) -> None:
        """Waits without limit until a stopped query has ended."""

    def pause(self) -> None:
        """Stops reading; state and offsets stay."""

    def resume(self) -> None:
        """Continues after `pause`."""

    def offsets(self) -> Mapping[PartitionId, tuple[int, int]]:
        """Returns position and end of every input partition read so far."""

    @property
    def restored(self) -> tuple[int, int]:
        """How many records of state and tables the last start has read so far, and how many it has to read."""

    def store_sizes(self) -> Mapping[str, StoreSize]:
        """Returns the sizes of its stores; empty while the query is not running."""

    def rows(self) -> TableRows:
        """Returns the present rows of the query's table."""


class QueryHosts(Protocol):
    """The processes that host the tasks of persistent queries in place of this one."""

    def start(self) -> None:
        """Starts the processes without waiting for them."""

    def close(self) -> None:
        """Ends the processes, after their queries were stopped."""

    def runner(
        self, job: QueryJob, plan: QueryPlan, properties: Mapping[str, str], sink: DataSource | None
    ) -> PersistentRunner:
        """Returns the runner of a query that the hosts will run."""

    def logged(self, query_id: str) -> LogCount:
        """Returns what the hosts wrote to the processing log for a query."""
