"""Plans CREATE, ALTER and DROP of streams, tables and types."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import Column, LogicalSchema
from bifrost.engine.planner.ddl.create_source import SourceCreation
from bifrost.engine.planner.ddl.source_checks import check_formats
from bifrost.engine.planner.ddl.with_clause import SourceProperties
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.planner.outcome import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DdlPlan,
    DropPlan,
    DropTypePlan,
    NothingToDo,
)
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import (
    AlterSource,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    Literal,
    SourceKind,
    StringLiteral,
    resolve_types,
)


@dataclass(frozen=True, slots=True)
class DdlPlanner:
    """Plans the changes that a statement makes to a metastore."""

    metastore: MetaStore
    environment: Environment
    config: PlannerConfig

    def create(self, statement: CreateSource) -> CreatePlan | NothingToDo:
        """CREATE STREAM|TABLE.

        Raises:
            AnalysisError: the name is in use, columns cannot be inferred or serialized, or a property is invalid.
        """
        statement = resolve_types(statement, self.metastore.types)
        kind = statement.kind
        taken = self.metastore.find(statement.name)
        if taken is not None and statement.if_not_exists:
            return already_exists(statement.name, kind, taken, format_statement(statement))
        properties = SourceProperties.of_source(statement.properties)
        filled = self._with_formats(statement, properties)
        return SourceCreation(self.environment, self.config, filled, kind, properties, taken).plan()

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
            AnalysisError: no such source exists, a query writes it, or it already has the column.
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
            AnalysisError: no source of that name and kind exists, or other sources read it.
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

    def _existing(self, kind: SourceKind, name: str, verb: str) -> DataSource:
        source = self.metastore.find(name)
        if source is None:
            what = "Source" if verb == "ALTER" else kind.value.capitalize()
            raise AnalysisError(f"{what} {name} does not exist.")
        if source.kind is not kind:
            raise AnalysisError(
                f"Incompatible data source type is {source.kind.value}, but statement was {verb} {kind.value}"
            )
        return source

    def create_type(self, statement: CreateType) -> CreateTypePlan | NothingToDo:
        """CREATE TYPE.

        Raises:
            AnalysisError: the name is in use, or an inner type is unknown.
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
            AnalysisError: no type of that name exists.
        """
        text = format_statement(statement)
        if statement.name in self.metastore.types:
            return DropTypePlan(text, statement.name)
        if statement.if_exists:
            return NothingToDo(text, f"Type '{statement.name}' does not exist")
        raise AnalysisError(f"Type {statement.name} does not exist.")


def already_exists(name: str, kind: SourceKind, taken: DataSource, text: str) -> NothingToDo:
    """The plan of a statement with IF NOT EXISTS whose name is in use."""
    message = (
        f"Cannot add {kind.value.lower()} `{name}`: A {taken.kind.value.lower()} with the same name already exists."
    )
    return NothingToDo(text, message)


DDL = CreateSource | AlterSource | DropSource | CreateType | DropType
"""The statements that a `DdlPlanner` plans."""


def plan_ddl(planner: DdlPlanner, statement: DDL) -> DdlPlan:
    """The plan of a DDL statement.

    Raises:
        AnalysisError: the statement is invalid.
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
