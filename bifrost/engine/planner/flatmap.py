"""Plans table functions in SELECT, which expand rows before the projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.aggregates import table_calls
from bifrost.engine.catalog.schema import Column, LogicalSchema
from bifrost.engine.plan.steps import StreamFlatMap
from bifrost.engine.planner.projection import Projection
from bifrost.engine.planner.stage import Origin, Stage
from bifrost.sql.tree import ColumnRef, Expression, FunctionCall, rewrite
from bifrost.sql.types import SqlType

SYNTHETIC_COLUMN = "KSQL_SYNTH_"


@dataclass(frozen=True, slots=True)
class FlatMapOrigin:
    """Rows are expanded; each call of a table function is a column."""

    before: Origin
    calls: tuple[FunctionCall, ...]

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The columns before the expansion."""
        return self.before.star(alias)

    def resolve(self, expression: Expression) -> Expression:
        """The expression with calls of table functions replaced by their columns."""
        columns: dict[Expression, str] = {call: f"{SYNTHETIC_COLUMN}{n}" for n, call in enumerate(self.calls)}

        def change(part: Expression) -> Expression | None:
            name = columns.get(part)
            return None if name is None else ColumnRef(name, location=part.location)

        return self.before.resolve(rewrite(expression, change))

    def check_keys(self, projection: Projection, sink: str) -> None:
        """The check before the expansion: table functions do not change the key."""
        self.before.check_keys(projection, sink)


def flat_map_stage(stage: Stage, selects: Sequence[Expression]) -> Stage:
    """The stage with all table functions of the select expressions applied; unchanged if there are none.

    Raises:
        AnalysisError: no overload of a function accepts its arguments.
    """
    calls = tuple(dict.fromkeys(call for select in selects for call in table_calls(select, stage.functions)))
    if not calls:
        return stage
    added = tuple(Column(f"{SYNTHETIC_COLUMN}{n}", _row_type(stage, call)) for n, call in enumerate(calls))
    schema = LogicalSchema(stage.schema.columns + added)
    step = StreamFlatMap("FlatMap", schema, stage.step, calls)
    return replace(stage, step=step, origin=FlatMapOrigin(stage.origin, calls))


def _row_type(stage: Stage, call: FunctionCall) -> SqlType:
    arguments = [stage.type_of(argument) for argument in call.arguments]
    return stage.functions.table(call.name, arguments).return_type
