"""The persistent queries of an engine: started, paused, resumed and ended by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.runtime.runner import QueryRunner
from bifrost.engine.topology.compiled import CompiledQuery
from bifrost.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class PersistentQuery:
    """A CSAS, CTAS, INSERT INTO ... SELECT or CREATE SOURCE TABLE at work.

    `statement` is its filled-in text, `sink` what it writes (None for CREATE SOURCE TABLE), `properties` are those of
    the session that it was made in.
    """

    statement: str
    plan: QueryPlan
    sink: DataSource | None
    compiled: CompiledQuery
    runner: QueryRunner
    properties: Mapping[str, str]

    @property
    def id(self) -> str:
        """The query id, such as `CSAS_X_1`."""
        return self.plan.query_id


class PersistentQueries:
    """Queries by id. Changed under the engine's lock; may be read at any time."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._queries: dict[str, PersistentQuery] = {}

    def make(
        self,
        statement: str,
        plan: QueryPlan,
        sink: DataSource | None,
        properties: Mapping[str, str],
        defaults: Mapping[str, str],
    ) -> PersistentQuery:
        """A query that is not started yet. `properties` are the session's, `defaults` those of the server.

        Raises:
            AnalysisError, SerdeError: it cannot be compiled.
        """
        compiled, runner = self._launcher.persistent(plan, {**defaults, **properties}, sink)
        return PersistentQuery(statement, plan, sink, compiled, runner, dict(properties))

    def start(self, query: PersistentQuery) -> None:
        """Starts a query; one of the same id (CREATE OR REPLACE) is stopped first, its state and position stay."""
        replaced = self._queries.pop(query.id, None)
        if replaced is not None:
            replaced.runner.stop()
        query.runner.start()
        self._queries[query.id] = query

    def terminate(self, query_id: str) -> None:
        """Ends a query and removes its internal topics and offsets."""
        query = self._queries.pop(query_id)
        query.runner.stop()
        self._launcher.clean_up(query.id, query.compiled)

    def get(self, query_id: str) -> PersistentQuery:
        """The query of that id.

        Raises:
            AnalysisError: there is none.
        """
        found = self._queries.get(query_id)
        if found is None:
            raise AnalysisError(f"Unknown queryId: {query_id}")
        return found

    def find(self, query_id: str | None) -> PersistentQuery | None:
        """The query of that id, or None."""
        return self._queries.get(query_id) if query_id is not None else None

    def writers(self, source: str) -> tuple[PersistentQuery, ...]:
        """Queries that write a source."""
        return tuple(query for query in self if query.plan.sink == source)

    def readers(self, source: str) -> tuple[PersistentQuery, ...]:
        """Queries that read a source."""
        return tuple(query for query in self if source in query.plan.sources)

    def stop(self) -> None:
        """Stops all queries; their state stays."""
        queries = list(self)
        for query in queries:
            query.runner.request_stop()
        for query in queries:
            query.runner.stop()

    def __iter__(self) -> Iterator[PersistentQuery]:
        return iter(tuple(self._queries.values()))

    def __len__(self) -> int:
        return len(self._queries)
