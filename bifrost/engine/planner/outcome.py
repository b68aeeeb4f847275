"""The plans of statements, which `Planner.plan` returns."""

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
    """CREATE STREAM|TABLE: adds `source` to the metastore; `replaces` is set if a source of that name exists.

    `query` belongs to CREATE SOURCE TABLE (kind `CST`): it materializes the table for pull queries and writes no topic.
    Its id is the source's `created_by`.
    """

    statement: str
    source: DataSource
    topic: TopicSpec | None = None
    replaces: bool = False
    query: QueryPlan | None = None


@dataclass(frozen=True, slots=True)
class AlterPlan:
    """ALTER STREAM|TABLE: replaces the source of that name by `source`."""

    statement: str
    source: DataSource


@dataclass(frozen=True, slots=True)
class DropPlan:
    """DROP STREAM|TABLE; `query_id` is the query that writes the source, which terminates with it."""

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
    """A statement with IF [NOT] EXISTS that changes nothing; `message` says why, in ksqlDB's words."""

    statement: str
    message: str


DdlPlan = CreatePlan | AlterPlan | DropPlan | CreateTypePlan | DropTypePlan | NothingToDo


@dataclass(frozen=True, slots=True)
class PersistentPlan:
    """CREATE ... AS SELECT and INSERT INTO ... SELECT.

    `sink` is the source that the query writes; unless `inserts`, it is added to the metastore. `replaces` is the id of
    the query that CREATE OR REPLACE replaces. `sources` are the names of the sources that the query reads.
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
    """SELECT ... EMIT: `query.schema` is the schema of the rows that the client receives."""

    statement: str
    query: QueryPlan


@dataclass(frozen=True, slots=True)
class StreamPullPlan:
    """SELECT from a stream without EMIT: the stream's rows up to the present end of its topic."""

    statement: str
    query: QueryPlan


class LookupKind(Enum):
    """How a pull query finds its rows."""

    KEYS = "KEYS"
    RANGE = "RANGE"
    SCAN = "SCAN"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of values; None is unbounded. `*_inclusive` says whether the range contains the bound."""

    lower: object | None = None
    upper: object | None = None
    lower_inclusive: bool = True
    upper_inclusive: bool = True

    def holds(self, value: object) -> bool:
        """Whether the range contains the (non-null) value."""
        if self.lower is not None and not _before(self.lower, value, self.lower_inclusive):
            return False
        return self.upper is None or _before(value, self.upper, self.upper_inclusive)


UNBOUNDED = Bounds()
"""The range of all values."""


def _before(low: object, high: object, inclusive: bool) -> bool:
    return low <= high if inclusive else low < high  # type: ignore[operator,no-any-return]  # of one orderable type


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """One key (a value per key column) and the ranges of its window starts and ends (epoch ms)."""

    key: tuple[object, ...]
    window_start: Bounds = UNBOUNDED
    window_end: Bounds = UNBOUNDED


@dataclass(frozen=True, slots=True)
class PullPlan:
    """SELECT from a materialized table.

    KEYS finds the rows of `lookups`, RANGE the rows whose single key column is in `key_range`, SCAN all rows. Rows must
    satisfy `predicate` (over the table's columns, ROWTIME and window bounds, unqualified); `selects` projects them to
    `schema`. `limit` is the maximum number of rows.
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

    `timestamp` is ROWTIME (epoch ms) if the statement sets it, otherwise None.
    """

    statement: str
    target: DataSource
    key: tuple[object, ...]
    value: tuple[object, ...]
    timestamp: int | None = None


QueryLike = PersistentPlan | PushPlan | StreamPullPlan | PullPlan
Planned = DdlPlan | QueryLike | InsertValuesPlan
