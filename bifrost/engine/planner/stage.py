"""A plan under construction: its last step, and what the next step needs to know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bifrost.engine.catalog.schema import Column, Formats, LogicalSchema, Namespace
from bifrost.engine.expressions import infer_type
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import Step
from bifrost.engine.planner.ddl.source_checks import check_key_types
from bifrost.engine.planner.projection import Projection
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Expression, SourceKind
from bifrost.sql.types import SqlType


class Origin(Protocol):
    """The origin of a stage's columns: what `*` expands to, and which columns are the key."""

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The columns that `*`, or `alias.*`, expands to."""

    def resolve(self, expression: Expression) -> Expression:
        """Converts a select expression over the query's columns to one over the stage's columns."""

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Checks that the projection contains the key that a sink needs.

        Raises:
            AnalysisError: the key is missing.
        """


@dataclass(frozen=True, slots=True)
class Stage:
    """A step and its origin. `formats` are those of an internal topic written after this step."""

    step: Step
    kind: SourceKind
    formats: Formats
    origin: Origin
    functions: FunctionRegistry

    @property
    def schema(self) -> LogicalSchema:
        """The step's output columns."""
        return self.step.schema

    @property
    def is_windowed(self) -> bool:
        """Whether keys contain a window."""
        return self.formats.key.window is not None

    @property
    def is_table(self) -> bool:
        """Whether rows are changes of a table."""
        return self.kind is SourceKind.TABLE

    def with_step(self, step: Step) -> Stage:
        """The stage with another step on top."""
        return replace(self, step=step)

    def type_of(self, expression: Expression) -> SqlType | None:
        """The type of an expression over the stage's columns; None for NULL.

        Raises:
            AnalysisError: the expression is invalid.
        """
        return infer_type(expression, self.schema.types(), self.functions)

    def keyed_by(self, keys: Sequence[Expression]) -> bool:
        """Whether these expressions are exactly the key columns, in order."""
        return tuple(ColumnRef(column.name) for column in self.schema.key) == tuple(keys) and bool(keys)


def known_type(stage: Stage, expression: Expression) -> SqlType:
    """The type of an expression that must not be NULL.

    Raises:
        AnalysisError: it is the literal NULL, or it is invalid.
    """
    found = stage.type_of(expression)
    if found is None:
        raise AnalysisError(
            "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR)."
        )
    return found


def schema_of(keys: Sequence[tuple[str, SqlType]], values: Sequence[tuple[str, SqlType]]) -> LogicalSchema:
    """A schema; names must be unique among the values.

    Raises:
        AnalysisError: a name occurs twice, or a key column contains a map.
    """
    seen: set[str] = set()
    for name, kind in values:
        if name in seen:
            raise AnalysisError(f"Duplicate value columns found in schema: `{name}` {kind}")
        seen.add(name)
    check_key_types(keys)
    return LogicalSchema.of(key=tuple(keys), value=tuple(values))


def all_values(schema: LogicalSchema) -> tuple[Column, ...]:
    """Value and header columns, in order: all columns except the key."""
    return tuple(column for column in schema.columns if column.namespace is not Namespace.KEY)
