"""Whatever is typed: a tree, or an error with line and column; never a crash, never a hang."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.errors import ParseError, StatementError
from bifrost.sql.formatter import format_statement
from bifrost.sql.keywords import KEYWORDS
from bifrost.sql.lexer import SourceText, tokenize
from bifrost.sql.parser import Dialect, is_complete, parse_script, parse_statement, parse_type_text
from tests.examples import examples
from tests.sql import scripts

ALL = scripts.EVERY_KIND + scripts.TEST_FILE
SPANS = [(token.start, token.end) for token in tokenize(SourceText(ALL))]
SIGNS = [
    "'",
    '"',
    "`",
    "/*",
    "*/",
    "--",
    "${x}",
    "$",
    "\\",
    "\0",
    "é",
    "\u2028",
    "(",
    ")",
    "[",
    "=>",
    "->",
    ":=",
    ";",
    "1e",
    ".5",
]
PIECES = [ALL[start:end] for start, end in SPANS] + sorted(KEYWORDS) + SIGNS


def assert_answered(text):
    is_complete(text)
    try:
        statements = parse_script(text, dialect=Dialect.TESTS)
    except ParseError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert error.column >= 1
        assert str(error).startswith(f"line {error.line}:{error.column}: ")
        return
    except StatementError as error:
        assert error.message
        return
    for statement in statements:
        assert parse_statement(format_statement(statement.tree), dialect=Dialect.TESTS).tree == statement.tree


@examples(300)
@given(st.text())
def test_any_text(text):
    assert_answered(text)


@examples(300)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["", " ", "\n"]))
def test_any_words(words, between):
    assert_answered(between.join(words))


@examples(300)
@given(st.data())
def test_statements_with_parts_changed(data):
    text = ALL
    for _ in range(data.draw(st.integers(1, 3))):
        start, end = data.draw(st.sampled_from(SPANS))
        piece = data.draw(st.sampled_from(["", *PIECES]))
        text = text[:start] + piece + text[end:]
    assert_answered(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM A;",
        "SELECT " + "+".join(["1"] * 5000) + " FROM A;",
        "SELECT " + "- " * 5000 + "1 FROM A;",
        "SELECT " + "NOT " * 5000 + "A FROM A;",
        "SELECT A" + "[1]" * 5000 + " FROM A;",
        "SELECT " + "F(" * 5000,
        "SELECT " + "CASE WHEN " * 5000,
        "SELECT " + "F(X => " * 5000,
        "SELECT " + "A IN (" * 5000,
        "SELECT " + "MAP(1 := " * 5000,
        "SELECT " + "STRUCT(A := " * 5000,
        "SELECT " + "A[" * 5000,
        "SELECT " + "A BETWEEN (" * 5000,
        "CREATE TYPE A AS " + "STRUCT<A " * 5000,
        "SELECT * FROM A" + " JOIN A ON A = A" * 5000 + ";",
        "EXPLAIN " * 5000 + "SHOW STREAMS;",
        "CREATE STREAM A (A " + "ARRAY<" * 5000 + "INT" + ">" * 5000 + ");",
    ],
)
def test_too_deep_nesting_is_refused(text):
    started = time.process_time()  # of this process alone, whatever else the machine does
    with pytest.raises(ParseError, match="Nested too deeply"):
        parse_script(text)
    assert time.process_time() - started < 5


def test_nesting_within_the_limits_can_be_traversed():
    nested = "SELECT " + "F(" * 55 + "1" + ")" * 55 + " FROM A;"
    chained = "SELECT " + " + ".join(["1"] * 170) + " FROM A;"
    leaning = "SELECT " + "1 + (" * 55 + "1" + ")" * 55 + " FROM A;"
    listed = "SELECT " + "A IN (" * 55 + "1" + ")" * 55 + " FROM A;"
    cases = "SELECT " + "CASE " * 55 + "1" + " WHEN 1 THEN 1 END" * 55 + " FROM A;"
    for text in (nested, chained, leaning, listed, cases):
        assert parse_script(text)
        assert_answered(text)
    assert parse_type_text("ARRAY<" * 200 + "INT" + ">" * 200)


def test_long_lists_are_parsed():
    listed = ",".join(["1"] * 20000)
    assert parse_statement(f"SELECT * FROM A WHERE A IN ({listed});").tree.where.items[-1].value == 1
    assert parse_statement(f"SELECT '{'x' * 1000000}' FROM A;")
