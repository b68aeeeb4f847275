"""Filters of records: words, phrases, and fields of keys, values and headers."""

import pytest

from bifrost.operations.record_filter import parse_filter
from bifrost.operations.record_text import ReadableValue

KEY = ReadableValue("AVRO", '{"ID": 7}')
VALUE = ReadableValue(
    "JSON", '{"user": {"name": "Ann Lee", "vip": true}, "stars": 1, "tags": ["a", "b"], "note": null, "eq": "x=y"}'
)
HEADERS = [("trace.id", ReadableValue("TEXT", "abc-1"))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ann",
        "ANN lee",
        '"ann lee"',
        "stars=1",
        "STARS=1",
        'user.name="Ann Lee"',
        "user.vip=true",
        "tags=b",
        "note=null",
        "key.id=7",
        "key.ID=7 stars=1",
        "header.trace.id=abc-1",
        "abc-1",
        "trace.id",
        "stars!=5",
        "missing!=1",
        "eq=x=y",
        "value.stars=1",
        '"stars',
    ],
)
def test_a_record_that_fits_is_found(text: str):
    assert parse_filter(text).matches(KEY, VALUE, HEADERS)


@pytest.mark.parametrize(
    "text",
    [
        "bob",
        "ann bob",
        '"lee ann"',
        "stars=2",
        "stars=",
        "user=ann",
        "key.id=8",
        "header.trace.id=abc",
        "stars!=1",
        "x=1",
    ],
)
def test_a_record_that_does_not_fit_is_left_out(text: str):
    assert not parse_filter(text).matches(KEY, VALUE, HEADERS)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("price=1.10", True),
        ("price=1.1", True),
        ("price=1.100", False),
        ("price!=1.1", False),
        ("id=12345678901234567890.5", True),
        ("id=12345678901234567890.6", False),
        ("big=1E3", True),
    ],
)
def test_a_number_is_found_as_the_record_writes_it(text: str, fits: bool):
    stored = '{"price": 1.10, "id": 12345678901234567890.5, "big": 1E3}'
    null = ReadableValue("null", "null")
    assert parse_filter(text).matches(null, ReadableValue("JSON", stored), []) is fits


def test_a_plain_text_may_contain_the_pair_itself():
    line = ReadableValue("TEXT", "sshd: Invalid user=root from 1.2.3.4")
    null = ReadableValue("null", "null")
    assert parse_filter("user=root").matches(null, line, [])
    assert not parse_filter("user=ann").matches(null, line, [])
    assert parse_filter("key=null").matches(null, line, [])


@pytest.mark.parametrize("text", ["=", "=x", '"', "!=", "a.=b", "..=1", "key.=1", "a" * 500, "\0"])
def test_every_text_is_a_filter(text: str):
    parse_filter(text).matches(KEY, VALUE, HEADERS)
    parse_filter(text).matches(KEY, ReadableValue("JSON", "[" * 100_000), HEADERS)
