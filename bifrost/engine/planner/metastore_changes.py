"""Applies the plans of statements to a metastore."""

from __future__ import annotations

from bifrost.engine.catalog.metastore import MetaStore
from bifrost.engine.planner.outcome import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DropPlan,
    DropTypePlan,
    PersistentPlan,
    Planned,
)


def apply_to_metastore(metastore: MetaStore, planned: Planned) -> None:
    """Adds, replaces or removes the source or type of a plan; plans that define nothing change nothing."""
    match planned:
        case CreatePlan() | AlterPlan():
            # Sinks that read the source still do, so its links stay.
            metastore.put(planned.source, metastore.links.get(planned.source.name, frozenset()))
        case PersistentPlan() if not planned.inserts:
            metastore.put(planned.sink, planned.sources)
        case DropPlan():
            metastore.drop(planned.source.name)
        case CreateTypePlan():
            metastore.types[planned.name] = planned.type
        case DropTypePlan():
            metastore.types.pop(planned.name, None)
        case _:
            pass
