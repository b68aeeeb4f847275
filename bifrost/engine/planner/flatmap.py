"""Table functions in SELECT: rows are exploded before they are projected."""

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
    """Rows were exploded; the calls of table functions are columns now."""

    before: Origin
    calls: tuple[FunctionCall, ...]

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The columns before the explosion."""
        return self.before.star(alias)

    def resolve(self, expression: Expression) -> Expression:
        """Calls of table functions become their columns."""
        columns: dict[Expression, str] = {call: f"{SYNTHETIC_COLUMN}{n}" for n, call in enumerate(self.calls)}

        def change(part: Expression) -> Expression | None:
            name = columns.get(part)
            return None if name is None else ColumnRef(name, location=part.location)

        return self.before.resolve(rewrite(expression, change))

    def check_keys(self, projection: Projection, sink: str) -> None:
        """As before the explosion."""
        self.before.check_keys(projection, sink)


def flat_map_stage(stage: Stage, selects: Sequence[Expression]) -> Stage:
    """The stage with all table functions of the select expressions applied; the stage itself where there are none.

    Raises:
        AnalysisError: no overload of one fits its arguments.
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
