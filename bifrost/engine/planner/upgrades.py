"""CREATE OR REPLACE ... AS SELECT: which changes a running query's state survives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest

from bifrost.engine.plan import (
    QueryPlan,
    Step,
    StreamFilter,
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

_FREE = (StreamFilter, TableFilter, StreamSelect, TableSelect, StreamSink, TableSink)
_IGNORED = frozenset({"source", "left", "right", "schema", "source_schema"})


def check_upgrade(old: QueryPlan, new: QueryPlan) -> None:
    """Raises where a query cannot go on with the state and offsets of the one that it takes the place of.

    Projections and filters may change, as in ksqlDB; sources, keys, joins and aggregations may not.

    Raises:
        AnalysisError: they do.
    """
    if set(old.sources) != set(new.sources):
        raise AnalysisError(
            f"Cannot replace query {old.query_id}: it reads {', '.join(old.sources)}, "
            f"the new one {', '.join(new.sources)}. DROP it and create it anew."
        )
    before, after = (list(_lasting(plan.step)) for plan in (old, new))
    changed = next((one or other for one, other in zip_longest(before, after) if one != other), None)
    if changed is not None:
        raise AnalysisError(
            f"Cannot replace query {old.query_id}: upgrades are not supported for {changed[0]}: its state could not be "
            "used. DROP it and create it anew."
        )


def _lasting(step: Step) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The steps that make state or place rows, without what may change."""
    if not isinstance(step, _FREE):
        names = [field.name for field in fields(step) if field.name not in _IGNORED]
        if isinstance(step, StreamSource | TableSource):
            names = ["source_name", "topic"]
        yield type(step).__name__, tuple(getattr(step, name) for name in names)
    for source in sources_of(step):
        yield from _lasting(source)
