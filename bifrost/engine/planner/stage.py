"""A plan in the making: the step that was put last, and what the next one has to know of it."""

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
    """Where the columns of a stage come from: what `*` means there, and which columns are its key."""

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The columns that `*`, or `alias.*`, stands for."""

    def resolve(self, expression: Expression) -> Expression:
        """A select expression over the columns of the query, as one over the columns of the stage."""

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Raises unless the projection has the key that a sink needs.

        Raises:
            AnalysisError: it has not.
        """


@dataclass(frozen=True, slots=True)
class Stage:
    """A step and its origin. `formats` are those of a topic that the rows would be written to at this place."""

    step: Step
    kind: SourceKind
    formats: Formats
    origin: Origin
    functions: FunctionRegistry

    @property
    def schema(self) -> LogicalSchema:
        """The columns that the step gives."""
        return self.step.schema

    @property
    def is_windowed(self) -> bool:
        """Whether keys carry a window."""
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
            AnalysisError: it makes no sense.
        """
        return infer_type(expression, self.schema.types(), self.functions)

    def keyed_by(self, keys: Sequence[Expression]) -> bool:
        """Whether these expressions are the key as it is."""
        return tuple(ColumnRef(column.name) for column in self.schema.key) == tuple(keys) and bool(keys)


def known_type(stage: Stage, expression: Expression) -> SqlType:
    """The type of an expression that cannot be NULL.

    Raises:
        AnalysisError: it is NULL, or makes no sense.
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
        AnalysisError: a name repeats, or a key column holds a map.
    """
    seen: set[str] = set()
    for name, kind in values:
        if name in seen:
            raise AnalysisError(f"Duplicate value columns found in schema: `{name}` {kind}")
        seen.add(name)
    check_key_types(keys)
    return LogicalSchema.of(key=tuple(keys), value=tuple(values))


def all_values(schema: LogicalSchema) -> tuple[Column, ...]:
    """Value columns and those filled from headers, in order: all that expressions may read but the key."""
    return tuple(column for column in schema.columns if column.namespace is not Namespace.KEY)
