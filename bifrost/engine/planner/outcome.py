"""What a statement turns out to be once it is planned: the answer of `Planner.plan`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.catalog.topics import TopicSpec
from bifrost.engine.plan.steps import QueryPlan, SelectItem
from bifrost.sql.tree import Expression
from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """CREATE STREAM|TABLE: put `source` into the metastore; `replaces` where one of that name is there.

    `query` is that of CREATE SOURCE TABLE (kind `CST`): it keeps the table's rows for pull queries, writes no topic,
    and its id is the source's `created_by`.
    """

    statement: str
    source: DataSource
    topic: TopicSpec | None = None
    replaces: bool = False
    query: QueryPlan | None = None


@dataclass(frozen=True, slots=True)
class AlterPlan:
    """ALTER STREAM|TABLE: put `source` in place of the one of its name."""

    statement: str
    source: DataSource


@dataclass(frozen=True, slots=True)
class DropPlan:
    """DROP STREAM|TABLE; `query_id` is the query that writes it and ends with it."""

    statement: str
    source: DataSource
    delete_topic: bool = False
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTypePlan:
    """CREATE TYPE."""

    statement: str
    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class DropTypePlan:
    """DROP TYPE."""

    statement: str
    name: str


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """IF [NOT] EXISTS found what it looked for: `message` says so, as ksqlDB does."""

    statement: str
    message: str


DdlPlan = CreatePlan | AlterPlan | DropPlan | CreateTypePlan | DropTypePlan | NothingToDo


@dataclass(frozen=True, slots=True)
class PersistentPlan:
    """CREATE ... AS SELECT and INSERT INTO ... SELECT.

    `sink` is what the query writes; it goes into the metastore unless `inserts`. `replaces` is the id of the query
    that CREATE OR REPLACE takes the place of. `sources` names what is read.
    """

    statement: str
    query: QueryPlan
    sink: DataSource
    topic: TopicSpec | None = None
    sources: frozenset[str] = frozenset()
    inserts: bool = False
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class PushPlan:
    """SELECT ... EMIT: `query.schema` is the rows that a person gets."""

    statement: str
    query: QueryPlan


@dataclass(frozen=True, slots=True)
class StreamPullPlan:
    """SELECT from a stream without EMIT: the stream's rows up to now, then the end."""

    statement: str
    query: QueryPlan


class LookupKind(Enum):
    """How a pull query finds its rows."""

    KEYS = "KEYS"
    RANGE = "RANGE"
    SCAN = "SCAN"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of values; None: open. `*_inclusive` says whether the bound itself belongs to it."""

    lower: object | None = None
    upper: object | None = None
    lower_inclusive: bool = True
    upper_inclusive: bool = True

    def holds(self, value: object) -> bool:
        """Whether the (non-null) value lies within."""
        if self.lower is not None and not _before(self.lower, value, self.lower_inclusive):
            return False
        return self.upper is None or _before(value, self.upper, self.upper_inclusive)


UNBOUNDED = Bounds()
"""All values."""


def _before(low: object, high: object, inclusive: bool) -> bool:
    return low <= high if inclusive else low < high  # type: ignore[operator,no-any-return]  # of one orderable type


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """One key (a value per key column) and the windows of it that are wanted (epoch ms of their start and end)."""

    key: tuple[object, ...]
    window_start: Bounds = UNBOUNDED
    window_end: Bounds = UNBOUNDED


@dataclass(frozen=True, slots=True)
class PullPlan:
    """SELECT from a materialised table.

    KEYS: rows of `lookups`; RANGE: rows whose (single) key column lies in `key_range`; SCAN: all rows. Every row found
    must then satisfy `predicate` (over the table's columns, ROWTIME and window bounds by bare name), and is projected
    by `selects` to `schema`. `limit` ends the answer.
    """

    statement: str
    source: DataSource
    kind: LookupKind
    selects: tuple[SelectItem, ...]
    schema: LogicalSchema
    lookups: tuple[KeyLookup, ...] = ()
    key_range: Bounds = UNBOUNDED
    predicate: Expression | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class InsertValuesPlan:
    """INSERT INTO ... VALUES: one record. `key` and `value` are rows of the target's schema.

    `timestamp` is ROWTIME where it was given; `value` is None only for a tombstone, which statements cannot write.
    """

    statement: str
    target: DataSource
    key: tuple[object, ...]
    value: tuple[object, ...]
    timestamp: int | None = None


QueryLike = PersistentPlan | PushPlan | StreamPullPlan | PullPlan
Planned = DdlPlan | QueryLike | InsertValuesPlan
