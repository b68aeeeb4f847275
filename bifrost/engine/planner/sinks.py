"""The sink of CREATE ... AS SELECT and INSERT INTO: its formats, its schema, and the last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import Column, FormatInfo, Formats, LogicalSchema, Namespace, TimestampColumn
from bifrost.engine.plan.steps import SelectItem, StreamSelect, StreamSink, TableSelect, TableSink
from bifrost.engine.planner.coercion import decimal_literal, widens_decimal
from bifrost.engine.planner.ddl.source_checks import check_formats, check_key_types, check_timestamp, names_and_types
from bifrost.engine.planner.ddl.with_clause import (
    PartProperties,
    SourceProperties,
    avro_key_name,
    format_info,
    key_format,
    value_format,
)
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.planner.stage import Stage
from bifrost.engine.serde import infer_columns
from bifrost.errors import AnalysisError
from bifrost.sql.tree import Cast
from bifrost.sql.types import SqlType

_INHERITED = frozenset({"delimiter", "unwrapPrimitives", "nullableRepresentation"})


def sink_formats(
    name: str, stage: Stage, properties: SourceProperties, origin: DataSource, config: PlannerConfig
) -> Formats:
    """The formats of a new sink: those in WITH, otherwise those of the leftmost source.

    Raises:
        AnalysisError: a format is unknown or does not support a property, or a stream without key has a key format.
    """
    schema = stage.schema
    has_no_key = not schema.key and stage.formats.key.format.name == "NONE"  # after PARTITION BY NULL
    if has_no_key and properties.key.format is not None and properties.key.format.strip().upper() != "NONE":
        raise AnalysisError(
            f"Key format specified for stream without key columns: {name} has no key, so remove KEY_FORMAT and FORMAT "
            "from WITH, or set KEY_FORMAT='NONE'."
        )
    key_info = stage.formats.key.format if has_no_key else _inherited(properties.key, _key_origin(origin, config))
    if key_info.name == "AVRO" and "fullSchemaName" not in key_info.properties:
        key_info = FormatInfo("AVRO", {**key_info.properties, "fullSchemaName": avro_key_name(name)})
    value_info = _inherited(properties.value, origin.formats.value.format)
    value = value_format(
        value_info, len(schema.value), wrap=properties.wrap_single_value, default_wrap=config.wrap_single_values
    )
    return Formats(key_format(key_info, stage.formats.key.window), value)


def _key_origin(origin: DataSource, config: PlannerConfig) -> FormatInfo:
    inherited = origin.formats.key.format
    return FormatInfo(config.default_key_format) if inherited.name == "NONE" else inherited


def _inherited(part: PartProperties, origin: FormatInfo) -> FormatInfo:
    own = part.as_format_properties()
    name = (origin.name if part.format is None else part.format).upper()
    # Another format does not know the origin's properties.
    return format_info(name, {**_inheritable_properties(origin), **own} if name == origin.name else own)


def _inheritable_properties(origin: FormatInfo) -> dict[str, str]:
    inherited = _INHERITED | ({"fullSchemaName"} if origin.name == "PROTOBUF" else set())
    return {name: value for name, value in origin.properties.items() if name in inherited}


def check_sink(schema: LogicalSchema, formats: Formats, timestamp: TimestampColumn | None) -> None:
    """Checks a new sink.

    Raises:
        AnalysisError: a key contains a map, a format cannot hold the columns, or the timestamp column is invalid.
    """
    check_key_types(names_and_types(schema.key))
    check_formats(schema, formats)
    check_timestamp(schema, timestamp)


def check_registered(schema: LogicalSchema, formats: Formats, topic: str, environment: Environment) -> None:
    """Checks the columns against the registered schemas that WITH names by id.

    Raises:
        AnalysisError: a column differs from its schema.
    """
    for is_key, info, columns in (
        (True, formats.key.format, schema.key),
        (False, formats.value.format, schema.value),
    ):
        if "schemaId" not in info.properties:
            continue
        registered = infer_columns(info, environment.registry, topic, is_key=is_key)
        _check_subset(columns, registered, is_key=is_key)


def _check_subset(columns: Sequence[Column], registered: Sequence[tuple[str, SqlType]], *, is_key: bool) -> None:
    # A single key column is written without a record around it, so its name is not in the schema.
    if is_key and len(columns) == 1 and len(registered) == 1:
        changed = [] if columns[0].type == registered[0][1] else list(columns)
    else:
        changed = [c for n, c in enumerate(columns) if registered[n : n + 1] != ((c.name, c.type),)]
    if changed:
        part = "key" if is_key else "value"
        listed = ", ".join(f"`{name}` {kind}" for name, kind in registered)
        raise AnalysisError(
            f"The following {part} columns are changed, missing or reordered: [{LogicalSchema(tuple(changed))}]. "
            f"Schema from schema registry is [{listed}]"
        )


def with_sink_step(stage: Stage, name: str, topic: str, formats: Formats, timestamp: TimestampColumn | None) -> Stage:
    """The stage with a sink step on top; the step's context is the sink's name."""
    step = TableSink if stage.is_table else StreamSink
    return replace(stage, step=step(name, stage.schema, stage.step, topic, formats, timestamp), formats=formats)


def cast_to_sink(stage: Stage, sink: DataSource) -> Stage:
    """The stage with its columns cast to those of an existing sink, as ksqlDB does.

    Decimals are cast to wider decimals, and number literals to decimals. Other types must be equal: an INTEGER column
    does not become a BIGINT.

    Raises:
        AnalysisError: a name differs, or a type is neither equal nor cast.
    """
    result, wanted = stage.schema, sink.schema
    step = stage.step
    items = step.selects if isinstance(step, StreamSelect | TableSelect) else ()
    types = {column.name: column.type for column in wanted.value}
    found = {column.name: column.type for column in result.value}
    casts = {item.name: _cast(item, found[item.name], types.get(item.name)) for item in items if item.name in found}
    if len(result.columns) != len(wanted.columns) or not all(
        new == old or (_same_place(new, old) and casts.get(new.name) is not None)
        for new, old in zip(result.columns, wanted.columns, strict=True)
    ):
        raise AnalysisError(
            f"Incompatible schema between results and sink.\nResult schema is {result}\nSink schema is {wanted}"
        )
    if result == wanted or not isinstance(step, StreamSelect | TableSelect):
        return stage
    selects = tuple(casts.get(item.name) or item for item in items)
    return replace(stage, step=replace(step, schema=wanted, selects=selects))


def _same_place(new: Column, old: Column) -> bool:
    return new.name == old.name and new.namespace is old.namespace is Namespace.VALUE


def _cast(item: SelectItem, found: SqlType, wanted: SqlType | None) -> SelectItem | None:
    """The item as the wanted type, or None if it cannot be cast to it."""
    if wanted is None or found == wanted:
        return item if found == wanted else None
    literal = decimal_literal(item.expression, wanted)
    if literal is not None:
        return SelectItem(item.name, literal)
    return SelectItem(item.name, Cast(item.expression, wanted)) if widens_decimal(found, wanted) else None
