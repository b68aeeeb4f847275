"""Nodes of SELECT: items, relations, joins, windows. Import them from `bifrost.sql.tree`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bifrost.sql.expression_nodes import Expression, Node, TimeUnit


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A length of time as written: `1 HOUR` and `60 MINUTES` are different durations with equal `milliseconds`."""

    count: int
    unit: TimeUnit

    @property
    def milliseconds(self) -> int:
        """The length in milliseconds."""
        return self.count * self.unit.value

    def __str__(self) -> str:
        return f"{self.count} {self.unit.name}"


class JoinKind(Enum):
    """Which unmatched rows a join keeps; the value is how a statement writes it."""

    INNER = "INNER"
    LEFT = "LEFT OUTER"
    RIGHT = "RIGHT OUTER"
    OUTER = "FULL OUTER"


class Emit(Enum):
    """When a push or persistent query emits its results."""

    CHANGES = "CHANGES"
    FINAL = "FINAL"


@dataclass(frozen=True, slots=True)
class AliasedSource(Node):
    """A stream or table and its alias in the query (its own name if the query gives none)."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class Within(Node):
    """WITHIN (before, after) [GRACE PERIOD grace]; in `WITHIN d` both are equal."""

    before: Duration
    after: Duration
    grace: Duration | None = None


@dataclass(frozen=True, slots=True)
class Join(Node):
    """left JOIN right [WITHIN ...] ON criteria; the last of several joins is the outermost node."""

    kind: JoinKind
    left: Relation
    right: AliasedSource
    criteria: Expression
    within: Within | None = None


Relation = AliasedSource | Join


@dataclass(frozen=True, slots=True)
class SingleColumn(Node):
    """expression [AS alias]."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class AllColumns(Node):
    """`*` or `SOURCE.*`."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class StructAll(Node):
    """base->*."""

    base: Expression


SelectItem = SingleColumn | AllColumns | StructAll


@dataclass(frozen=True, slots=True)
class TumblingWindow(Node):
    """WINDOW TUMBLING (SIZE ...)."""

    size: Duration
    retention: Duration | None = None
    grace: Duration | None = None


@dataclass(frozen=True, slots=True)
class HoppingWindow(Node):
    """WINDOW HOPPING (SIZE ..., ADVANCE BY ...)."""

    size: Duration
    advance: Duration
    retention: Duration | None = None
    grace: Duration | None = None


@dataclass(frozen=True, slots=True)
class SessionWindow(Node):
    """WINDOW SESSION (gap)."""

    gap: Duration
    retention: Duration | None = None
    grace: Duration | None = None


Window = TumblingWindow | HoppingWindow | SessionWindow


@dataclass(frozen=True, slots=True)
class Query(Node):
    """SELECT. `emit` is None for a pull query only, never in CREATE ... AS and INSERT INTO, as in ksqlDB.

    `group_by` and `partition_by` are empty if the query has no such clause.
    """

    select: tuple[SelectItem, ...]
    source: Relation
    window: Window | None = None
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    partition_by: tuple[Expression, ...] = ()
    having: Expression | None = None
    emit: Emit | None = None
    limit: int | None = None
