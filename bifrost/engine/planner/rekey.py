"""Changes the key: PARTITION BY, and the repartitioning that joins need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.names import NameGenerator
from bifrost.engine.analysis.scope import SYSTEM_COLUMNS
from bifrost.engine.catalog.schema import FormatInfo, Formats, KeyFormat, LogicalSchema
from bifrost.engine.plan.steps import StreamSelectKey, TableSelectKey
from bifrost.engine.planner.ddl.source_checks import check_key_types, names_and_types
from bifrost.engine.planner.projection import Projection, missing_key
from bifrost.engine.planner.stage import Origin, Stage, known_type, schema_of
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import ColumnRef, Expression, NullLiteral
from bifrost.sql.types import BIGINT, BYTES, DOUBLE, INTEGER, STRING, SqlType

_KAFKA_KEY_TYPES = frozenset({INTEGER, BIGINT, DOUBLE, STRING, BYTES})


@dataclass(frozen=True, slots=True)
class PartitionOrigin:
    """Rows have a new key. `keys` are its expressions with their columns, `written` the expressions as written."""

    before: Origin
    keys: tuple[tuple[Expression, str], ...]
    written: tuple[Expression, ...]
    schema: LogicalSchema
    hidden: frozenset[str]

    def star(self, alias: str | None) -> tuple[str, ...]:
        """The new key columns, then the other columns."""
        names = [column.name for column in self.schema.key]
        names += [name for column in self.schema.value if (name := column.name) not in names]
        keys = {column.name for column in self.schema.key}
        shown = tuple(name for name in names if name in keys or name not in self.hidden)
        if alias is None:
            return shown
        ours = set(self.before.star(alias)) | {name for expression, name in self.keys if _is_generated(expression)}
        return tuple(name for name in shown if name in ours)

    def resolve(self, expression: Expression) -> Expression:
        """The expression with key expressions replaced by their columns."""
        for key, name in self.keys:
            if key == expression:
                return ColumnRef(name, location=expression.location)
        return self.before.resolve(expression)

    def check_keys(self, projection: Projection, sink: str) -> None:
        """Refuses a projection without all expressions of PARTITION BY."""
        if not all(_selected(key, projection) for key in self.written):
            names = [format_expression(key) for key in self.written]
            raise AnalysisError(missing_key(sink, "partitioning expression", names))


def _is_generated(expression: Expression) -> bool:
    return not isinstance(expression, ColumnRef)


def _selected(key: Expression, projection: Projection) -> bool:
    return projection.contains(key) or (_is_generated(key) and projection.has_any_star) or projection.has_star


def partition_stage(
    stage: Stage, written: Sequence[Expression], keys: Sequence[Expression], default_key: FormatInfo
) -> Stage:
    """The stage after PARTITION BY: `written` are the qualified expressions, `keys` those over the stage's columns.

    Raises:
        AnalysisError: the source is a table, or NULL is one of several expressions.
    """
    named = [(key, text) for key, text in zip(keys, written, strict=True) if not isinstance(key, NullLiteral)]
    # PARTITION BY NULL alone removes the key.
    if len(named) != len(keys) and len(keys) > 1:
        raise AnalysisError("Cannot PARTITION BY multiple columns including NULL")
    rekeyed = stage
    if not stage.keyed_by(keys):
        _refuse_table(stage, keys)
        key_format = _partition_format(stage, default_key) if named else FormatInfo("NONE")
        rekeyed = select_key(stage, [key for key, _ in named], "PartitionBy", key_format)
    names = [column.name for column in rekeyed.schema.key]
    origin = PartitionOrigin(
        before=stage.origin,
        keys=tuple(zip((key for key, _ in named), names, strict=True)),
        written=tuple(text for _, text in named),
        schema=rekeyed.schema,
        hidden=SYSTEM_COLUMNS,
    )
    return replace(rekeyed, origin=origin)


def _refuse_table(stage: Stage, keys: Sequence[Expression]) -> None:
    if stage.is_table:
        current = ", ".join(column.name for column in stage.schema.key)
        wanted = ", ".join(format_expression(key) for key in keys)
        raise AnalysisError(
            "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's key "
            f"column {current} instead of {wanted}"
        )


def _partition_format(stage: Stage, default_key: FormatInfo) -> FormatInfo:
    current = stage.formats.key.format
    return default_key if current.name == "NONE" else current


def select_key(stage: Stage, keys: Sequence[Expression], context: str, key_format: FormatInfo) -> Stage:
    """The stage with a new key.

    Raises:
        AnalysisError: the stage's keys are windowed, or the new key contains a map.
    """
    if stage.is_windowed:
        raise AnalysisError(
            "Implicit repartitioning of windowed sources is not supported. "
            "See https://github.com/confluentinc/ksql/issues/4385."
        )
    schema = _rekeyed_schema(stage, keys)
    formats = Formats(fitting_key_format(key_format, names_and_types(schema.key)), stage.formats.value)
    step = TableSelectKey if stage.is_table else StreamSelectKey
    return replace(stage, step=step(context, schema, stage.step, tuple(keys), formats), formats=formats)


def change_key_format(stage: Stage, context: str, key_format: FormatInfo) -> Stage:
    """The same rows and key in another format, so that both sides of a join have equal key bytes."""
    keys = tuple(ColumnRef(column.name) for column in stage.schema.key)
    window = stage.formats.key.window
    formats = Formats(
        replace(fitting_key_format(key_format, names_and_types(stage.schema.key)), window=window), stage.formats.value
    )
    step = TableSelectKey if stage.is_table else StreamSelectKey
    return replace(stage, step=step(context, stage.schema, stage.step, keys, formats), formats=formats)


def _rekeyed_schema(stage: Stage, keys: Sequence[Expression]) -> LogicalSchema:
    """New key columns and the stage's columns as values; generated key columns are also the last value columns."""
    schema = stage.schema
    generator = NameGenerator(column.name for column in schema)
    new = [(generator.key(key), known_type(stage, key)) for key in keys]
    check_key_types(new)
    added = [pair for key, pair in zip(keys, new, strict=True) if not isinstance(key, ColumnRef)]
    values = [(column.name, column.type) for column in schema.columns if column not in schema.key]
    return schema_of(new, [*values, *added])


def fitting_key_format(info: FormatInfo, keys: Sequence[tuple[str, SqlType]]) -> KeyFormat:
    """The key format of an internal topic: JSON if `info` cannot hold the key, as in ksqlDB."""
    holds = info.name != "NONE"
    # Kafka's own serializers write one primitive value, so they hold no key of several columns.
    if info.name == "KAFKA":
        holds = len(keys) == 1 and keys[0][1] in _KAFKA_KEY_TYPES
    # A line of separated texts has no place for nested values.
    if info.name == "DELIMITED":
        holds = all(not str(kind).startswith(("ARRAY", "MAP", "STRUCT")) for _, kind in keys)
    return KeyFormat(info if holds or not keys else FormatInfo("JSON"))
