"""Plans GROUP BY: the columns that aggregates read, the grouping, the aggregation, HAVING."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.analyzer import Analysis
from bifrost.engine.analysis.names import NameGenerator
from bifrost.engine.analysis.scope import columns_in
from bifrost.engine.catalog.schema import (
    WINDOW_BOUNDS,
    FormatInfo,
    Formats,
    KeyFormat,
    LogicalSchema,
    WindowInfo,
    WindowKind,
)
from bifrost.engine.expressions import AggregateCall, resolve_aggregate
from bifrost.engine.plan.steps import (
    Hopping,
    SelectItem,
    Session,
    StreamAggregate,
    StreamGroupBy,
    StreamGroupByKey,
    StreamSelect,
    StreamWindowedAggregate,
    TableAggregate,
    TableFilter,
    TableGroupBy,
    TableSelect,
    Tumbling,
    Window,
)
from bifrost.engine.planner.ddl.source_checks import names_and_types
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.predicates import check_predicate
from bifrost.engine.planner.projection import Projection, join_words, missing_key
from bifrost.engine.planner.rekey import fitting_key_format
from bifrost.engine.planner.stage import Stage, known_type, schema_of
from bifrost.engine.planner.window_checks import check_window
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import (
    ColumnRef,
    Duration,
    Emit,
    Expression,
    FunctionCall,
    HoppingWindow,
    SessionWindow,
    SourceKind,
    TumblingWindow,
    rewrite,
)
from bifrost.sql.types import SqlArray, SqlMap, SqlStruct, SqlType

# ksqlDB's names: they appear in its error messages and schemas.
AGGREGATE_COLUMN = "KSQL_AGG_VARIABLE_"
_ARGUMENT_COLUMN = "KSQL_INTERNAL_COL_"


@dataclass(frozen=True, slots=True)
class GroupOrigin:
    """Rows are groups. `keys` are the expressions of GROUP BY with their columns, `calls` are the aggregates."""

    keys: tuple[tuple[Expression, str], ...]
    calls: tuple[FunctionCall, ...]
    written: tuple[Expression, ...]

    def star(self, alias: str | None) -> tuple[str, ...]:
        """No columns: `*` is expanded before rows are grouped."""
        return ()

    def resolve(self, expression: Expression) -> Expression:
        """Expressions of GROUP BY become key columns, aggregates their results."""
        columns = {key: name for key, name in self.keys}
        columns |= {call: f"{AGGREGATE_COLUMN}{number}" for number, call in enumerate(self.calls)}

        def change(part: Expression) -> Expression | None:
            name = columns.get(part)
            return None if name is None else ColumnRef(name, location=part.location)

        return rewrite(expression, change)

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Refuses a projection without all expressions of GROUP BY."""
        expressions = zip(self.written, self.keys, strict=True)
        missing = [format_expression(key) for written, (key, _) in expressions if not projection.contains(written)]
        if missing:
            raise AnalysisError(missing_key(sink, "grouping expression", missing))


@dataclass(frozen=True, slots=True)
class AggregationPlanner:
    """Plans GROUP BY on top of a stage; `selects` are the select expressions over the stage's columns, `*` expanded."""

    analysis: Analysis
    config: PlannerConfig
    selects: tuple[Expression, ...]

    def stage(self, source: Stage) -> Stage:
        """The stage of groups, with HAVING applied.

        Raises:
            AnalysisError: an expression conflicts with GROUP BY, or an aggregate does not accept its arguments.
        """
        group_by = self.analysis.group_by
        calls = self._calls()
        _check_aggregates_suit_source(source, [resolve_call(source, call) for call in calls])
        prepared, reads = _prepared(source, [*group_by, *calls])
        grouped = self._grouped(prepared, group_by)
        aggregated = self._aggregated(grouped, calls, tuple(_reading(call, reads) for call in calls))
        names = [column.name for column in grouped.schema.key]
        origin = GroupOrigin(tuple(zip(group_by, names, strict=True)), calls, self.analysis.query.group_by)
        return self._having(replace(aggregated, origin=origin))

    def _calls(self) -> tuple[FunctionCall, ...]:
        check = self.analysis.aggregate_check
        check.check_group_by()
        having = self.analysis.query.having
        conditions = () if having is None else (self.analysis.unqualify(having),)
        calls = check.calls_in([*self.selects, *conditions])
        if not calls:
            raise AnalysisError("GROUP BY requires aggregate functions in either the SELECT or HAVING clause.")
        check.check_selects(self.selects)
        for condition in conditions:
            check.check_having(condition)
        return calls

    def _grouped(self, stage: Stage, group_by: tuple[Expression, ...]) -> Stage:
        context = "Aggregate-GroupBy"
        # A stream that already has this key needs no repartitioning.
        if not stage.is_table and stage.keyed_by(group_by):
            if stage.is_windowed:
                raise AnalysisError("Grouping a stream with windowed keys by its key is not supported.")
            return stage.with_step(StreamGroupByKey(context, stage.schema, stage.step, stage.formats))
        generator = NameGenerator(column.name for column in stage.schema)
        keys = [(generator.key(key), known_type(stage, key)) for key in group_by]
        schema = schema_of(keys, names_and_types(stage.schema.value))
        formats = Formats(self._key_format(stage, keys), stage.formats.value)
        step = TableGroupBy if stage.is_table else StreamGroupBy
        return replace(stage, step=step(context, schema, stage.step, group_by, formats), formats=formats)

    def _key_format(self, stage: Stage, keys: Sequence[tuple[str, SqlType]]) -> KeyFormat:
        info = stage.formats.key.format
        wanted = FormatInfo(self.config.default_key_format) if info.name == "NONE" else info
        return fitting_key_format(wanted, keys)

    def _aggregated(self, stage: Stage, calls: tuple[FunctionCall, ...], reading: tuple[FunctionCall, ...]) -> Stage:
        window = plan_window(self.analysis)
        types = [resolve_call(stage, call).aggregate.return_type for call in reading]
        values = [(f"{AGGREGATE_COLUMN}{number}", kind) for number, kind in enumerate(types)]
        if window is not None:
            values += list(WINDOW_BOUNDS.items())
        schema = schema_of(names_and_types(stage.schema.key), values)
        context = "Aggregate-Aggregate"
        if window is None:
            step = TableAggregate if stage.is_table else StreamAggregate
            made = step(context, schema, stage.step, (), reading, stage.formats)
            return replace(stage, step=made, kind=SourceKind.TABLE)
        if stage.is_table:
            raise AnalysisError("Windowing not supported for table aggregations.")
        return self._windowed(stage, window, schema, reading)

    def _windowed(
        self, stage: Stage, window: Window, schema: LogicalSchema, reading: tuple[FunctionCall, ...]
    ) -> Stage:
        final = self.analysis.query.emit is Emit.FINAL
        formats = replace(stage.formats, key=replace(stage.formats.key, window=window_info(window, emit_final=final)))
        step = StreamWindowedAggregate(
            context="Aggregate-Aggregate",
            schema=schema,
            source=stage.step,
            non_aggregates=(),
            aggregates=reading,
            formats=formats,
            window=window,
            emit_final=final,
        )
        return replace(stage, step=step, kind=SourceKind.TABLE, formats=formats)

    def _having(self, stage: Stage) -> Stage:
        having = self.analysis.query.having
        if having is None:
            return stage
        predicate = stage.origin.resolve(self.analysis.unqualify(having))
        check_predicate(stage, predicate, "HAVING")
        return stage.with_step(TableFilter("Aggregate-HavingFilter", stage.schema, stage.step, predicate))


def _prepared(source: Stage, expressions: Sequence[Expression]) -> tuple[Stage, dict[Expression, str]]:
    """The stage reduced to the columns that later steps read, and the column names of aggregate arguments."""
    # Arguments that are more than a column are computed here once; later steps read the result.
    items: dict[str, Expression] = {}
    reads: dict[Expression, str] = {}
    for expression in expressions:
        if isinstance(expression, FunctionCall) and source.functions.is_aggregate(expression.name):
            for argument in resolve_call(source, expression).arguments:
                if not isinstance(argument, ColumnRef) and argument not in reads:
                    reads[argument] = f"{_ARGUMENT_COLUMN}{len(reads)}"
                    items[reads[argument]] = argument
                elif isinstance(argument, ColumnRef):
                    items.setdefault(argument.name, ColumnRef(argument.name))
        else:
            items.update({column.name: ColumnRef(column.name) for column in columns_in(expression)})
    keys = tuple(column.name for column in source.schema.key)
    schema = schema_of(
        names_and_types(source.schema.key), [(name, known_type(source, item)) for name, item in items.items()]
    )
    selects = tuple(SelectItem(name, item) for name, item in items.items())
    step = TableSelect if source.is_table else StreamSelect
    return source.with_step(step("Aggregate-Prepare", schema, source.step, keys, selects)), reads


def resolve_call(stage: Stage, call: FunctionCall) -> AggregateCall:
    """The aggregate overload that a call over the stage's columns selects.

    Raises:
        AnalysisError: no overload accepts the arguments.
    """
    return resolve_aggregate(call, stage.schema.types(), stage.functions)


def _check_aggregates_suit_source(source: Stage, calls: Sequence[AggregateCall]) -> None:
    # A change of a table first removes the old row, which needs an aggregate that can do so.
    names = list(dict.fromkeys(call.aggregate.name for call in calls if call.aggregate.remove is None))
    if source.is_table and names:
        raise AnalysisError(
            f"The aggregation function{'s' if len(names) > 1 else ''} {join_words(names, 'and')} cannot be applied to "
            "a table source, only to a stream source."
        )
    if source.formats.value.format.name != "DELIMITED":
        return
    if any(isinstance(call.aggregate.aggregate_type, SqlArray | SqlMap | SqlStruct) for call in calls):
        raise AnalysisError(
            "One of the functions used in the statement has an intermediate type that the value format can not "
            "handle. Please remove the function or change the format."
        )


def _reading(call: FunctionCall, reads: dict[Expression, str]) -> FunctionCall:
    arguments = tuple(ColumnRef(reads[item]) if item in reads else item for item in call.arguments)
    return replace(call, arguments=arguments)


def plan_window(analysis: Analysis) -> Window | None:
    """The query's window for the plan, with lengths in ms.

    Raises:
        AnalysisError: the window's durations are invalid.
    """
    if analysis.query.window is not None:
        check_window(analysis.query.window)
    match analysis.query.window:
        case None:
            return None
        case TumblingWindow(size, retention, grace):
            return Tumbling(size.milliseconds, _ms(retention), _ms(grace))
        case HoppingWindow(size, advance, retention, grace):
            return Hopping(size.milliseconds, advance.milliseconds, _ms(retention), _ms(grace))
        case SessionWindow(gap, retention, grace):
            return Session(gap.milliseconds, _ms(retention), _ms(grace))


def _ms(duration: Duration | None) -> int | None:
    return None if duration is None else duration.milliseconds


def window_info(window: Window, *, emit_final: bool) -> WindowInfo:
    """The window that the keys of the result carry."""
    match window:
        case Tumbling(size):
            return WindowInfo(WindowKind.TUMBLING, size, emit_final)
        case Hopping(size):
            return WindowInfo(WindowKind.HOPPING, size, emit_final)
        case Session():
            return WindowInfo(WindowKind.SESSION, None, emit_final)
