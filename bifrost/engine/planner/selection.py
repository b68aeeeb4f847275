"""The last projection: turns the select items into key and value columns of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from bifrost.engine.analysis.analyzer import Analysis
from bifrost.engine.analysis.scope import SYSTEM_COLUMNS
from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.plan.steps import SelectItem, StreamSelect, TableSelect
from bifrost.engine.planner.ddl.source_checks import names_and_types
from bifrost.engine.planner.projection import Projection, join_words
from bifrost.engine.planner.stage import Stage, known_type, schema_of
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import (
    AllColumns,
    ColumnRef,
    Dereference,
    Expression,
    SingleColumn,
    StructAll,
    WhenClause,
    children,
)
from bifrost.sql.types import SqlStruct, SqlType


def expand_items(analysis: Analysis, stage: Stage) -> tuple[SelectItem, ...]:
    """The select items with `*` and `->*` expanded, over the columns of the query.

    Raises:
        AnalysisError: `->*` follows an expression that is not a STRUCT.
    """
    items: list[SelectItem] = []
    for item in analysis.query.select:
        match item:
            case AllColumns(source):
                items.extend(SelectItem(name, ColumnRef(name)) for name in stage.origin.star(source))
            case StructAll(base):
                items.extend(_fields(analysis.unqualify(base), stage))
            case SingleColumn(expression, alias):
                assert alias is not None  # qualifying names every item
                items.append(SelectItem(alias, analysis.unqualify(expression)))
    return tuple(items)


def _fields(base: Expression, stage: Stage) -> list[SelectItem]:
    kind = stage.type_of(stage.origin.resolve(base))
    if not isinstance(kind, SqlStruct):
        raise AnalysisError(f"Cannot expand '->*': the expression before it must be a STRUCT, but is {kind}.")
    return [SelectItem(field.name, Dereference(base, field.name)) for field in kind.fields]


@dataclass(frozen=True, slots=True)
class Selection:
    """The last projection of a query on top of a stage; `items` are over the columns of the query."""

    stage: Stage
    items: tuple[SelectItem, ...]
    context: str

    def transient(self) -> Stage:
        """All items as value columns: the rows of a push query."""
        items = self._resolved()
        schema = schema_of(names_and_types(self.stage.schema.key), self._typed(items))
        return self._select(schema, items, tuple(column.name for column in self.stage.schema.key))

    def persistent(self, projection: Projection, sink: str) -> Stage:
        """Items that select key columns as key columns, the others as value columns.

        Raises:
            AnalysisError: the key is missing or selected twice, no value column remains, or a name is reserved.
        """
        items = self._resolved()
        values = tuple(item for item in items if not self._is_key(item))
        typed_values = self._typed(values)
        self.stage.origin.check_keys(projection, sink)
        names = self._key_names(items)
        if not values:
            raise AnalysisError("The projection contains no value columns.")
        for item in values:
            if item.name in SYSTEM_COLUMNS:
                raise AnalysisError(
                    f"Reserved column name in select: `{item.name}`. Please remove or alias the column."
                )
        for name, kind in typed_values:
            if name in names:
                raise AnalysisError(f"Duplicate value columns found in schema: `{name}` {kind}")
        keys = [(name, column.type) for name, column in zip(names, self.stage.schema.key, strict=True)]
        return self._select(schema_of(keys, typed_values), values, names)

    def _resolved(self) -> tuple[SelectItem, ...]:
        return tuple(SelectItem(item.name, self.stage.origin.resolve(item.expression)) for item in self.items)

    def _typed(self, items: Sequence[SelectItem]) -> list[tuple[str, SqlType]]:
        return [(item.name, self._type_of(item.expression)) for item in items]

    def _type_of(self, expression: Expression) -> SqlType:
        try:
            return known_type(self.stage, expression)
        except AnalysisError as error:
            raise AnalysisError(self._explained(error.message, expression)) from error

    def _explained(self, problem: str, expression: Expression) -> str:
        """The message in ksqlDB's words: it finds invalid casts later than other errors, and names the failing part."""
        if problem.startswith("Cast of "):
            return f"Invalid Select: {problem}"
        if problem.startswith("Error processing expression: "):
            return f"{problem}\nStatement: {format_expression(self._failing(expression, problem))}"
        return problem

    def _failing(self, expression: Expression, problem: str) -> Expression:
        for part in _parts_of(expression):
            try:
                self.stage.type_of(part)
            except AnalysisError as error:
                if error.message == problem:
                    return self._failing(part, problem)
        return expression

    def _is_key(self, item: SelectItem) -> bool:
        if not isinstance(item.expression, ColumnRef):
            return False
        return any(column.name == item.expression.name for column in self.stage.schema.key)

    def _key_names(self, items: Sequence[SelectItem]) -> tuple[str, ...]:
        names = []
        for column in self.stage.schema.key:
            shown = [item.name for item in items if item.expression == ColumnRef(column.name)]
            if len(shown) > 1:
                raise AnalysisError(self._repeated_key(column.name, sorted(shown)))
            names.append(shown[0] if shown else column.name)
        return tuple(names)

    def _repeated_key(self, key: str, shown: Sequence[str]) -> str:
        if self.context.startswith("Aggregate"):
            quoted = [f"`{name}`" for name in shown]
            return f"The projection contains a key column more than once: {join_words(quoted, 'and')}."
        return f"The projection contains a key column (`{key}`) more than once, aliased as: {join_words(shown, 'and')}."

    def _select(self, schema: LogicalSchema, items: Sequence[SelectItem], names: tuple[str, ...]) -> Stage:
        step = TableSelect if self.stage.is_table else StreamSelect
        return replace(self.stage, step=step(self.context, schema, self.stage.step, names, tuple(items)))


def _parts_of(expression: Expression) -> Iterator[Expression]:
    """The expressions directly below; a WHEN clause is no expression, but holds two."""
    for part in children(expression):
        if isinstance(part, WhenClause):
            yield from (part.condition, part.result)
        else:
            yield cast(Expression, part)
