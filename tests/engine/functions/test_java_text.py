import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.functions.java.text import decimal_text, double_text, parse_decimal, parse_double, parse_integer


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (9999999.0, "9999999.0"),
        (10000000.0, "1.0E7"),
        (-12345678.9, "-1.23456789E7"),
        (1e300, "1.0E300"),
        (5e-324, "4.9E-324"),
        (2.0**-44, "5.6843418860808015E-14"),
        (2.0**60, "1.15292150460684698E18"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_doubles_print_as_java_prints_them(number, expected):
    assert double_text(number) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_double_reads_back(number):
    assert parse_double(double_text(number)) == number


def test_decimals_print_all_their_digits():
    assert decimal_text(Decimal("1E+3")) == "1000"
    assert decimal_text(Decimal("0.000000100")) == "0.000000100"


def test_numbers_are_read_as_java_reads_them():
    assert parse_integer(" +7 ", 32) == 7
    assert parse_double("1.") == 1.0
    assert parse_decimal("1.50e1") == Decimal("15.0")


@pytest.mark.parametrize("text", ["", "1.0", "0x1", "1_000", "2147483648", "9" * 5000])
def test_text_that_is_not_an_integer_is_refused(text):
    with pytest.raises(ValueError, match="For input string"):
        parse_integer(text, 32)


@pytest.mark.parametrize("text", ["", "1e", "nan", "1_0", "١"])
def test_text_that_is_not_a_double_is_refused(text):
    with pytest.raises(ValueError, match="For input string"):
        parse_double(text)


def test_an_absurd_exponent_is_refused():
    with pytest.raises(ValueError, match="out of range"):
        parse_decimal("1e999999999")
