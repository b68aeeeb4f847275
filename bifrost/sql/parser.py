"""Parses statements, expressions and types: the entry point to the grammar.

parse_script("SHOW STREAMS; DROP STREAM A;")   every statement of a script
parse_statement("SHOW STREAMS;")               the only statement of a text
parse_expression_text("A + 1")                 an expression alone
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from bifrost.errors import ParseError, StatementError
from bifrost.sql import parse_admin, parse_definitions
from bifrost.sql.lexer import SourceText, Token, TokenKind, UnfinishedError, tokenize
from bifrost.sql.nesting import refuse_deep_nesting
from bifrost.sql.parse_expressions import parse_expression
from bifrost.sql.parse_queries import parse_query
from bifrost.sql.parse_types import parse_type
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    DefineVariable,
    Explain,
    Expression,
    Location,
    Node,
    ParsedStatement,
    SetProperty,
    Statement,
    UndefineVariable,
    UnsetProperty,
)
from bifrost.sql.types import SqlType
from bifrost.sql.variables import substitute_variables

T = TypeVar("T")
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class Dialect(Enum):
    """Where statements come from: some exist only in the shell, some only in test files."""

    SERVER = "server"
    SHELL = "shell"
    TESTS = "tests"


@dataclass(frozen=True, slots=True)
class StatementText:
    """An unparsed statement: its text from the first character to its `;`, and the location of its beginning."""

    text: str
    location: Location


StatementParser = Callable[[TokenCursor], Statement]


def _parse_explain(cursor: TokenCursor) -> Statement:
    where = cursor.location
    cursor.expect("EXPLAIN")
    # A name alone is a query's id; statements have more than one word.
    if cursor.at_name() and (cursor.at_sign(1, ";") or cursor.peek().kind is TokenKind.END):
        return Explain(query_id=cursor.expect_verbatim_name(), location=where)
    with cursor.nested():
        return Explain(statement=_parse_tree(cursor, _SERVER), location=where)


_SERVER: Mapping[str, StatementParser] = MappingProxyType(
    {
        "SELECT": parse_query,
        "CREATE": parse_definitions.parse_create,
        "INSERT": parse_definitions.parse_insert,
        "DROP": parse_definitions.parse_drop,
        "ALTER": parse_definitions.parse_alter,
        "SHOW": parse_admin.parse_show,
        "LIST": parse_admin.parse_show,
        "DESCRIBE": parse_admin.parse_describe,
        "EXPLAIN": _parse_explain,
        "PRINT": parse_admin.parse_print,
        "SET": parse_admin.parse_set,
        "UNSET": parse_admin.parse_unset,
        "DEFINE": parse_admin.parse_define,
        "UNDEFINE": parse_admin.parse_undefine,
        "TERMINATE": parse_admin.parse_terminate,
        "PAUSE": parse_admin.parse_pause,
        "RESUME": parse_admin.parse_resume,
        "ASSERT": parse_admin.parse_assert,
    }
)
_SHELL = MappingProxyType({**_SERVER, "RUN": parse_admin.parse_run_script, "SPOOL": parse_admin.parse_spool})
_TESTS = MappingProxyType({**_SERVER, "RUN": parse_admin.parse_run_script, "ASSERT": parse_admin.parse_test_assert})
_PARSERS = {Dialect.SERVER: _SERVER, Dialect.SHELL: _SHELL, Dialect.TESTS: _TESTS}


SUBSTITUTION = "ksql.variable.substitution.enable"
"""The property that disables the substitution of variables if it is false."""


def parse_script(
    text: str,
    variables: Mapping[str, str] = NO_VARIABLES,
    *,
    dialect: Dialect = Dialect.SERVER,
    substitutes: bool = True,
) -> tuple[ParsedStatement, ...]:
    """All statements of a text, each ending in `;`.

    `${name}` is replaced by its value in `variables`; DEFINE and UNDEFINE in the text affect later statements.
    Nothing is replaced if `substitutes` is false, or after SET 'ksql.variable.substitution.enable'='false'. Lines and
    columns count from the beginning of the text, before variables are replaced.

    Raises:
        ParseError: a statement cannot be parsed; the error's `statement` is its text.
        AnalysisError: a statement is invalid whatever sources exist.
    """
    return tuple(_parse_texts(_split(text), dict(variables), dialect, substitutes))


def parse_statement(
    text: str, variables: Mapping[str, str] = NO_VARIABLES, *, dialect: Dialect = Dialect.SERVER
) -> ParsedStatement:
    """The only statement of a text.

    Raises:
        ParseError: the text cannot be parsed, or is not exactly one statement.
        AnalysisError: as for `parse_script`.
    """
    statements = parse_script(text, variables, dialect=dialect)
    if len(statements) == 1:
        return statements[0]
    line, column = (statements[1].line, statements[1].column) if statements else (1, 1)
    problem = "Expected one statement, found none" if not statements else "Expected only one statement"
    raise ParseError(f"Syntax Error\n{problem}", text, line=line, column=column)


def parse_expression_text(text: str) -> Expression:
    """An expression alone, without `;`.

    Raises:
        ParseError: the text is not an expression.
    """
    return _parse_whole(text, parse_expression)


def parse_type_text(text: str) -> SqlType:
    """A type alone, such as `ARRAY<STRING>`.

    Raises:
        ParseError: the text is not a type.
        AnalysisError: a DECIMAL has an invalid precision or scale.
    """
    return _parse_whole(text, parse_type)


def is_complete(text: str) -> bool:
    """Whether a shell has read a whole statement: no quote or comment is open, and the last sign is `;`."""
    try:
        tokens = tokenize(SourceText(text))
    except UnfinishedError:
        return False
    except ParseError:
        return True  # no further line can correct it: the shell should report the error
    return len(tokens) > 1 and tokens[-2].kind is TokenKind.SIGN and tokens[-2].value == ";"


def _split(text: str) -> Iterator[StatementText]:
    source = SourceText(text)
    first: Token | None = None
    end = 0
    for token in tokenize(source):
        if token.kind is TokenKind.END:
            break
        first, end = first or token, token.end
        if token.kind is TokenKind.SIGN and token.value == ";":
            yield StatementText(text[first.start : end], source.location(first.start))
            first = None
    if first is not None:
        yield StatementText(text[first.start : end], source.location(first.start))


def _parse_texts(
    statements: Iterator[StatementText], variables: dict[str, str], dialect: Dialect, substitutes: bool
) -> Iterator[ParsedStatement]:
    by_default = substitutes
    for statement in statements:
        parsed = _parse_text(statement, variables if substitutes else None, dialect)
        match parsed.tree:
            case DefineVariable(name, value):
                variables[name.upper()] = value
            case UndefineVariable(name):
                variables.pop(name.upper(), None)
            case SetProperty(name, value) if name == SUBSTITUTION:
                substitutes = value.strip().lower() != "false"
            case UnsetProperty(name) if name == SUBSTITUTION:
                substitutes = by_default
        yield parsed


def _parse_text(statement: StatementText, variables: Mapping[str, str] | None, dialect: Dialect) -> ParsedStatement:
    """Parses one statement; `variables` is None if variables are not replaced."""
    text = statement.text if variables is None else substitute_variables(statement.text, variables)
    where = statement.location
    source = SourceText(text, where)
    try:
        cursor = TokenCursor(source, tokenize(source), has_variables=variables is not None)
        tree = _parse_tree(cursor, _PARSERS[dialect])
        _expect_end(cursor)
        refuse_deep_nesting(tree)
    except StatementError as error:
        error.statement = text
        raise
    return ParsedStatement(text, tree, where.line, where.column)


def _parse_tree(cursor: TokenCursor, parsers: Mapping[str, StatementParser]) -> Statement:
    token = cursor.token
    if token.kind not in (TokenKind.KEYWORD, TokenKind.NAME):
        raise cursor.failure()
    parse = parsers.get(token.value)
    if parse is None:
        close = get_close_matches(token.value, parsers, n=1)
        hint = f"\nDid you mean '{close[0]}'?" if close else ""
        raise cursor.error(f"Syntax Error\nUnknown statement '{cursor.text_of(token)}'{hint}")
    return parse(cursor)


def _expect_end(cursor: TokenCursor) -> None:
    if cursor.accept(";"):
        if cursor.token.kind is not TokenKind.END:
            raise cursor.error(
                "Syntax Error\nExpected only one statement; the value of a variable must not contain ';'"
            )
        return
    if cursor.token.kind is TokenKind.END or cursor.at(*_SERVER):
        raise cursor.error(f"Syntax Error\nmissing ';' at '{cursor.text_of(cursor.token)}'")
    raise cursor.failure()


def _parse_whole(text: str, parse: Callable[[TokenCursor], T]) -> T:
    source = SourceText(text)
    try:
        cursor = TokenCursor(source, tokenize(source))
        found = parse(cursor)
        if cursor.token.kind is not TokenKind.END:
            raise cursor.failure()
        if isinstance(found, Node):
            refuse_deep_nesting(found)
    except StatementError as error:
        error.statement = text
        raise
    return found
