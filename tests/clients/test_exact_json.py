"""JSON whose numbers keep their digits, and errors in our own words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bifrost.clients import exact_json


@pytest.mark.parametrize(
    "number", [0, -1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 12345678901234567890123, 10**100, -(10**100)]
)
def test_integers_of_any_size_keep_their_digits(number: int):
    text = f'{{"a":[{number}],"b":1.5}}'.encode()

    assert exact_json.loads(text) == {"a": [number], "b": 1.5}
    assert exact_json.dumps(exact_json.loads(text)) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "empty"),
        (b"{", "line 1, column"),
        (b'{"a":\n 1,}', "line 2, column"),
        (b"NaN", "line 1, column 1"),
        (b"1e400", "a number is too large"),
        (b'"\\ud800"', "not valid Unicode"),
        (b'"\xff"', "not valid Unicode"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5_000, "not JSON"),
        (b"1 2", "line 1, column"),
        (b"'a'", "line 1, column"),
    ],
)
def test_malformed_json_is_refused(text: bytes, problem: str):
    with pytest.raises(ValueError) as caught:
        exact_json.loads(text)

    assert str(caught.value).startswith("not JSON") and problem in str(caught.value)


def test_deeply_nested_json_can_be_written_again():
    text = b"[" * 900 + b"]" * 900

    assert exact_json.dumps(exact_json.loads(text)) == text


def test_too_many_levels_are_refused():
    value: Any = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(ValueError, match="nested too deeply"):
        exact_json.dumps(value)


def test_a_byte_order_mark_is_skipped():
    assert exact_json.loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"1234567890123456.78", Decimal("1234567890123456.78")),
        (b"[0.12345678901234567890]", [Decimal("0.12345678901234567890")]),
        (b"[1.5, 2, 1.0000000000000000000]", [1.5, 2, 1.0]),
        (b"0.1", 0.1),
    ],
)
def test_decimals_can_be_kept_exact(text: bytes, number: Any):
    found = exact_json.loads(text, exact_decimals=True)

    assert found == number and type(found) is type(number)
