"""Push queries, and pull queries on streams: transient queries whose rows go to one client."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bifrost.engine.catalog.schema import WINDOW_BOUNDS
from bifrost.engine.planner.outcome import PushPlan, StreamPullPlan
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.rows import ResultColumn, ResultHeader, RowBuffer, Tombstone
from bifrost.engine.runtime.runner import QueryRunner, QueryState
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Row


class PushQuery:
    """A push query. `rows` receives rows until the limit or the end is reached, or `finish` is called.

    `on_end` is called once when the query has ended.
    """

    def __init__(
        self,
        planned: PushPlan | StreamPullPlan,
        launcher: Launcher,
        properties: Mapping[str, str],
        on_end: Callable[[], None],
    ) -> None:
        plan = self.plan = planned.query
        self.statement = planned.statement
        self.header = ResultHeader(plan.query_id, tuple(ResultColumn(c.name, c.type) for c in plan.schema))
        self.rows = RowBuffer()
        self.limit_reached = False
        self._left = plan.limit
        self._on_end = on_end
        self._runner: QueryRunner = launcher.transient(
            plan, properties, self._take, until_end=isinstance(planned, StreamPullPlan), on_end=self._ended
        )

    def start(self) -> None:
        """Starts the query's thread.

        Raises:
            Refused, Unreachable: its topics cannot be read.
        """
        if self._left == 0:
            self.limit_reached = True
            self._ended()
            return
        self._runner.prepare()
        self._runner.start()

    def finish(self) -> None:
        """Ends the query; rows that it has produced stay available."""
        self._runner.request_stop()
        self.rows.close()

    @property
    def id(self) -> str:
        """The query id, such as `transient_X_123`."""
        return self.plan.query_id

    @property
    def end_message(self) -> str:
        """The message that ends the result, in ksqlDB's words."""
        return "Limit Reached" if self.limit_reached else "Query Completed"

    @property
    def failure(self) -> str | None:
        """The error that ended the query, or None."""
        failed = self._runner.state is QueryState.ERROR and self._runner.errors
        return self._runner.errors[-1].message if failed else None

    @property
    def state(self) -> QueryState:
        """The state of the query."""
        return self._runner.state

    def _take(self, key: Key | None, row: Row | None, timestamp: int, window: tuple[int, int] | None) -> None:
        del timestamp
        if row is None:
            # Only a table has deletions, and without a key there is no row to delete.
            if self.plan.result == "STREAM" or key is None:
                return
            row = self._tombstone(key, window)
        # The query processes a batch to its end after its limit or after its client has gone.
        if self.limit_reached or not self.rows.put(row):
            self._runner.request_stop()
            return
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.limit_reached = True
                self.finish()

    def _tombstone(self, key: Key, window: tuple[int, int] | None) -> Row:
        names = (column.name for column in self.plan.step.schema.key)
        known = dict(zip(names, key, strict=False))
        if window is not None:
            known |= dict(zip(WINDOW_BOUNDS, window, strict=True))
        return Tombstone(known.get(column.name) for column in self.plan.schema)

    def _ended(self) -> None:
        self.rows.close()
        self._on_end()
