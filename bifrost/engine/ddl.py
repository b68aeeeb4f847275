"""CREATE, ALTER and DROP of streams, tables and types, decided on without doing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bifrost.engine.analysis.blame import blaming
from bifrost.engine.analysis.scope import SYSTEM_COLUMNS
from bifrost.engine.environment import Environment, PlannerConfig
from bifrost.engine.metastore import DataSource, MetaStore, SourceKind
from bifrost.engine.planned import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DdlPlan,
    DropPlan,
    DropTypePlan,
    NothingToDo,
    TopicSpec,
)
from bifrost.engine.properties import (
    REGISTRY_FORMATS,
    PartProperties,
    SourceProperties,
    avro_key_name,
    key_format,
    timestamp_of,
    value_format,
)
from bifrost.engine.schema import Column, FormatInfo, Formats, LogicalSchema, Namespace
from bifrost.engine.serde import infer_columns
from bifrost.engine.source_checks import (
    check_formats,
    check_key_types,
    check_name_is_free,
    check_replacement,
    check_timestamp,
    pairs,
)
from bifrost.engine.topics import cleanup_policy, source_topic
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import (
    AlterSource,
    Constraint,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    IntegerLiteral,
    Literal,
    StringLiteral,
    TableElement,
    resolve_types,
)
from bifrost.sql.tree import SourceKind as WrittenKind
from bifrost.sql.types import BYTES, STRING, SqlArray, SqlStruct, SqlType, StructField

_NO_COLUMNS = "No columns supplied."
HEADERS_TYPE = SqlArray(SqlStruct((StructField("KEY", STRING), StructField("VALUE", BYTES))))
"""The type of a HEADERS column."""


@dataclass(frozen=True, slots=True)
class DdlPlanner:
    """Decides what a statement would change in a metastore."""

    metastore: MetaStore
    environment: Environment
    config: PlannerConfig

    def create(self, statement: CreateSource) -> CreatePlan | NothingToDo:
        """CREATE STREAM|TABLE.

        Raises:
            AnalysisError: the name is taken, columns cannot be had or carried, a property is wrong.
        """
        statement = resolve_types(statement, self.metastore.types)
        kind = source_kind(statement.kind)
        taken = self.metastore.find(statement.name)
        if taken is not None and statement.if_not_exists:
            return already_there(statement.name, kind, taken, format_statement(statement))
        properties = SourceProperties.of_source(statement.properties)
        filled = self._with_formats(statement, properties)
        return _Creation(self, filled, kind, properties, taken).plan()

    def _with_formats(self, statement: CreateSource, properties: SourceProperties) -> CreateSource:
        added: dict[str, Literal] = {}
        if properties.key.format is None:
            added["KEY_FORMAT"] = StringLiteral(self.config.default_key_format)
        if properties.value.format is None:
            if self.config.default_value_format is None:
                raise AnalysisError(
                    "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set "
                    "a default via the 'ksql.persistence.default.format.value' config."
                )
            added["VALUE_FORMAT"] = StringLiteral(self.config.default_value_format)
        return replace(statement, properties=statement.properties.adding(added))

    def alter(self, statement: AlterSource) -> AlterPlan:
        """ALTER STREAM|TABLE ... ADD COLUMN.

        Raises:
            AnalysisError: there is no such source, a query writes it, or it has such a column.
        """
        statement = resolve_types(statement, self.metastore.types)
        source = self._existing(statement.kind, statement.name, "ALTER")
        if source.created_by is not None:
            raise AnalysisError(
                f"ALTER command is not supported for CREATE ... AS statements. Use CREATE OR REPLACE on {source.name}."
            )
        if source.read_only:
            raise AnalysisError(f"Cannot alter {source.kind.value.lower()} '{source.name}': it is read-only.")
        columns = list(source.schema.columns)
        for addition in statement.additions:
            if any(column.name == addition.name for column in columns):
                raise AnalysisError(
                    f"Cannot add column `{addition.name}` to schema. A column with the same name already exists."
                )
            columns.append(Column(addition.name, addition.type))
        schema = LogicalSchema(tuple(columns))
        check_formats(schema, source.formats)
        return AlterPlan(format_statement(statement), replace(source, schema=schema))

    def drop(self, statement: DropSource) -> DropPlan | NothingToDo:
        """DROP STREAM|TABLE.

        Raises:
            AnalysisError: there is none of that name and kind, or others are made from it.
        """
        text = format_statement(replace(statement, delete_topic=False))
        if statement.if_exists and self.metastore.find(statement.name) is None:
            return NothingToDo(text, f"Source `{statement.name}` does not exist.")
        source = self._existing(statement.kind, statement.name, "DROP")
        users = self.metastore.users_of(source.name)
        if users:
            raise AnalysisError(
                f"Cannot drop {source.name}.\n"
                f"The following streams and/or tables read from this source: [{', '.join(users)}].\n"
                f"You need to drop them before dropping {source.name}."
            )
        if statement.delete_topic and source.read_only:
            raise AnalysisError(f"Cannot delete topic of read-only source: {source.name}")
        return DropPlan(text, source, delete_topic=statement.delete_topic, query_id=source.created_by)

    def _existing(self, kind: WrittenKind, name: str, verb: str) -> DataSource:
        source = self.metastore.find(name)
        if source is None:
            raise AnalysisError(f"{kind.value.capitalize()} {name} does not exist.")
        if source.kind is not source_kind(kind):
            raise AnalysisError(
                f"Incompatible data source type is {source.kind.value}, but statement was {verb} {kind.value}"
            )
        return source

    def create_type(self, statement: CreateType) -> CreateTypePlan | NothingToDo:
        """CREATE TYPE.

        Raises:
            AnalysisError: the name is taken, or a type within is unknown.
        """
        statement = resolve_types(statement, self.metastore.types)
        text = format_statement(statement)
        taken = self.metastore.types.get(statement.name)
        if taken is None:
            return CreateTypePlan(text, statement.name, statement.type)
        message = f"Cannot register custom type '{statement.name}' since it is already registered with type: {taken}"
        if statement.if_not_exists:
            return NothingToDo(text, f"{statement.name} is already registered with type {taken}")
        raise AnalysisError(message)

    def drop_type(self, statement: DropType) -> DropTypePlan | NothingToDo:
        """DROP TYPE.

        Raises:
            AnalysisError: there is none of that name.
        """
        text = format_statement(statement)
        if statement.name in self.metastore.types:
            return DropTypePlan(text, statement.name)
        if statement.if_exists:
            return NothingToDo(text, f"Type '{statement.name}' does not exist")
        raise AnalysisError(f"Type {statement.name} does not exist.")


def source_kind(kind: WrittenKind) -> SourceKind:
    """The metastore's kind for the tree's."""
    return SourceKind[kind.name]


def already_there(name: str, kind: SourceKind, taken: DataSource, text: str) -> NothingToDo:
    """The answer to IF NOT EXISTS where the name is taken."""
    message = (
        f"Cannot add {kind.value.lower()} `{name}`: A {taken.kind.value.lower()} with the same name already exists."
    )
    return NothingToDo(text, message)


@dataclass(frozen=True, slots=True)
class _Creation:
    """One CREATE STREAM|TABLE; `statement` has its formats filled in and its types resolved."""

    planner: DdlPlanner
    statement: CreateSource
    kind: SourceKind
    properties: SourceProperties
    taken: DataSource | None

    def plan(self) -> CreatePlan:
        statement = self.statement
        with blaming(format_statement(statement)):
            key_info, value_info = self._format_infos()
            statement = replace(statement, elements=self._elements(key_info, value_info))
            schema = _schema(statement.elements)
            self._check_schema(schema)
        topic, statement = self._topic(statement)
        with blaming(format_statement(statement)):
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
        config = self.planner.config
        key = self.properties.key.format_info(config.default_key_format)
        value = self.properties.value.format_info(config.default_value_format)
        assert key is not None and value is not None  # both have been filled in
        if key.name == "AVRO" and "fullSchemaName" not in key.properties:
            key = FormatInfo("AVRO", {**key.properties, "fullSchemaName": avro_key_name(self.statement.name)})
        return key, value

    def _formats(self, key: FormatInfo, value: FormatInfo, schema: LogicalSchema) -> Formats:
        wrap, default = self.properties.wrap_single_value, self.planner.config.wrap_single_values
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
        if part.schema_id is not None and declared:
            raise AnalysisError(f"Table elements and {name}_SCHEMA_ID cannot both exist for create statement.")
        if info.name not in REGISTRY_FORMATS:
            if part.schema_id is not None:
                raise AnalysisError(
                    f"{name}_FORMAT should support schema inference when {name}_SCHEMA_ID is provided. "
                    f"Current format is {info.name}."
                )
            return ()
        if declared:
            return ()
        registry = self.planner.environment.registry
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
        check_key_types(pairs(schema.key))

    def _topic_name(self) -> str:
        assert self.properties.topic is not None  # the property is required
        return self.properties.topic

    def _topic(self, statement: CreateSource) -> tuple[TopicSpec | None, CreateSource]:
        name = self._topic_name()
        found = self.planner.environment.topic(name)
        if found is None and self.properties.partitions is None:
            raise AnalysisError(_missing_topic(name, statement))
        policy = cleanup_policy(self.kind, windowed=self.properties.window is not None)
        spec = source_topic(name, self.properties, found, policy)
        added: Mapping[str, Literal] = {"CLEANUP_POLICY": StringLiteral(self.properties.cleanup_policy or policy)}
        return spec, replace(statement, properties=statement.properties.adding(added))

    def _partitions(self, spec: TopicSpec | None) -> int:
        if spec is not None:
            return spec.partitions
        found = self.planner.environment.topic(self._topic_name())
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
                f"Failed to prepare statement: {_place(element)}'{element.name}' is a reserved column name. "
                "You cannot use it as a name for a column."
            )
        if element.name in seen:
            raise AnalysisError(f"Duplicate column names: `{element.name}`")
        seen.add(element.name)
        columns.append(_column(element))
    return LogicalSchema(tuple(columns))


def _place(element: TableElement) -> str:
    return "" if element.location is None else f"{element.location}: "


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


DDL = CreateSource | AlterSource | DropSource | CreateType | DropType
"""The statements that a `DdlPlanner` plans."""


def plan_ddl(planner: DdlPlanner, statement: DDL) -> DdlPlan:
    """What the statement would change.

    Raises:
        AnalysisError: it cannot be.
    """
    match statement:
        case CreateSource():
            return planner.create(statement)
        case AlterSource():
            return planner.alter(statement)
        case DropSource():
            return planner.drop(statement)
        case CreateType():
            return planner.create_type(statement)
        case DropType():
            return planner.drop_type(statement)
