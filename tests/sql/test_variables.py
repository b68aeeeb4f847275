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
