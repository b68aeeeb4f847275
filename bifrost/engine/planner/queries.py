"""Plans SELECT as steps: source or joins, WHERE, PARTITION BY, table functions, GROUP BY, the last projection."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bifrost.engine.analysis.analyzer import Analysis
from bifrost.engine.catalog.schema import FormatInfo
from bifrost.engine.plan.steps import (
    SelectItem,
    Step,
    StreamFilter,
    TableFilter,
    TableSelect,
    TableSelectKey,
    TableSource,
)
from bifrost.engine.planner.aggregation import AggregationPlanner
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.flatmap import flat_map_stage
from bifrost.engine.planner.joins import JoinPlanner
from bifrost.engine.planner.predicates import check_predicate
from bifrost.engine.planner.projection import Projection
from bifrost.engine.planner.rekey import partition_stage
from bifrost.engine.planner.selection import Selection, expand_items
from bifrost.engine.planner.sources import source_stage
from bifrost.engine.planner.stage import Stage
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import Emit, IntegerLiteral, SourceKind


@dataclass(frozen=True, slots=True)
class QueryPlanner:
    """Plans the steps of one query up to its last projection; `sink` is its sink's name, None for push queries."""

    analysis: Analysis
    config: PlannerConfig
    sink: str | None

    def stage(self) -> Stage:
        """The stage that produces the query's rows.

        Raises:
            AnalysisError: the query is invalid.
        """
        self._check_windowed_tables()
        source = self._filtered(self._source())
        if self.analysis.query.partition_by:
            source = self._partitioned(source)
        source = flat_map_stage(source, self.analysis.selects)
        items = expand_items(self.analysis, source)
        grouped, context = self._grouped(source, items)
        self._check_final()
        selection = Selection(grouped, items, context)
        if self.sink is None:
            return _without_unused_store(selection.transient())
        return _without_unused_store(selection.persistent(self._projection, self.sink))

    @property
    def _projection(self) -> Projection:
        return Projection(self.analysis.query.select)

    def _source(self) -> Stage:
        analysis = self.analysis
        persistent = self.sink is not None
        if analysis.joins:
            return JoinPlanner(analysis, self._projection, self.config, persistent).stage()
        return source_stage(analysis.scope.sources[0], "KsqlTopic", analysis.functions, persistent=persistent)

    def _filtered(self, stage: Stage) -> Stage:
        where = self.analysis.where
        if where is None:
            return stage
        predicate = stage.origin.resolve(where)
        check_predicate(stage, predicate, "WHERE")
        step = TableFilter if stage.is_table else StreamFilter
        return stage.with_step(step("WhereFilter", stage.schema, stage.step, predicate))

    def _partitioned(self, stage: Stage) -> Stage:
        written = self.analysis.query.partition_by
        keys = [self.analysis.unqualify(expression) for expression in written]
        return partition_stage(stage, written, keys, FormatInfo(self.config.default_key_format))

    def _grouped(self, stage: Stage, items: tuple[SelectItem, ...]) -> tuple[Stage, str]:
        selects = tuple(item.expression for item in items)
        if self.analysis.query.group_by:
            return AggregationPlanner(self.analysis, self.config, selects).stage(stage), "Aggregate-Project"
        check = self.analysis.aggregate_check
        calls = check.calls_in(selects)
        if not calls:
            return stage, "Project"
        check.check_selects(selects)
        if self.sink is not None:
            shown = ", ".join(format_expression(call) for call in calls)
            raise AnalysisError(
                f"CREATE TABLE AS SELECT statement does not support aggregate function [{shown}] without a GROUP BY "
                "clause."
            )
        # As in ksqlDB, a push query without GROUP BY aggregates all rows as one group.
        return AggregationPlanner(_as_one_group(self.analysis), self.config, selects).stage(stage), "Aggregate-Project"

    def _check_final(self) -> None:
        query = self.analysis.query
        if query.emit is Emit.FINAL and (query.window is None or not query.group_by):
            raise AnalysisError("EMIT FINAL is only supported for windowed aggregations.")

    def _check_windowed_tables(self) -> None:
        if self.sink is None:
            return
        for source in self.analysis.scope.sources:
            if source.source.kind is SourceKind.TABLE and source.source.is_windowed:
                raise AnalysisError("KSQL does not support persistent queries on windowed tables.")


def _as_one_group(analysis: Analysis) -> Analysis:
    # Any constant does: it is the same for all rows.
    return replace(analysis, query=replace(analysis.query, group_by=(IntegerLiteral(1),)))


def _without_unused_store(stage: Stage) -> Stage:
    """The stage with its table source unmaterialized, if no step needs the source's previous values."""
    step = _unmaterialized(stage.step)
    return stage if step is None else replace(stage, step=step)


def _unmaterialized(step: Step) -> Step | None:
    match step:
        case TableSource():
            return replace(step, materialized=False)
        case TableSelect() | TableSelectKey():
            source = _unmaterialized(step.source)
            return None if source is None else replace(step, source=source)
        case _:
            return None
