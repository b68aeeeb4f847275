"""Parses CREATE, ALTER, DROP and INSERT statements."""

from __future__ import annotations

from types import MappingProxyType

from bifrost.errors import AnalysisError
from bifrost.sql.lexer import TokenKind
from bifrost.sql.parse_expressions import parse_value
from bifrost.sql.parse_literals import parse_literal
from bifrost.sql.parse_queries import parse_query
from bifrost.sql.parse_types import parse_type
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    NO_PROPERTIES,
    AddColumn,
    AlterSource,
    AlterSystem,
    ConnectorKind,
    Constraint,
    CreateAsSelect,
    CreateConnector,
    CreateSource,
    CreateType,
    DropConnector,
    DropSource,
    DropType,
    Expression,
    InsertSelect,
    InsertValues,
    Literal,
    Location,
    Properties,
    SourceKind,
    Statement,
    TableElement,
)


def parse_create(cursor: TokenCursor) -> Statement:
    """CREATE STREAM, TABLE, TYPE or CONNECTOR."""
    where = cursor.location
    cursor.expect("CREATE")
    if cursor.accept("TYPE"):
        return _create_type(cursor, where)
    if cursor.at_all("SINK", "CONNECTOR") or cursor.at_all("SOURCE", "CONNECTOR"):
        return _create_connector(cursor, where)
    or_replace = cursor.accept_all("OR", "REPLACE")
    is_source = cursor.accept("SOURCE") is not None
    kind = SourceKind(cursor.expect("STREAM", "TABLE"))
    if_not_exists = cursor.accept_all("IF", "NOT", "EXISTS")
    name = cursor.expect_name()
    elements = parse_elements(cursor, kind) if cursor.at("(") else ()
    properties = parse_properties(cursor) if cursor.accept("WITH") else NO_PROPERTIES
    # Only a statement without columns can have a query; after columns, AS is reported as unexpected.
    if elements or is_source or not cursor.accept("AS"):
        return CreateSource(kind, name, elements, properties, or_replace, if_not_exists, is_source, location=where)
    query = parse_query(cursor, persistent=True)
    return CreateAsSelect(kind, name, query, properties, or_replace, if_not_exists, location=where)


def _create_type(cursor: TokenCursor, where: Location) -> CreateType:
    if_not_exists = cursor.accept_all("IF", "NOT", "EXISTS")
    name = cursor.expect_name()
    cursor.expect("AS")
    return CreateType(name, parse_type(cursor), if_not_exists, location=where)


def _create_connector(cursor: TokenCursor, where: Location) -> CreateConnector:
    kind = ConnectorKind(cursor.advance().value)
    cursor.expect("CONNECTOR")
    if_not_exists = cursor.accept_all("IF", "NOT", "EXISTS")
    name = cursor.expect_name()
    cursor.expect("WITH")
    return CreateConnector(kind, name, parse_properties(cursor, verbatim=True), if_not_exists, location=where)


def parse_elements(cursor: TokenCursor, kind: SourceKind) -> tuple[TableElement, ...]:
    """`(name type [constraint], ...)`.

    Raises:
        AnalysisError: this kind of source cannot have a constraint (KEY on a table, PRIMARY KEY on a stream).
    """
    elements = cursor.bracketed(_element)
    wrong, right = Constraint.PRIMARY_KEY, Constraint.KEY
    if kind is SourceKind.TABLE:
        wrong, right = right, wrong
    for element in elements:
        if element.constraint is wrong:
            raise AnalysisError(
                f"{element.location}: Column `{element.name}` is a '{wrong.value}' column: "
                f"please use '{right.value}' for {kind.value.lower()}s."
            )
    return elements


def _element(cursor: TokenCursor) -> TableElement:
    where = cursor.location
    name = cursor.expect_name()
    kind = parse_type(cursor)
    if cursor.accept("KEY"):
        return TableElement(name, kind, Constraint.KEY, location=where)
    if cursor.accept("PRIMARY"):
        cursor.expect("KEY")
        return TableElement(name, kind, Constraint.PRIMARY_KEY, location=where)
    if cursor.accept("HEADERS"):
        return TableElement(name, kind, Constraint.HEADERS, location=where)
    if cursor.accept("HEADER"):
        cursor.expect("(")
        header = cursor.expect_string()
        cursor.expect(")")
        return TableElement(name, kind, Constraint.HEADER, header, location=where)
    return TableElement(name, kind, location=where)


def parse_properties(cursor: TokenCursor, *, verbatim: bool = False) -> Properties:
    """`(NAME=literal, ...)`; names are in upper case, or with `verbatim` as the text gives them.

    Raises:
        ParseError: a name occurs twice.
    """
    cursor.expect("(")
    entries: dict[str, Literal] = {}
    while True:
        token = cursor.token
        name = cursor.advance().value if token.kind is TokenKind.STRING else cursor.expect_name()
        # Connect's keys are case-sensitive, those of ksqlDB are not.
        name = name if verbatim else name.upper()
        if name in entries:
            raise cursor.error(f"Syntax Error\nThe property '{name}' occurs twice", token)
        cursor.expect("=")
        entries[name] = parse_literal(cursor)
        if not cursor.accept(","):
            cursor.expect_after(")", ",")
            return Properties(MappingProxyType(entries))


def parse_alter(cursor: TokenCursor) -> Statement:
    """ALTER STREAM, TABLE or SYSTEM."""
    where = cursor.location
    cursor.expect("ALTER")
    word = cursor.expect("STREAM", "TABLE", "SYSTEM")
    if word == "SYSTEM":
        name = cursor.expect_string()
        cursor.expect("=")
        return AlterSystem(name, cursor.expect_string(), location=where)
    name = cursor.expect_name()
    return AlterSource(SourceKind(word), name, cursor.comma_separated(_added_column), location=where)


def _added_column(cursor: TokenCursor) -> AddColumn:
    where = cursor.location
    cursor.expect("ADD")
    # The word is optional, and may also be the name of the column.
    if cursor.at("COLUMN") and cursor.at_name(1):
        cursor.advance()
    name = cursor.expect_name()
    return AddColumn(name, parse_type(cursor), location=where)


def parse_drop(cursor: TokenCursor) -> Statement:
    """DROP STREAM, TABLE, CONNECTOR or TYPE."""
    where = cursor.location
    cursor.expect("DROP")
    word = cursor.expect("STREAM", "TABLE", "CONNECTOR", "TYPE")
    if_exists = cursor.accept_all("IF", "EXISTS")
    name = cursor.expect_name()
    match word:
        case "CONNECTOR":
            return DropConnector(name, if_exists, location=where)
        case "TYPE":
            return DropType(name, if_exists, location=where)
        case _:
            delete_topic = cursor.accept_all("DELETE", "TOPIC")
            return DropSource(SourceKind(word), name, if_exists, delete_topic, location=where)


def parse_insert(cursor: TokenCursor) -> Statement:
    """INSERT INTO ... VALUES and INSERT INTO ... SELECT."""
    where = cursor.location
    cursor.expect("INSERT")
    cursor.expect("INTO")
    target = cursor.expect_name()
    if cursor.at("(", "VALUES"):
        columns = parse_columns(cursor)
        cursor.expect("VALUES")
        return InsertValues(target, columns, parse_values(cursor), location=where)
    properties = parse_properties(cursor) if cursor.accept("WITH") else NO_PROPERTIES
    if not cursor.at("SELECT"):
        raise cursor.failure("'('", "'VALUES'", "'WITH'", "'SELECT'")
    return InsertSelect(target, parse_query(cursor, persistent=True), properties, location=where)


def parse_columns(cursor: TokenCursor) -> tuple[str, ...]:
    """`(name, ...)`; empty if there is no such list."""
    return cursor.bracketed(TokenCursor.expect_name) if cursor.at("(") else ()


def parse_values(cursor: TokenCursor) -> tuple[Expression, ...]:
    """`(value, ...)`, possibly empty."""
    return () if cursor.accept_all("(", ")") else cursor.bracketed(parse_value)
