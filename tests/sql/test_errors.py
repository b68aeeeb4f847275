"""What is said where a text is not the language: place, reason, what to write."""

import pytest

from bifrost.errors import AnalysisError, ParseError
from bifrost.sql.parser import parse_script, parse_statement


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELEC * FROM X;", "line 1:1: Syntax Error\nUnknown statement 'SELEC'\nDid you mean 'SELECT'?"),
        ("zzzz;", "line 1:1: Syntax Error\nUnknown statement 'zzzz'"),
        ("SHOW STREAMS", "line 1:13: Syntax Error\nmissing ';' at '<EOF>'"),
        ("SHOW STREAMS SHOW TABLES;", "line 1:14: Syntax Error\nmissing ';' at 'SHOW'"),
        ("SELECT 1;", "line 1:9: Syntax Error\nExpecting {',', 'FROM'}"),
        ("CREATE STREAM I (K INT (KEY));", "line 1:25: Syntax Error\nExpecting {'STRING', INTEGER_VALUE}"),
        (
            "SELECT * FROM S1 ORDER BY A;",
            "line 1:24: Syntax Error\nUnexpected 'BY': ORDER BY is not supported; the order of rows is that of the "
            "topic or of the keys",
        ),
        ("SELECT * FROM A\nLIMIT heh;", "line 2:7: Syntax Error\nUnexpected 'heh'"),
        ("SELECT * FROM A LIMIT 2.5;", "line 1:23: Value must be integer for command: LIMIT"),
        ("SET x=1;", "line 1:5: Syntax Error\nExpecting STRING"),
        ("SELECT 'a FROM b;", "line 1:8: Syntax Error\nThe string is not closed: ' is missing"),
        ("SELECT /* a FROM b;", "line 1:8: Syntax Error\nThe comment is not closed: '*/' is missing"),
        ("SELECT a ? b FROM c;", "line 1:10: Syntax Error\nUnexpected character '?'"),
        ("SELECT 9223372036854775808 FROM a;", "line 1:8: Invalid numeric literal: 9223372036854775808"),
        ("SELECT -1E400 FROM a;", "line 1:9: Number overflows DOUBLE: -1E400"),
        ("SELECT DATE 'x' FROM a;", "line 1:8: Unknown type: DATE"),
        (
            "CREATE STREAM a (b INT) WITH (x=1, X=2);",
            "line 1:36: Syntax Error\nThe property 'X' occurs twice",
        ),
        (
            "CREATE STREAM select (a INT);",
            'line 1:15: Syntax Error\n"select" is a reserved keyword and it can\'t be used as an identifier. '
            "You can use it as an identifier by escaping it as `select`",
        ),
    ],
)
def test_messages(text, message):
    with pytest.raises(ParseError) as caught:
        parse_script(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "CREATE TABLE INPUT (ID INT KEY);",
            "Line: 1, Col: 21: Column `ID` is a 'KEY' column: please use 'PRIMARY KEY' for tables.",
        ),
        (
            "CREATE STREAM INPUT (ID INT PRIMARY KEY);",
            "Line: 1, Col: 22: Column `ID` is a 'PRIMARY KEY' column: please use 'KEY' for streams.",
        ),
        ("CREATE STREAM a (b DECIMAL(0, 0));", "DECIMAL precision must be >= 1: DECIMAL(0,0)"),
        ("CREATE STREAM a (b DECIMAL(2, 3));", "DECIMAL precision must be >= scale: DECIMAL(2,3)"),
        ("CREATE STREAM a AS SELECT * FROM b PARTITION BY ();", "PARTITION BY requires at least one expression"),
    ],
)
def test_statements_that_parse_but_are_never_valid(text, message):
    with pytest.raises(AnalysisError) as caught:
        parse_script(text)
    assert str(caught.value) == message
    assert caught.value.statement == text


def test_the_failing_statement_of_a_script_is_named():
    with pytest.raises(ParseError) as caught:
        parse_script("SHOW STREAMS;\n\n  DROP NOTHING x; SHOW TABLES;")
    assert (caught.value.line, caught.value.column) == (3, 8)
    assert caught.value.statement == "DROP NOTHING x;"


def test_the_summary_contains_no_statement_text():
    with pytest.raises(ParseError) as caught:
        parse_script("SELEC;")
    assert caught.value.summary == "line 1:1: Syntax error at line 1:1"


@pytest.mark.parametrize("text", ["", "-- nothing", "SHOW STREAMS; SHOW TABLES;"])
def test_parse_statement_accepts_exactly_one_statement(text):
    with pytest.raises(ParseError, match="one statement"):
        parse_statement(text)
