"""Decides which changes of CREATE OR REPLACE ... AS SELECT can keep a running query's state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest

from bifrost.engine.plan.steps import (
    QueryPlan,
    Step,
    StreamAggregate,
    StreamFilter,
    StreamGroupBy,
    StreamSelect,
    StreamSink,
    StreamSource,
    TableFilter,
    TableSelect,
    TableSink,
    TableSource,
    sources_of,
)
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Node, walk

_FREE = (StreamFilter, TableFilter, StreamSelect, TableSelect)
_FIXED = frozenset(
    {
        "StreamWindowedAggregate",
        "TableAggregate",
        "StreamStreamJoin",
        "StreamTableJoin",
        "TableTableJoin",
        "ForeignKeyTableTableJoin",
    }
)
_REMEDY = "DROP it and create it again."
_IGNORED = frozenset({"source", "left", "right", "schema", "source_schema"})


def check_upgrade(running: QueryPlan, wanted: QueryPlan) -> None:
    """Checks that a query can continue with the state and offsets of the query that it replaces.

    Projections and filters may change; sources, keys and aggregations may not, nor the columns that an aggregation
    reads. As in ksqlDB, nothing may change in queries with windows, joins or aggregations of tables.

    Raises:
        AnalysisError: something else changed; the message names it.
    """
    if running.step == wanted.step:
        return
    if set(running.sources) != set(wanted.sources):
        raise AnalysisError(
            f"Cannot replace query {running.query_id}: it reads {', '.join(running.sources)}, "
            f"the replacement {', '.join(wanted.sources)}. {_REMEDY}"
        )
    before, after = (list(_lasting(plan.step)) for plan in (running, wanted))
    fixed = [name for name, _ in (*before, *after) if name in _FIXED]
    changed = [one or other for one, other in zip_longest(before, after) if one != other]
    blocking = fixed or [name for name, _ in changed] or list(_aggregations_of_other_columns(running, wanted))
    if blocking:
        raise AnalysisError(f"Upgrades not yet supported for {blocking[0]}. {_REMEDY}")


def _lasting(step: Step) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The steps that have state or set keys, without the parts that may change."""
    if not isinstance(step, _FREE):
        names = [field.name for field in fields(step) if field.name not in _IGNORED]
        if isinstance(step, StreamSource | TableSource):
            # Columns that were added to a source since do not change what is stored.
            names = ["source_name", "topic"]
        elif isinstance(step, StreamSink | TableSink):
            names = ["timestamp"]
        yield type(step).__name__, tuple(getattr(step, name) for name in names)
    for source in sources_of(step):
        yield from _lasting(source)


def _aggregations_of_other_columns(running: QueryPlan, wanted: QueryPlan) -> Iterator[str]:
    """As in ksqlDB, an aggregation continues to read the same columns, those that only its filter reads included."""
    for before, after in zip(_aggregations(running.step), _aggregations(wanted.step), strict=True):
        if _columns_read(before) != _columns_read(after):
            yield type(before).__name__


def _aggregations(step: Step) -> Iterator[StreamAggregate]:
    if isinstance(step, StreamAggregate):
        yield step
    for source in sources_of(step):
        yield from _aggregations(source)


def _columns_read(step: Step) -> frozenset[str]:
    """The columns of sources that this step and those before it read."""
    expressions: list[Node] = []
    match step:
        case StreamFilter(predicate=predicate):
            expressions.append(predicate)
        case StreamSelect(selects=selects):
            expressions.extend(item.expression for item in selects)
        case StreamGroupBy(group_by=group_by):
            expressions.extend(group_by)
    own = {node.name for found in expressions for node in walk(found) if isinstance(node, ColumnRef)}
    return frozenset(own).union(*(_columns_read(source) for source in sources_of(step)))
