"""Groups the changes of a plan into stages: what a stage holds may be carried out at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    AddPartitions,
    AlterTopic,
    CreateBucket,
    CreateTopic,
    ImportDashboard,
    PutConnector,
    PutTemplate,
    RegisterSubject,
    ResourceKind,
    RestartConnector,
    RestartService,
    ResumeConnector,
    RunStatement,
    StartService,
    UpdateIndex,
)


class StageMode(Enum):
    """How a stage is carried out."""

    ALONE = "one after the other"
    TOGETHER = "at the same time"
    STATEMENTS = "in requests of several statements"


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

_INDEPENDENT = (
    CreateTopic,
    AlterTopic,
    AddPartitions,
    RegisterSubject,
    PutConnector,
    ResumeConnector,
    RestartConnector,
    PutTemplate,
    UpdateIndex,
    CreateBucket,
    ImportDashboard,
    StartService,
    RestartService,
)
"""Operations that touch only the thing that their action names."""


def stages(actions: Iterable[Action]) -> Iterator[PlanStage]:
    """The stages of these changes, in the order of the changes."""
    for (mode, _group), grouped in groupby(actions, _stage_of):
        yield PlanStage(mode, tuple(grouped))


def _stage_of(action: Action) -> tuple[StageMode, str]:
    if [type(operation) for operation in action.operations] == [RunStatement]:
        return StageMode.STATEMENTS, ""
    # What is deleted may hold what another change needs: a replication slot, a port, a name. What stops something else
    # for a while, as the copy of an index stops its sinks, must not find it started again by its neighbour.
    is_independent = all(isinstance(operation, _INDEPENDENT) for operation in action.operations)
    if is_independent and action.kind in (ActionKind.CREATE, ActionKind.UPDATE) and action.resource in _GROUPS:
        return StageMode.TOGETHER, _GROUPS[action.resource]
    return StageMode.ALONE, ""
