"""The parts of a plan: actions with their reasons, and the operations that carry them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bifrost.clients.kafka import TopicDescription
from bifrost.clients.search import Body
from bifrost.dashboards.declared import Dashboard
from bifrost.deployer.declared.declarations import DeclaredStatement, DeclaredSubject
from bifrost.deployer.live.rebuild_record import Rebuild
from bifrost.deployer.plan.losses import AllowedLosses, Loss
from bifrost.sql.tree import SourceKind


class ActionKind(StrEnum):
    """What an action does to a resource.

    `REPLACE` rebuilds or loses something. `BLOCKED` is a change that the deployer leaves to a person. `WAIT` needs the
    other side to finish starting or stopping first.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"
    BLOCKED = "blocked"
    WAIT = "wait"


class ResourceKind(StrEnum):
    """The kinds of resources that are deployed."""

    TOPIC = "topic"
    SUBJECT = "subject"
    CONNECTOR = "connector"
    STATEMENT = "statement"
    QUERY = "query"
    TEMPLATE = "template"
    BUCKET = "bucket"
    DASHBOARD = "dashboard"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class CreateTopic:
    """Create a topic."""

    topic: TopicDescription


@dataclass(frozen=True, slots=True)
class AlterTopic:
    """Set configuration values of a topic; `None` resets one to its default."""

    name: str
    changed: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """Raise a topic's number of partitions to `total`."""

    name: str
    total: int


@dataclass(frozen=True, slots=True)
class DeleteTopic:
    """Delete a topic with its records, and wait until it is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class RegisterSubject:
    """Register the declared schema."""

    subject: DeclaredSubject


@dataclass(frozen=True, slots=True)
class RegisterIncompatible:
    """Register the declared schema although the subject's rule forbids it; the rule is lifted only meanwhile."""

    subject: DeclaredSubject


@dataclass(frozen=True, slots=True)
class PutConnector:
    """Create a connector, or replace its configuration."""

    name: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PutConnectorWithoutOffsets:
    """Replace a connector's configuration and let it start as a new one, without stored offsets."""

    name: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TakeOverConnector:
    """Create a connector that continues from the offsets of `former`, and delete that one."""

    name: str
    config: Mapping[str, str]
    former: str


@dataclass(frozen=True, slots=True)
class ResumeConnector:
    """Resume a paused or stopped connector."""

    name: str


@dataclass(frozen=True, slots=True)
class RestartConnector:
    """Restart the failed parts of a connector, or all of it."""

    name: str
    only_failed: bool


@dataclass(frozen=True, slots=True)
class DeleteConnector:
    """Delete a connector."""

    name: str


@dataclass(frozen=True, slots=True)
class RunStatement:
    """Run a declared statement in ksqlDB."""

    statement: DeclaredStatement


@dataclass(frozen=True, slots=True)
class DropLiveSource:
    """Drop a stream or table; its topic stays unless `delete_topic`, which names it."""

    name: str
    kind: SourceKind
    delete_topic: str = ""


@dataclass(frozen=True, slots=True)
class DropLiveType:
    """Drop a custom type; sources that use it keep their columns."""

    name: str


@dataclass(frozen=True, slots=True)
class ResumeLiveQuery:
    """Resume a paused query."""

    id: str


@dataclass(frozen=True, slots=True)
class TerminateLiveQuery:
    """Terminate a query."""

    id: str


@dataclass(frozen=True, slots=True)
class PutTemplate:
    """Create or replace an index template."""

    name: str
    body: Body


@dataclass(frozen=True, slots=True)
class UpdateIndex:
    """Add to the mapping of an index, and change its dynamic settings."""

    name: str
    mapping: Body
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CopyIndex:
    """Copy an index to a new one with the settings and mappings of `template`, which then answers to its name.

    The connectors `sinks` write to it and are stopped meanwhile.
    """

    source: str
    target: str
    public_name: str
    template: Body
    sinks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteTemplate:
    """Delete an index template; indices stay."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateBucket:
    """Create a bucket."""

    name: str


@dataclass(frozen=True, slots=True)
class ImportDashboard:
    """Import a dashboard into Kibana, replacing an older one."""

    dashboard: Dashboard


@dataclass(frozen=True, slots=True)
class StartService:
    """Start a service."""

    name: str


@dataclass(frozen=True, slots=True)
class RestartService:
    """Restart a failed service."""

    name: str


@dataclass(frozen=True, slots=True)
class StopService:
    """Stop a service and keep it stopped."""

    name: str


@dataclass(frozen=True, slots=True)
class StopConnector:
    """Stop a connector: its tasks end, and its offsets can be changed."""

    name: str


@dataclass(frozen=True, slots=True)
class BeginRebuild:
    """Record which statements are replaced, and how far their queries have read."""

    rebuild: Rebuild


@dataclass(frozen=True, slots=True)
class AwaitReaders:
    """Wait until consumer groups, each with its topic, have read their topics to the end, for a limited time."""

    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FinishRebuild:
    """Wait until the new queries have caught up, move readers, start what was stopped, and forget the record."""

    rebuild: Rebuild


Operation = (
    CreateTopic
    | AlterTopic
    | AddPartitions
    | DeleteTopic
    | RegisterSubject
    | RegisterIncompatible
    | PutConnector
    | PutConnectorWithoutOffsets
    | TakeOverConnector
    | ResumeConnector
    | RestartConnector
    | DeleteConnector
    | RunStatement
    | DropLiveSource
    | DropLiveType
    | ResumeLiveQuery
    | TerminateLiveQuery
    | PutTemplate
    | UpdateIndex
    | CopyIndex
    | DeleteTemplate
    | CreateBucket
    | ImportDashboard
    | StartService
    | RestartService
    | StopService
    | StopConnector
    | BeginRebuild
    | AwaitReaders
    | FinishRebuild
)


@dataclass(frozen=True, slots=True)
class Action:
    """One line of a plan.

    `operations` carry it out, in order; an action without operations writes nothing. `loss` is what they lose, which
    a person must allow first. `manual_steps` are commands for a person where the deployer will not act;
    `needs_attention` marks something kept whose `reason` is shown anyway.
    """

    kind: ActionKind
    resource: ResourceKind
    name: str
    reason: str = ""
    operations: tuple[Operation, ...] = ()
    manual_steps: tuple[str, ...] = ()
    needs_attention: bool = False
    loss: tuple[Loss, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether the live system differs from the declaration."""
        return self.kind is not ActionKind.KEEP

    @property
    def is_blocked(self) -> bool:
        """Whether the deployer leaves it to a person."""
        return self.kind is ActionKind.BLOCKED or bool(self.manual_steps)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A live resource without a declaration; `owned` if an earlier deployment of this project created it.

    `kept_because` says why `--prune` keeps one that is owned.
    """

    resource: ResourceKind
    name: str
    owned: bool
    kept_because: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """The actions in the order of execution; `is_running` is false when no part of the target answered.

    `is_unknown` says that such a target may hold something all the same, so that nothing could be compared.
    `left_out` counts the actions that `--only` and `--skip` removed.
    """

    actions: tuple[Action, ...]
    undeclared: tuple[Undeclared, ...] = ()
    is_running: bool = True
    left_out: int = 0
    is_unknown: bool = False

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something."""
        return tuple(action for action in self.actions if action.is_change)

    @property
    def blocked(self) -> tuple[Action, ...]:
        """The changes that the deployer leaves to a person."""
        return tuple(action for action in self.actions if action.is_blocked)

    def losses_not_allowed(self, allowed: AllowedLosses) -> tuple[tuple[Action, Loss], ...]:
        """The losses that `allowed` does not accept, each with the action that causes it, in the plan's order."""
        return tuple(
            (action, loss) for action in self.actions for loss in action.loss if not allowed.accepts(action.name, loss)
        )

    def count(self, kind: ActionKind) -> int:
        """The number of actions of a kind."""
        return sum(action.kind is kind for action in self.actions)


def keep(resource: ResourceKind, name: str, notes: Iterable[str] = ()) -> Action:
    """An action that changes nothing; `notes` are shown if there are any."""
    text = "; ".join(notes)
    return Action(ActionKind.KEEP, resource, name, text, needs_attention=bool(text))
