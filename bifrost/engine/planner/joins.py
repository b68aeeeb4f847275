"""Plans joins, left to right: both sides get the same key and key format, and columns prefixed by alias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.analyzer import Analysis
from bifrost.engine.analysis.joins import AnalyzedJoin
from bifrost.engine.analysis.scope import AnalyzedSource, QueryScope, join_alias, unqualify
from bifrost.engine.catalog.schema import FormatInfo, LogicalSchema
from bifrost.engine.plan.steps import (
    ForeignKeyTableTableJoin,
    SelectItem,
    Step,
    StreamSelect,
    StreamStreamJoin,
    StreamTableJoin,
    TableSelect,
    TableTableJoin,
)
from bifrost.engine.planner.ddl.source_checks import names_and_types
from bifrost.engine.planner.ddl.with_clause import REGISTRY_FORMATS
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.join_checks import check_join, is_foreign_key_join
from bifrost.engine.planner.projection import Projection, missing_key
from bifrost.engine.planner.rekey import change_key_format, select_key
from bifrost.engine.planner.sources import source_stage, star_of
from bifrost.engine.planner.stage import Stage, all_values, schema_of
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Expression, JoinKind


@dataclass(frozen=True, slots=True)
class JoinOrigin:
    """Rows come from a join; columns are `<ALIAS>_<NAME>`. `viable` are the columns that can be the result's key.

    `synthetic` is the key's name if no column is viable. `foreign` is the left source of a foreign-key join; the result
    has its key.
    """

    sources: tuple[AnalyzedSource, ...]
    viable: tuple[ColumnRef, ...]
    synthetic: str | None = None
    foreign: AnalyzedSource | None = None

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The columns of all sources (or the named one), after the synthetic key if there is one."""
        names = [self.synthetic] if self.synthetic is not None and alias is None else []
        for source in self.sources:
            if alias in (None, source.alias):
                names.extend(join_alias(source.alias, name) for name in star_of(source.source))
        return tuple(names)

    def resolve(self, expression: Expression) -> Expression:
        """The expression unchanged: `unqualify` has prefixed its columns."""
        return expression

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Refuses a projection without the key, under any of its names."""
        if self.foreign is not None:
            _check_foreign_keys(self.foreign, projection)
        elif self.synthetic is not None:
            if not projection.contains(ColumnRef(self.synthetic)):
                raise AnalysisError(
                    missing_key(sink, "join expression", [self.synthetic], note=_synthetic(self.synthetic))
                )
        elif not any(projection.contains(key) for key in self.viable):
            names = [f"{key.source}.{key.name}" for key in self.viable]
            raise AnalysisError(missing_key(sink, "join expression", names, alternatives=True))


def _synthetic(name: str) -> str:
    return (
        f"\n{name} was added as a synthetic key column because the join criteria did not match any source column. "
        "This expression must be included in the projection and may be aliased."
    )


def _check_foreign_keys(left: AnalyzedSource, projection: Projection) -> None:
    keys = [column.name for column in left.source.schema.key]
    missing = [name for name in keys if not projection.contains(ColumnRef(name, left.alias))]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise AnalysisError(
            f"Primary key column{plural} missing in projection. For foreign-key table-table joins, the projection must "
            f"include all primary key columns from the left input table (`{left.alias}`). "
            f"Missing column{plural}: {', '.join(f'`{name}`' for name in missing)}."
        )


@dataclass(frozen=True, slots=True)
class JoinPlanner:
    """Plans the FROM clause of a query that has joins."""

    analysis: Analysis
    projection: Projection
    config: PlannerConfig
    persistent: bool

    def stage(self) -> Stage:
        """The stage after the last join.

        Raises:
            AnalysisError: two sources cannot be joined this way.
        """
        joins = self.analysis.joins
        left: Stage | None = None
        for number, join in enumerate(joins):
            # ksqlDB's names: each join is the left side of the next one, and the last has no prefix.
            prefix = "L_" * (len(joins) - 1 - number)
            left = self._join(join, left, joins[:number], prefix)
        assert left is not None  # called only for FROM clauses with joins
        return left

    def _join(self, join: AnalyzedJoin, before: Stage | None, earlier: Sequence[AnalyzedJoin], prefix: str) -> Stage:
        left = before if before is not None else self._source(join.left_source, f"{prefix}Left")
        right = self._source(join.right_source, f"{prefix}Right")
        left_key = self._key_expression(join.left, joined=before is not None)
        right_key = self._key_expression(join.right, joined=False)
        foreign = is_foreign_key_join(left, right, left_key, right_key, has_joined=before is not None)
        check_join(join, left, right, left_key, right_key, foreign=foreign, is_first=before is None)
        if foreign:
            return self._foreign_key_join(join, left, right, left_key, prefix)
        # After a full outer join, the column of either side may be null where the key is not.
        same_key = before is not None and join.left in earlier[-1].equivalent and earlier[-1].kind is not JoinKind.OUTER
        left, right = _same_key(left, right, left_key, right_key, prefix, pinned=same_key)
        if before is None:
            left = _prefixed(left, join.left_source.alias, f"PrependAlias{prefix}Left")
        right = _prefixed(right, join.right_source.alias, f"PrependAlias{prefix}Right")
        return self._joined(join, left, right, f"{prefix}Join")

    def _source(self, source: AnalyzedSource, side: str) -> Stage:
        return source_stage(source, f"KafkaTopic_{side}", self.analysis.functions, persistent=self.persistent)

    def _key_expression(self, expression: Expression, *, joined: bool) -> Expression:
        """The expression over the columns of one source, or of the previous joins."""
        scope = self.analysis.scope if joined else QueryScope(self.analysis.scope.sources[:1])
        return unqualify(expression, scope)

    def _joined(self, join: AnalyzedJoin, left: Stage, right: Stage, context: str) -> Stage:
        viable = tuple(
            key for source in self.analysis.scope.sources for key in join.viable_keys if key.source == source.alias
        )
        # The projection decides under which of its equal names the key goes into the result.
        key_column = next((key for key in viable if self.projection.contains(key)), viable[0] if viable else None)
        name = (
            self.analysis.synthetic_key if key_column is None else join_alias(str(key_column.source), key_column.name)
        )
        schema = _joined_schema(name, left.schema, right.schema)
        is_outermost = context == "Join"
        origin = JoinOrigin(
            sources=self.analysis.scope.sources,
            viable=viable,
            synthetic=name if key_column is None and is_outermost else None,
        )
        step = _join_step(join, left, right, context, schema, name)
        return replace(left, step=step, origin=origin)

    def _foreign_key_join(self, join: AnalyzedJoin, left: Stage, right: Stage, key: Expression, prefix: str) -> Stage:
        # As in ksqlDB, formats may differ; keys in registry formats contain schema ids, which must be equal.
        if all(side.formats.key.format.name in REGISTRY_FORMATS for side in (left, right)):
            right = change_key_format(right, f"{prefix}RightSourceKeyed-SelectKey", left.formats.key.format)
        left = _prefixed(left, join.left_source.alias, f"PrependAlias{prefix}Left")
        right = _prefixed(right, join.right_source.alias, f"PrependAlias{prefix}Right")
        values = (*names_and_types(left.schema.value), *names_and_types(right.schema.value))
        step = ForeignKeyTableTableJoin(
            context=f"{prefix}Join",
            schema=schema_of(names_and_types(left.schema.key), values),
            left=left.step,
            right=right.step,
            kind=join.kind,
            left_expression=unqualify(join.left, self.analysis.scope),
            formats=left.formats,
        )
        origin = JoinOrigin(self.analysis.scope.sources, (), foreign=join.left_source)
        return replace(left, step=step, origin=origin)


def _same_key(
    left: Stage, right: Stage, left_key: Expression, right_key: Expression, prefix: str, *, pinned: bool
) -> tuple[Stage, Stage]:
    """Both sides keyed by the join's expressions in one format; `pinned` says that the left side already is."""
    wanted = _common_format(left, right, left_key, right_key, pinned=pinned)
    if not pinned:
        left = _keyed(left, left_key, f"{prefix}LeftSourceKeyed-SelectKey", wanted)
    return left, _keyed(right, right_key, f"{prefix}RightSourceKeyed-SelectKey", wanted)


def _common_format(
    left: Stage, right: Stage, left_key: Expression, right_key: Expression, *, pinned: bool
) -> FormatInfo:
    """The key format of a side that needs no new key, preferring the left side."""
    if pinned or left.keyed_by([left_key]):
        return left.formats.key.format
    if right.keyed_by([right_key]):
        return right.formats.key.format
    wanted = left.formats.key.format
    return FormatInfo("KAFKA") if wanted.name == "NONE" else wanted


def _keyed(stage: Stage, key: Expression, context: str, wanted: FormatInfo) -> Stage:
    """The stage keyed by `key` in the wanted format.

    As in ksqlDB, keys in registry formats are always written again: their bytes contain schema ids, which differ
    between topics.
    """
    if not stage.keyed_by([key]):
        return select_key(stage, [key], context, wanted)
    if stage.formats.key.format == wanted and wanted.name not in REGISTRY_FORMATS:
        return stage
    if stage.is_windowed and stage.formats.key.format.name != wanted.name:
        return select_key(stage, [key], context, wanted)  # raises: windowed sources cannot be rekeyed
    return change_key_format(stage, context, wanted)


def _prefixed(stage: Stage, alias: str, context: str) -> Stage:
    values = all_values(stage.schema)
    keys = [(join_alias(alias, column.name), column.type) for column in stage.schema.key]
    schema = schema_of(keys, [(join_alias(alias, column.name), column.type) for column in values])
    selects = tuple(SelectItem(join_alias(alias, column.name), ColumnRef(column.name)) for column in values)
    step = TableSelect if stage.is_table else StreamSelect
    return stage.with_step(step(context, schema, stage.step, tuple(name for name, _ in keys), selects))


def _joined_schema(name: str, left: LogicalSchema, right: LogicalSchema) -> LogicalSchema:
    kind = left.key[0].type
    values = [*names_and_types(left.value), *names_and_types(right.value)]
    # A synthetic key is no column of either side, but the projection may select it.
    if all(name != taken for taken, _ in values):
        values.append((name, kind))
    return schema_of([(name, kind)], values)


def _join_step(join: AnalyzedJoin, left: Stage, right: Stage, context: str, schema: LogicalSchema, name: str) -> Step:
    if left.is_table:
        return TableTableJoin(context, schema, left.step, right.step, join.kind, name)
    if right.is_table:
        return StreamTableJoin(context, schema, left.step, right.step, join.kind, name, left.formats)
    assert join.within is not None  # checked before
    return StreamStreamJoin(
        context=context,
        schema=schema,
        left=left.step,
        right=right.step,
        kind=join.kind,
        key_name=name,
        left_formats=left.formats,
        right_formats=right.formats,
        before_ms=join.within.before.milliseconds,
        after_ms=join.within.after.milliseconds,
        grace_ms=None if join.within.grace is None else join.within.grace.milliseconds,
    )
