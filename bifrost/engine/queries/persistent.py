"""The persistent queries of an engine: started, paused, resumed and ended by id."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent_runner import PersistentRunner
from bifrost.engine.topology.compiled import CompiledQuery
from bifrost.errors import AnalysisError, RemoteError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PersistentQuery:
    """A running CSAS, CTAS, INSERT INTO ... SELECT or CREATE SOURCE TABLE.

    `statement` is its completed text, `sink` the source that it writes (None for CREATE SOURCE TABLE), `properties` are
    those of the session that created it.
    """

    statement: str
    plan: QueryPlan
    sink: DataSource | None
    compiled: CompiledQuery
    runner: PersistentRunner
    properties: Mapping[str, str]

    @property
    def id(self) -> str:
        """The query id, such as `CSAS_X_1`."""
        return self.plan.query_id


class PersistentQueries:
    """Queries by id. Changes need the engine's lock; any thread may read."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._queries: dict[str, PersistentQuery] = {}

    def create(
        self,
        statement: str,
        plan: QueryPlan,
        sink: DataSource | None,
        properties: Mapping[str, str],
        defaults: Mapping[str, str],
    ) -> PersistentQuery:
        """Returns a query that is not started yet. `properties` are the session's, `defaults` the server's.

        Raises:
            AnalysisError, SerdeError: it cannot be compiled.
        """
        compiled, runner = self._launcher.persistent(plan, {**defaults, **properties}, sink)
        return PersistentQuery(statement, plan, sink, compiled, runner, dict(properties))

    def start(self, query: PersistentQuery) -> None:
        """Starts a query. Stops one of the same id first (CREATE OR REPLACE); its state and offsets stay."""
        replaced = self._queries.pop(query.id, None)
        if replaced is not None:
            # Before the new one starts: both use the same consumer group and state.
            replaced.runner.stop()
        query.runner.start(after=replaced.runner if replaced is not None else None)
        self._queries[query.id] = query

    def terminate(self, query_id: str) -> None:
        """Stops a query and deletes its internal topics and offsets."""
        query = self._queries.pop(query_id)
        if query.runner.stop():
            self._launcher.clean_up(query.id, query.compiled)
            return
        # A last commit takes long. What it still writes would bring the topics and offsets back.
        threading.Thread(target=self._clean_up_later, args=(query,), name=f"{query.id} clean-up", daemon=True).start()

    def _clean_up_later(self, query: PersistentQuery) -> None:
        query.runner.wait_for_end()
        try:
            self._launcher.clean_up(query.id, query.compiled)
        except RemoteError as error:
            _log.warning("query %s: internal topics not deleted, delete them manually: %s", query.id, error)

    def get(self, query_id: str) -> PersistentQuery:
        """Returns a query by id.

        Raises:
            AnalysisError: the id is unknown.
        """
        found = self._queries.get(query_id)
        if found is None:
            raise AnalysisError(f"Unknown queryId: {query_id}")
        return found

    def find(self, query_id: str | None) -> PersistentQuery | None:
        """Returns a query by id, or None."""
        return self._queries.get(query_id) if query_id is not None else None

    def writers(self, source: str) -> tuple[PersistentQuery, ...]:
        """Returns the queries that write a source."""
        return tuple(query for query in self if query.plan.sink == source)

    def readers(self, source: str) -> tuple[PersistentQuery, ...]:
        """Returns the queries that read a source."""
        return tuple(query for query in self if source in query.plan.sources)

    def stop(self) -> None:
        """Stops all queries; their state stays."""
        queries = list(self)
        # Request all stops before waiting for the first, so that the last commits overlap.
        for query in queries:
            query.runner.request_stop()
        for query in queries:
            query.runner.stop()
        self._launcher.close()

    def __iter__(self) -> Iterator[PersistentQuery]:
        return iter(tuple(self._queries.values()))

    def __len__(self) -> int:
        return len(self._queries)
