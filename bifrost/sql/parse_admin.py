"""Parses statements that inspect, configure and control: SHOW, DESCRIBE, PRINT, SET, DEFINE, TERMINATE, ASSERT, ..."""

from __future__ import annotations

from bifrost.sql.lexer import TokenKind
from bifrost.sql.parse_definitions import parse_columns, parse_elements, parse_properties, parse_values
from bifrost.sql.parse_literals import parse_whole_number
from bifrost.sql.parse_queries import parse_duration
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    NO_PROPERTIES,
    AssertSchema,
    AssertSource,
    AssertTombstone,
    AssertTopic,
    AssertValues,
    DefineVariable,
    DescribeConnector,
    DescribeFunction,
    DescribeSource,
    DescribeSources,
    PauseQuery,
    PrintTopic,
    ResumeQuery,
    RunScript,
    SetProperty,
    Show,
    SourceKind,
    Spool,
    Statement,
    Subject,
    TerminateQuery,
    UndefineVariable,
    UnsetProperty,
)

_EXTENDABLE = (Subject.TOPICS, Subject.ALL_TOPICS, Subject.STREAMS, Subject.TABLES, Subject.QUERIES)


def parse_show(cursor: TokenCursor) -> Statement:
    """SHOW and LIST."""
    where = cursor.location
    cursor.expect("SHOW", "LIST")
    for subject in Subject:
        if cursor.accept_all(*subject.value.split()):
            extended = subject in _EXTENDABLE and cursor.accept("EXTENDED") is not None
            return Show(subject, extended, location=where)
    raise cursor.failure(*(f"'{word}'" for word in sorted({subject.value.split()[0] for subject in Subject})))


def parse_describe(cursor: TokenCursor) -> Statement:
    """DESCRIBE a source, all streams or tables, a function or a connector."""
    where = cursor.location
    cursor.expect("DESCRIBE")
    # FUNCTION alone is the name of a source.
    if cursor.at("FUNCTION") and cursor.at_name(1):
        cursor.advance()
        return DescribeFunction(cursor.expect_name(), location=where)
    if cursor.accept("CONNECTOR"):
        return DescribeConnector(cursor.expect_name(), location=where)
    if word := cursor.accept("STREAMS", "TABLES"):
        kind = SourceKind.STREAM if word == "STREAMS" else SourceKind.TABLE
        return DescribeSources(kind, cursor.accept("EXTENDED") is not None, location=where)
    name = cursor.expect_name()
    return DescribeSource(name, cursor.accept("EXTENDED") is not None, location=where)


def parse_print(cursor: TokenCursor) -> Statement:
    """PRINT topic."""
    where = cursor.location
    cursor.expect("PRINT")
    topic = cursor.expect_resource()
    from_beginning = cursor.accept_all("FROM", "BEGINNING")
    interval = parse_whole_number(cursor, "INTERVAL") if cursor.accept("INTERVAL", "SAMPLE") else None
    limit = parse_whole_number(cursor, "LIMIT") if cursor.accept("LIMIT") else None
    return PrintTopic(topic, from_beginning, interval, limit, location=where)


def parse_set(cursor: TokenCursor) -> Statement:
    """SET 'name'='value'."""
    where = cursor.location
    cursor.expect("SET")
    name = cursor.expect_string()
    cursor.expect("=")
    return SetProperty(name, cursor.expect_string(), location=where)


def parse_unset(cursor: TokenCursor) -> Statement:
    """UNSET 'name'."""
    where = cursor.location
    cursor.expect("UNSET")
    return UnsetProperty(cursor.expect_string(), location=where)


def parse_define(cursor: TokenCursor) -> Statement:
    """DEFINE name = 'value'; any keyword can be the name of a variable."""
    where = cursor.location
    cursor.expect("DEFINE")
    name = _variable_name(cursor)
    cursor.expect("=")
    return DefineVariable(name, cursor.expect_string(), location=where)


def parse_undefine(cursor: TokenCursor) -> Statement:
    """UNDEFINE name."""
    where = cursor.location
    cursor.expect("UNDEFINE")
    return UndefineVariable(_variable_name(cursor), location=where)


def _variable_name(cursor: TokenCursor) -> str:
    if cursor.token.kind not in (TokenKind.NAME, TokenKind.KEYWORD):
        raise cursor.failure("IDENTIFIER")
    return cursor.text_of(cursor.advance())


def parse_terminate(cursor: TokenCursor) -> Statement:
    """TERMINATE a query or ALL."""
    where = cursor.location
    cursor.expect("TERMINATE")
    return TerminateQuery(_query_id(cursor), location=where)


def parse_pause(cursor: TokenCursor) -> Statement:
    """PAUSE a query or ALL."""
    where = cursor.location
    cursor.expect("PAUSE")
    return PauseQuery(_query_id(cursor), location=where)


def parse_resume(cursor: TokenCursor) -> Statement:
    """RESUME a query or ALL."""
    where = cursor.location
    cursor.expect("RESUME")
    return ResumeQuery(_query_id(cursor), location=where)


def _query_id(cursor: TokenCursor) -> str | None:
    return None if cursor.accept("ALL") else cursor.expect_verbatim_name()


def parse_assert(cursor: TokenCursor) -> Statement:
    """ASSERT TOPIC and ASSERT SCHEMA."""
    where = cursor.location
    cursor.expect("ASSERT")
    exists = not cursor.accept_all("NOT", "EXISTS")
    if cursor.expect("TOPIC", "SCHEMA") == "TOPIC":
        topic = cursor.expect_resource()
        properties = parse_properties(cursor) if cursor.accept("WITH") else NO_PROPERTIES
        timeout = parse_duration(cursor, "TIMEOUT") if cursor.accept("TIMEOUT") else None
        return AssertTopic(topic, properties, timeout, exists, location=where)
    subject = cursor.expect_resource() if cursor.accept("SUBJECT") else None
    schema_id = parse_whole_number(cursor, "ID") if cursor.accept("ID") else None
    timeout = parse_duration(cursor, "TIMEOUT") if cursor.accept("TIMEOUT") else None
    return AssertSchema(subject, schema_id, timeout, exists, location=where)


def parse_test_assert(cursor: TokenCursor) -> Statement:
    """The ASSERT statements of test files (VALUES, NULL VALUES, STREAM, TABLE) and of servers (TOPIC, SCHEMA)."""
    where = cursor.location
    if cursor.accept_all("ASSERT", "VALUES"):
        source, columns = cursor.expect_name(), parse_columns(cursor)
        cursor.expect("VALUES")
        return AssertValues(source, columns, parse_values(cursor), location=where)
    if cursor.accept_all("ASSERT", "NULL", "VALUES"):
        source, columns = cursor.expect_name(), parse_columns(cursor)
        cursor.expect("KEY")
        return AssertTombstone(source, columns, parse_values(cursor), location=where)
    for kind in SourceKind:
        if cursor.accept_all("ASSERT", kind.value):
            name = cursor.expect_name()
            elements = parse_elements(cursor, kind) if cursor.at("(") else ()
            properties = parse_properties(cursor) if cursor.accept("WITH") else NO_PROPERTIES
            return AssertSource(kind, name, elements, properties, location=where)
    return parse_assert(cursor)


def parse_run_script(cursor: TokenCursor) -> Statement:
    """RUN SCRIPT 'path'."""
    where = cursor.location
    cursor.expect("RUN")
    cursor.expect("SCRIPT")
    return RunScript(cursor.expect_string(), location=where)


def parse_spool(cursor: TokenCursor) -> Statement:
    """SPOOL 'path' and SPOOL OFF."""
    where = cursor.location
    cursor.advance()
    if cursor.token.kind is TokenKind.NAME and cursor.token.value == "OFF":
        cursor.advance()
        return Spool(location=where)
    return Spool(cursor.expect_string(), location=where)
