"""Groups the changes of a plan into stages: what a stage holds may be carried out at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from bifrost.deployer.plan.actions import Action, ActionKind, ResourceKind, RunStatement

STATEMENTS_PER_STAGE = 16
"""Statements of one request: a server may take a second for each, and its answer must come within the deadline."""


class StageMode(Enum):
    """How a stage is carried out."""

    ALONE = "one after the other"
    TOGETHER = "at the same time"
    STATEMENTS = "as statements of one request"


@dataclass(frozen=True, slots=True)
class PlanStage:
    """Consecutive changes of a plan."""

    mode: StageMode
    actions: tuple[Action, ...]


_GROUPS: Mapping[ResourceKind, str] = {
    ResourceKind.TOPIC: "topics and subjects",
    ResourceKind.SUBJECT: "topics and subjects",
    ResourceKind.TEMPLATE: "templates and buckets",
    ResourceKind.BUCKET: "templates and buckets",
    # Services read topics of statements, and nothing of sinks and dashboards.
    ResourceKind.CONNECTOR: "connectors, dashboards and services",
    ResourceKind.DASHBOARD: "connectors, dashboards and services",
    ResourceKind.SERVICE: "connectors, dashboards and services",
}
"""Resources of one group do not need each other."""


def stages(actions: Iterable[Action]) -> Iterator[PlanStage]:
    """The stages of these changes, in the order of the changes."""
    for (mode, _group), grouped in groupby(actions, _stage_of):
        found = tuple(grouped)
        size = STATEMENTS_PER_STAGE if mode is StageMode.STATEMENTS else len(found)
        for begin in range(0, len(found), size):
            yield PlanStage(mode, found[begin : begin + size])


def _stage_of(action: Action) -> tuple[StageMode, str]:
    if [type(operation) for operation in action.operations] == [RunStatement]:
        return StageMode.STATEMENTS, ""
    # What is deleted may hold what another change needs: a replication slot, a port, a name.
    if action.kind in (ActionKind.CREATE, ActionKind.UPDATE) and action.resource in _GROUPS:
        return StageMode.TOGETHER, _GROUPS[action.resource]
    return StageMode.ALONE, ""
