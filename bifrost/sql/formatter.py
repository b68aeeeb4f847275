"""Writes statements as ksqlDB prints them. Parsing the text gives the same tree.

CREATE STREAM BIG WITH (PARTITIONS=1) AS SELECT
  ORDERS.ID ID,
  (ORDERS.AMOUNT * 2) TWICE
FROM ORDERS ORDERS
EMIT CHANGES;
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from bifrost.sql.format_expressions import format_expression, format_literal, format_type, quote_string
from bifrost.sql.format_queries import format_duration, format_query
from bifrost.sql.keywords import needs_quotes, write_name
from bifrost.sql.tree import (
    AlterSource,
    AlterSystem,
    AssertSchema,
    AssertSource,
    AssertTombstone,
    AssertTopic,
    AssertValues,
    Constraint,
    CreateAsSelect,
    CreateConnector,
    CreateSource,
    CreateType,
    DefineVariable,
    DescribeConnector,
    DescribeFunction,
    DescribeSource,
    DescribeSources,
    DropConnector,
    DropSource,
    DropType,
    Explain,
    Expression,
    InsertSelect,
    InsertValues,
    PauseQuery,
    PrintTopic,
    Properties,
    Query,
    ResumeQuery,
    RunScript,
    SetProperty,
    Show,
    Spool,
    Statement,
    TableElement,
    TerminateQuery,
    UndefineVariable,
    UnsetProperty,
)

__all__ = ["format_expression", "format_literal", "format_query", "format_statement", "format_type"]


def format_statement(statement: Statement) -> str:
    """The statement as ksqlDB prints it, with its `;`."""
    return f"{_statement(statement)};"


def _statement(statement: Statement) -> str:
    match statement:
        case Query():
            return format_query(statement)
        case CreateSource() | CreateAsSelect() | CreateType() | CreateConnector():
            return _creation(statement)
        case InsertSelect() | InsertValues():
            return _insertion(statement)
        case DropSource() | DropType() | DropConnector() | AlterSource():
            return _alteration(statement)
        case AssertTopic() | AssertSchema() | AssertValues() | AssertTombstone() | AssertSource():
            return _assertion(statement)
        case _:
            return _administration(statement)


def _creation(statement: CreateSource | CreateAsSelect | CreateType | CreateConnector) -> str:
    name = f"{'IF NOT EXISTS ' if statement.if_not_exists else ''}{write_name(statement.name)}"
    match statement:
        case CreateType():
            return f"CREATE TYPE {name} AS {format_type(statement.type)}"
        case CreateConnector():
            return f"CREATE {statement.kind.value} CONNECTOR {name}{_with(statement.properties)}"
        case CreateAsSelect():
            start = f"CREATE{_replacing(statement.or_replace)} {statement.kind.value} {name}"
            return f"{start}{_with(statement.properties)} AS {format_query(statement.query)}"
        case CreateSource():
            source = " SOURCE" if statement.is_source else ""
            start = f"CREATE{_replacing(statement.or_replace)}{source} {statement.kind.value} {name}"
            return f"{start}{_elements(statement.elements)}{_with(statement.properties)}"
        case _:
            assert_never(statement)


def _replacing(or_replace: bool) -> str:
    return " OR REPLACE" if or_replace else ""


def _elements(elements: tuple[TableElement, ...]) -> str:
    return f" ({', '.join(map(_element, elements))})" if elements else ""


def _element(element: TableElement) -> str:
    text = f"{write_name(element.name)} {format_type(element.type)}"
    match element.constraint:
        case None:
            return text
        case Constraint.HEADER:
            return f"{text} HEADER({quote_string(element.header or '')})"
        case constraint:
            return f"{text} {constraint.value}"


def _with(properties: Properties) -> str:
    """The WITH clause, sorted by name as ksqlDB prints it."""
    inner = ", ".join(f"{_property_name(name)}={format_literal(properties[name])}" for name in sorted(properties))
    return f" WITH ({inner})" if properties else ""


def _property_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if needs_quotes(name) else name


def _insertion(statement: InsertSelect | InsertValues) -> str:
    start = f"INSERT INTO {write_name(statement.target)}"
    if isinstance(statement, InsertSelect):
        return f"{start}{_with(statement.properties)} {format_query(statement.query)}"
    return f"{start}{_columns(statement.columns)} VALUES {_values(statement.values)}"


def _columns(columns: tuple[str, ...]) -> str:
    return f" ({', '.join(map(write_name, columns))})" if columns else ""


def _values(values: Iterable[Expression]) -> str:
    return f"({', '.join(map(format_expression, values))})"


def _alteration(statement: DropSource | DropType | DropConnector | AlterSource) -> str:
    name = write_name(statement.name)
    if isinstance(statement, AlterSource):
        added = (f"ADD COLUMN {write_name(column.name)} {format_type(column.type)}" for column in statement.additions)
        return f"ALTER {statement.kind.value} {name} {', '.join(added)}"
    if_exists = "IF EXISTS " if statement.if_exists else ""
    match statement:
        case DropType():
            return f"DROP TYPE {if_exists}{name}"
        case DropConnector():
            return f"DROP CONNECTOR {if_exists}{name}"
        case DropSource():
            topic = " DELETE TOPIC" if statement.delete_topic else ""
            return f"DROP {statement.kind.value} {if_exists}{name}{topic}"
        case _:
            assert_never(statement)


def _assertion(statement: AssertTopic | AssertSchema | AssertValues | AssertTombstone | AssertSource) -> str:
    match statement:
        case AssertTopic():
            start = f"ASSERT{_existing(statement.exists)} TOPIC {quote_string(statement.topic)}"
            timeout = f" TIMEOUT {format_duration(statement.timeout)}" if statement.timeout else ""
            return f"{start}{_with(statement.properties)}{timeout}"
        case AssertSchema():
            subject = f" SUBJECT {quote_string(statement.subject)}" if statement.subject is not None else ""
            schema_id = f" ID {statement.id}" if statement.id is not None else ""
            timeout = f" TIMEOUT {format_duration(statement.timeout)}" if statement.timeout else ""
            return f"ASSERT{_existing(statement.exists)} SCHEMA{subject}{schema_id}{timeout}"
        case AssertValues(source, columns, values):
            return f"ASSERT VALUES {write_name(source)}{_columns(columns)} VALUES {_values(values)}"
        case AssertTombstone(source, columns, values):
            return f"ASSERT NULL VALUES {write_name(source)}{_columns(columns)} KEY {_values(values)}"
        case AssertSource(kind, name, elements, properties):
            return f"ASSERT {kind.value} {write_name(name)}{_elements(elements)}{_with(properties)}"
        case _:
            assert_never(statement)


def _existing(exists: bool) -> str:
    return "" if exists else " NOT EXISTS"


_Administration = (
    DescribeSource
    | DescribeSources
    | DescribeFunction
    | DescribeConnector
    | Show
    | Explain
    | PrintTopic
    | SetProperty
    | UnsetProperty
    | AlterSystem
    | DefineVariable
    | UndefineVariable
    | TerminateQuery
    | PauseQuery
    | ResumeQuery
    | RunScript
    | Spool
)


def _administration(statement: _Administration) -> str:
    match statement:
        case DescribeSource() | DescribeSources() | DescribeFunction() | DescribeConnector():
            return _description(statement)
        case Show(subject, extended):
            return f"SHOW {subject.value}{_extended(extended)}"
        case Explain(query_id, explained):
            return f"EXPLAIN {_statement(explained) if explained is not None else _verbatim(query_id or '')}"
        case PrintTopic():
            return _print(statement)
        case SetProperty(name, value):
            return f"SET {quote_string(name)}={quote_string(value)}"
        case UnsetProperty(name):
            return f"UNSET {quote_string(name)}"
        case AlterSystem(name, value):
            return f"ALTER SYSTEM {quote_string(name)}={quote_string(value)}"
        case DefineVariable(name, value):
            return f"DEFINE {name}={quote_string(value)}"
        case UndefineVariable(name):
            return f"UNDEFINE {name}"
        case TerminateQuery(query_id):
            return f"TERMINATE {_query(query_id)}"
        case PauseQuery(query_id):
            return f"PAUSE {_query(query_id)}"
        case ResumeQuery(query_id):
            return f"RESUME {_query(query_id)}"
        case RunScript(path):
            return f"RUN SCRIPT {quote_string(path)}"
        case Spool(path):
            return "SPOOL OFF" if path is None else f"SPOOL {quote_string(path)}"
        case _:
            assert_never(statement)


def _description(statement: DescribeSource | DescribeSources | DescribeFunction | DescribeConnector) -> str:
    match statement:
        case DescribeSource(name, extended):
            # Without quotes, these would be parsed as another kind of DESCRIBE.
            written = f"`{name}`" if name in ("FUNCTION", "TABLES") else write_name(name)
            return f"DESCRIBE {written}{_extended(extended)}"
        case DescribeSources(kind, extended):
            return f"DESCRIBE {kind.value}S{_extended(extended)}"
        case DescribeFunction(name):
            return f"DESCRIBE FUNCTION {write_name(name)}"
        case DescribeConnector(name):
            return f"DESCRIBE CONNECTOR {write_name(name)}"
        case _:
            assert_never(statement)


def _extended(extended: bool) -> str:
    return " EXTENDED" if extended else ""


def _print(statement: PrintTopic) -> str:
    beginning = " FROM BEGINNING" if statement.from_beginning else ""
    interval = f" INTERVAL {statement.interval}" if statement.interval is not None else ""
    limit = f" LIMIT {statement.limit}" if statement.limit is not None else ""
    return f"PRINT {quote_string(statement.topic)}{beginning}{interval}{limit}"


def _query(query_id: str | None) -> str:
    return "ALL" if query_id is None else _verbatim(query_id)


def _verbatim(name: str) -> str:
    """A name that keeps its case without quotes, such as a query id."""
    return name if not needs_quotes(name.upper()) else f"`{name.replace('`', '``')}`"
