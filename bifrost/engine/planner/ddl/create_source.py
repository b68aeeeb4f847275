"""Plans CREATE STREAM|TABLE: declared or inferred columns, formats, and the topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.error_context import attach_statement
from bifrost.engine.analysis.scope import SYSTEM_COLUMNS, location_prefix
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import Column, FormatInfo, Formats, LogicalSchema, Namespace
from bifrost.engine.catalog.topics import TopicSpec
from bifrost.engine.planner.ddl.source_checks import (
    check_formats,
    check_key_types,
    check_name_is_free,
    check_replacement,
    check_struct_fields,
    check_timestamp,
    names_and_types,
)
from bifrost.engine.planner.ddl.topics import cleanup_policy, source_topic
from bifrost.engine.planner.ddl.with_clause import (
    REGISTRY_FORMATS,
    PartProperties,
    SourceProperties,
    avro_key_name,
    key_format,
    timestamp_of,
    value_format,
)
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.planner.outcome import CreatePlan
from bifrost.engine.serde import infer_columns
from bifrost.errors import AnalysisError, MissingTopic
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import (
    Constraint,
    CreateSource,
    IntegerLiteral,
    Literal,
    SourceKind,
    StringLiteral,
    TableElement,
)
from bifrost.sql.types import BYTES, STRING, SqlArray, SqlStruct, SqlType, StructField

_NO_COLUMNS = "No columns supplied."
HEADERS_TYPE = SqlArray(SqlStruct((StructField("KEY", STRING), StructField("VALUE", BYTES))))
"""The type of a HEADERS column."""


@dataclass(frozen=True, slots=True)
class SourceCreation:
    """One CREATE STREAM|TABLE; `statement` has its default formats added and its types resolved.

    `taken` is the source that already has the name, or None.
    """

    environment: Environment
    config: PlannerConfig
    statement: CreateSource
    kind: SourceKind
    properties: SourceProperties
    taken: DataSource | None

    def plan(self) -> CreatePlan:
        """The plan of the statement.

        Raises:
            AnalysisError: the statement is invalid.
        """
        statement = self.statement
        with attach_statement(format_statement(statement)):
            key_info, value_info = self._format_infos()
            statement = replace(statement, elements=self._elements(key_info, value_info))
            schema = _schema(statement.elements)
            self._check_schema(schema)
        topic, statement = self._topic(statement)
        with attach_statement(format_statement(statement)):
            source = self._source(statement, schema, self._formats(key_info, value_info, schema), topic)
            self._check_name(source)
        return CreatePlan(source.statement, source, topic, replaces=self.taken is not None)

    def _source(
        self, statement: CreateSource, schema: LogicalSchema, formats: Formats, topic: TopicSpec | None
    ) -> DataSource:
        check_formats(schema, formats)
        timestamp = timestamp_of(self.properties)
        check_timestamp(schema, timestamp)
        return DataSource(
            name=statement.name,
            kind=self.kind,
            schema=schema,
            topic=self._topic_name(),
            formats=formats,
            statement=format_statement(statement),
            timestamp=timestamp,
            read_only=statement.is_source,
            partitions=self._partitions(topic),
        )

    def _format_infos(self) -> tuple[FormatInfo, FormatInfo]:
        config = self.config
        key = self.properties.key.format_info(config.default_key_format)
        value = self.properties.value.format_info(config.default_value_format)
        assert key is not None and value is not None  # `DdlPlanner.create` added the defaults
        if key.name == "AVRO" and "fullSchemaName" not in key.properties:
            key = FormatInfo("AVRO", {**key.properties, "fullSchemaName": avro_key_name(self.statement.name)})
        return key, value

    def _formats(self, key: FormatInfo, value: FormatInfo, schema: LogicalSchema) -> Formats:
        wrap, default = self.properties.wrap_single_value, self.config.wrap_single_values
        values = value_format(value, len(schema.value), wrap=wrap, default_wrap=default)
        return Formats(key_format(key, self.properties.window), values)

    def _elements(self, key_info: FormatInfo, value_info: FormatInfo) -> tuple[TableElement, ...]:
        elements = self.statement.elements
        keys = tuple(e for e in elements if e.constraint in (Constraint.KEY, Constraint.PRIMARY_KEY))
        others = tuple(e for e in elements if e not in keys)
        values = tuple(e for e in others if e.constraint is None)
        new_keys = self._inferred(self.properties.key, key_info, keys, is_key=True)
        new_values = self._inferred(self.properties.value, value_info, values, is_key=False)
        found = (*new_keys, *elements, *new_values)
        if not found:
            raise AnalysisError(_NO_COLUMNS)
        return found

    def _inferred(
        self, part: PartProperties, info: FormatInfo, declared: Sequence[TableElement], *, is_key: bool
    ) -> tuple[TableElement, ...]:
        name = "KEY" if is_key else "VALUE"
        if info.name not in REGISTRY_FORMATS:
            if part.schema_id is not None:
                raise AnalysisError(
                    f"{name}_FORMAT should support schema inference when {name}_SCHEMA_ID is provided. "
                    f"Current format is {info.name}."
                )
            return ()
        if declared and part.schema_id is None:
            return ()
        found = self._from_registry(info, is_key=is_key)
        if not declared:
            return found
        # A completed statement lists the columns of its schema id; it must be accepted when it is replayed.
        if found != tuple(replace(element, location=None) for element in declared):
            raise AnalysisError(f"Table elements and {name}_SCHEMA_ID cannot both exist for create statement.")
        return ()

    def _from_registry(self, info: FormatInfo, *, is_key: bool) -> tuple[TableElement, ...]:
        registry = self.environment.registry
        columns = infer_columns(info, registry, self._topic_name(), is_key=is_key, is_bare=self._is_bare(is_key))
        constraint = None if not is_key else self._key_constraint()
        return tuple(TableElement(column, kind, constraint) for column, kind in columns)

    def _is_bare(self, is_key: bool) -> bool | None:
        return None if is_key or self.properties.wrap_single_value is None else not self.properties.wrap_single_value

    def _key_constraint(self) -> Constraint:
        return Constraint.KEY if self.kind is SourceKind.STREAM else Constraint.PRIMARY_KEY

    def _check_schema(self, schema: LogicalSchema) -> None:
        if self.kind is SourceKind.TABLE and not schema.key:
            raise AnalysisError("Tables require a PRIMARY KEY. Please define the PRIMARY KEY.")
        if self.properties.window is not None and not schema.key:
            raise AnalysisError("Windowed sources require a key column.")
        check_struct_fields(schema.columns)
        check_key_types(names_and_types(schema.key))

    def _topic_name(self) -> str:
        assert self.properties.topic is not None  # `SourceProperties.of_source` requires it
        return self.properties.topic

    def _topic(self, statement: CreateSource) -> tuple[TopicSpec | None, CreateSource]:
        name = self._topic_name()
        found = self.environment.topic(name)
        if found is None and self.properties.partitions is None:
            raise MissingTopic(_missing_topic(name, statement))
        policy = cleanup_policy(self.kind, windowed=self.properties.window is not None)
        spec = source_topic(name, self.properties, found, policy)
        added: Mapping[str, Literal] = {"CLEANUP_POLICY": StringLiteral(self.properties.cleanup_policy or policy)}
        return spec, replace(statement, properties=statement.properties.adding(added))

    def _partitions(self, spec: TopicSpec | None) -> int:
        if spec is not None:
            return spec.partitions
        found = self.environment.topic(self._topic_name())
        return 1 if found is None else found.partitions

    def _check_name(self, source: DataSource) -> None:
        if self.statement.or_replace and (source.read_only or (self.taken is not None and self.taken.read_only)):
            check_replacement(source, source if source.read_only else replace(source, read_only=True))
        if self.taken is None:
            return
        if not self.statement.or_replace:
            check_name_is_free(source.name, self.kind, self.taken)
        check_replacement(self.taken, source)


def _missing_topic(name: str, statement: CreateSource) -> str:
    example = replace(statement, properties=statement.properties.adding({"PARTITIONS": IntegerLiteral(2)}))
    return (
        f"Topic '{name}' does not exist. If you want to create a new topic for the stream/table please re-run the "
        "statement providing the required 'PARTITIONS' configuration in the WITH clause (and optionally 'REPLICAS'). "
        f"For example: {format_statement(example)}"
    )


def _schema(elements: Sequence[TableElement]) -> LogicalSchema:
    seen: set[str] = set()
    columns = []
    for element in elements:
        if element.name in SYSTEM_COLUMNS:
            raise AnalysisError(
                f"Failed to prepare statement: {location_prefix(element)}'{element.name}' is a reserved column name. "
                "You cannot use it as a name for a column."
            )
        if element.name in seen:
            raise AnalysisError(f"Duplicate column names: `{element.name}`")
        seen.add(element.name)
        columns.append(_column(element))
    schema = LogicalSchema(tuple(columns))
    _check_headers(schema)
    return schema


def _check_headers(schema: LogicalSchema) -> None:
    seen: set[str | None] = set()
    for column in schema.headers:
        if column.header in seen:
            word = "HEADERS" if column.header is None else f"HEADER('{column.header}')"
            raise AnalysisError(f"Schema already contains a {word} column.")
        seen.add(column.header)
    if None in seen and len(seen) > 1:
        raise AnalysisError("Schema cannot contain both a HEADERS column and HEADER('key') columns.")


def _column(element: TableElement) -> Column:
    match element.constraint:
        case None:
            return Column(element.name, element.type)
        case Constraint.KEY | Constraint.PRIMARY_KEY:
            return Column(element.name, element.type, Namespace.KEY)
        case Constraint.HEADER:
            _check_header_type(f"HEADER('{element.header}')", BYTES, element.type)
            return Column(element.name, element.type, Namespace.HEADERS, element.header)
        case Constraint.HEADERS:
            _check_header_type("HEADERS", HEADERS_TYPE, element.type)
            return Column(element.name, element.type, Namespace.HEADERS)


def _check_header_type(what: str, wanted: SqlType, found: SqlType) -> None:
    if found != wanted:
        raise AnalysisError(f"Invalid type for {what} column: expected {wanted}, got {found}")
