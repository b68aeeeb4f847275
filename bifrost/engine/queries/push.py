"""Push queries, and pull queries on streams: a transient query whose rows go to one reader."""

from __future__ import annotations

import random
from collections.abc import Mapping

from bifrost.engine.planned import PushPlan, StreamPullPlan
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.rows import ResultColumn, ResultHeader, RowBuffer
from bifrost.engine.runtime.runner import QueryRunner, QueryState


class PushQuery:
    """A push query. Rows are put into `rows` until the limit is reached or `finish` is called."""

    def __init__(self, planned: PushPlan | StreamPullPlan, launcher: Launcher, properties: Mapping[str, str]) -> None:
        plan = self.plan = planned.query
        self.statement = planned.statement
        self.header = ResultHeader(plan.query_id, tuple(ResultColumn(c.name, c.type) for c in plan.schema))
        self.rows = RowBuffer()
        self.limit_reached = False
        self._left = plan.limit
        self._runner: QueryRunner = launcher.transient(plan, properties, self._take)

    def start(self) -> None:
        """Starts the query's thread.

        Raises:
            Refused, Unreachable: its topics cannot be read.
        """
        if self._left == 0:
            self._reach_limit()
        else:
            self._runner.start()

    def finish(self) -> None:
        """No more rows: the query stops, and those that are there can still be read."""
        self._runner.request_stop()
        self.rows.close()

    @property
    def id(self) -> str:
        """The query id, such as `transient_X_123`."""
        return self.plan.query_id

    @property
    def end_message(self) -> str:
        """Why there are no more rows, in ksqlDB's words."""
        return "Limit Reached" if self.limit_reached else "Query Completed"

    @property
    def failure(self) -> str | None:
        """Why the query cannot go on, while it cannot."""
        failed = self._runner.state is QueryState.ERROR and self._runner.errors
        return self._runner.errors[-1].message if failed else None

    @property
    def state(self) -> QueryState:
        """What the query is doing."""
        return self._runner.state

    @property
    def runner(self) -> QueryRunner:
        """The query's runner."""
        return self._runner

    def _take(self, row: tuple[object, ...]) -> None:
        if self.limit_reached or not self.rows.put(row):
            self._runner.request_stop()
            return
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._reach_limit()

    def _reach_limit(self) -> None:
        self.limit_reached = True
        self.finish()


def transient_id(source: str) -> str:
    """An id for a push query, as ksqlDB makes them."""
    return f"transient_{source}_{random.getrandbits(63)}"
