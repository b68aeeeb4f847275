"""Which queries CREATE OR REPLACE can take the place of, with the state that they have."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.engine.plan import (
    ForeignKeyTableTableJoin,
    QueryPlan,
    Step,
    StreamStreamJoin,
    StreamTableJoin,
    StreamWindowedAggregate,
    TableTableJoin,
    sources_of,
)
from bifrost.errors import AnalysisError

_FIXED = (
    StreamWindowedAggregate,
    StreamStreamJoin,
    StreamTableJoin,
    TableTableJoin,
    ForeignKeyTableTableJoin,
)


def check_upgrade(running: QueryPlan, wanted: QueryPlan) -> None:
    """Refuses what ksqlDB refuses: to change a query with windows or joins in place.

    Raises:
        AnalysisError: the plans differ, and one has a step whose state cannot be carried over.
    """
    if running.step == wanted.step:
        return
    for plan in (running, wanted):
        for step in _steps(plan.step):
            if isinstance(step, _FIXED):
                raise AnalysisError(f"Upgrades not yet supported for {type(step).__name__}")


def _steps(step: Step) -> Iterator[Step]:
    yield step
    for source in sources_of(step):
        yield from _steps(source)
