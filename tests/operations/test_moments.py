"""Points in time as a person types them."""

import pytest

from bifrost.operations.moments import moment_text, parse_moment

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - 90_000),
        ("15m", NOW - 900_000),
        (" 2H ", NOW - 7_200_000),
        ("3d", NOW - 259_200_000),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01 00:00:01+00:00", 1000),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-02", 86_400_000),
    ],
)
def test_forms(text, expected):
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "5", "-2h", "2y", "2026-13-01"])
def test_anything_else_is_refused_with_the_forms(text):
    with pytest.raises(ValueError, match="is not a time such as"):
        parse_moment(text, NOW)


def test_text_of_a_time():
    assert (moment_text(1000), moment_text(-1)) == ("1970-01-01 00:00:01", "")
