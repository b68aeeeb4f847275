"""What a plan consists of: actions with their reasons, and the steps that carry them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bifrost.clients.kafka import TopicDescription
from bifrost.clients.search import Body
from bifrost.dashboards.declared import Dashboard
from bifrost.deployer.declared.declarations import DeclaredStatement, DeclaredSubject
from bifrost.sql.tree import SourceKind


class ActionKind(StrEnum):
    """What happens to a thing."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"


class ResourceKind(StrEnum):
    """What kind of thing it is."""

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
    """Make a topic."""

    topic: TopicDescription


@dataclass(frozen=True, slots=True)
class AlterTopic:
    """Set values of a topic; `None` takes one back."""

    name: str
    changed: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """Grow a topic."""

    name: str
    total: int


@dataclass(frozen=True, slots=True)
class RegisterSubject:
    """Register the declared schema."""

    subject: DeclaredSubject


@dataclass(frozen=True, slots=True)
class PutConnector:
    """Give a connector its configuration, or make it with it."""

    name: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResumeConnector:
    """Let a paused or stopped connector run."""

    name: str


@dataclass(frozen=True, slots=True)
class RestartConnector:
    """Restart what failed of a connector, or all of it."""

    name: str
    only_failed: bool


@dataclass(frozen=True, slots=True)
class DeleteConnector:
    """Remove a connector."""

    name: str


@dataclass(frozen=True, slots=True)
class RunStatement:
    """Have ksqlDB carry out a declared statement."""

    statement: DeclaredStatement


@dataclass(frozen=True, slots=True)
class DropLiveSource:
    """Drop a stream or table; its topic stays."""

    name: str
    kind: SourceKind


@dataclass(frozen=True, slots=True)
class ResumeLiveQuery:
    """Let a paused query run."""

    id: str


@dataclass(frozen=True, slots=True)
class TerminateLiveQuery:
    """End a query."""

    id: str


@dataclass(frozen=True, slots=True)
class PutTemplate:
    """Make an index template, or replace it."""

    name: str
    body: Body


@dataclass(frozen=True, slots=True)
class DeleteTemplate:
    """Remove an index template; indices stay."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateBucket:
    """Make a bucket."""

    name: str


@dataclass(frozen=True, slots=True)
class ImportDashboard:
    """Import a dashboard into Kibana, over an older one."""

    dashboard: Dashboard


@dataclass(frozen=True, slots=True)
class StartService:
    """Start a service."""

    name: str


@dataclass(frozen=True, slots=True)
class RestartService:
    """Give a failed service another try."""

    name: str


Operation = (
    CreateTopic
    | AlterTopic
    | AddPartitions
    | RegisterSubject
    | PutConnector
    | ResumeConnector
    | RestartConnector
    | DeleteConnector
    | RunStatement
    | DropLiveSource
    | ResumeLiveQuery
    | TerminateLiveQuery
    | PutTemplate
    | DeleteTemplate
    | CreateBucket
    | ImportDashboard
    | StartService
    | RestartService
)


@dataclass(frozen=True, slots=True)
class Action:
    """One line of a plan.

    `steps` carry it out, in order; without steps there is nothing to write. `by_hand` are commands for a person where
    the deployer will not act; `attention` marks something kept that a person should still know of.
    """

    kind: ActionKind
    resource: ResourceKind
    name: str
    reason: str = ""
    operations: tuple[Operation, ...] = ()
    manual_steps: tuple[str, ...] = ()
    needs_attention: bool = False

    @property
    def is_change(self) -> bool:
        """Whether the live system differs from what is declared here."""
        return self.kind is not ActionKind.KEEP

    @property
    def is_blocked(self) -> bool:
        """Whether a person must do it."""
        return bool(self.manual_steps)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """Something live that no declaration knows; `owned` if an earlier deployment left it."""

    resource: ResourceKind
    name: str
    owned: bool


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """The actions in the order in which they are carried out; `is_running` is false when nothing answered."""

    actions: tuple[Action, ...]
    undeclared: tuple[Undeclared, ...] = ()
    is_running: bool = True

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something."""
        return tuple(action for action in self.actions if action.is_change)

    @property
    def blocked(self) -> tuple[Action, ...]:
        """The changes that are left to a person."""
        return tuple(action for action in self.actions if action.is_blocked)

    def count(self, kind: ActionKind) -> int:
        """How many actions are of a kind."""
        return sum(action.kind is kind for action in self.actions)


def keep(resource: ResourceKind, name: str, notes: Iterable[str] = ()) -> Action:
    """Nothing to do; `notes` are what a person should still know."""
    text = "; ".join(notes)
    return Action(ActionKind.KEEP, resource, name, text, needs_attention=bool(text))
