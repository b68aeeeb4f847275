"""`${name}` in a text."""

import pytest

from bifrost.sql.variables import substitute_variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no variables", "no variables"),
        ("FROM ${a} WHERE x = '${A}'", "FROM 1 WHERE x = '1'"),
        ("${b}", "${b}"),
        ("$${a}", "${a}"),
        ("${a", "${a"),
    ],
)
def test_substitution(text, expected):
    assert substitute_variables(text, {"a": "1"}) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("VALUES ('${a}')", "O'Brien", "VALUES ('O''Brien')"),
        ("VALUES ('it''s ${a}!')", "O'Brien", "VALUES ('it''s O''Brien!')"),
        ("VALUES ('${a}')", "x'); DROP STREAM S; --", "VALUES ('x''); DROP STREAM S; --')"),
        ("SELECT `${a}`", "a`b'c", "SELECT `a``b'c`"),
        ('SELECT "${a}"', 'a"b', 'SELECT "a""b"'),
        ("VALUES (${a})", "'text'", "VALUES ('text')"),
        ("VALUES ('x', ${a})", "'it''s'", "VALUES ('x', 'it''s')"),
        ("A -- ${a}'\n, '${a}'", "x'y", "A -- ${a}'\n, 'x''y'"),
        ("A /* '${a} */, ${a}", "1", "A /* '${a} */, 1"),
    ],
)
def test_quotes_in_a_value_stay_inside_the_quotes_around_it(text, value, expected):
    assert substitute_variables(text, {"a": value}) == expected
