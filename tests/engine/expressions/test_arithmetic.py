import math
from decimal import Decimal

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.errors import AnalysisError
from tests.engine.expressions.evaluating import type_of, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4", 14),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("2147483647 + 1", -2147483648),
        ("9223372036854775807 + 1", -9223372036854775808),
        ("3000000000 * 4", 12_000_000_000),
        ("1.5e0 / 0.5e0", 3.0),
        ("'a' + 'b'", "ab"),
        ("'a' || NULL || 'b'", "ab"),
    ],
)
def test_numbers_are_javas(text, expected):
    assert value(text) == expected


def test_the_least_integer_is_its_own_negative():
    assert value("-I", I=-2147483648) == -2147483648


def test_doubles_divide_by_zero_as_ieee_has_it():
    assert value("D / 0", D=-1.0) == -math.inf
    assert math.isnan(value("D % 0", D=1.0))


@pytest.mark.parametrize("text", ["I / 0", "I % 0", "L / 0", "DEC / 0"])
def test_whole_numbers_and_decimals_fail_on_zero(text):
    with pytest.raises(EVALUATION_ERRORS):
        value(text, I=1, L=1, DEC=Decimal("1.00"))


@pytest.mark.parametrize("text", ["I + 1", "1 * L", "-I", "DEC - 1", "D / 2", "I % J"])
def test_arithmetic_with_null_fails(text):
    with pytest.raises(EVALUATION_ERRORS):
        value(text)


def test_a_null_text_is_joined_as_java_prints_it():
    assert value("'x' + S") == "xnull"


@pytest.mark.parametrize(
    ("text", "sql_type", "expected"),
    [
        ("DEC + DEC", "DECIMAL(5, 2)", "3.00"),
        ("DEC - 1", "DECIMAL(13, 2)", "0.50"),
        ("DEC * DEC", "DECIMAL(9, 4)", "2.2500"),
        ("DEC / 3", "DECIMAL(15, 13)", "0.5000000000000"),
        ("DEC / DEC", "DECIMAL(11, 7)", "1.0000000"),
        ("DEC % 1", "DECIMAL(4, 2)", "0.50"),
        ("DEC + 1.125", "DECIMAL(6, 3)", "2.625"),
    ],
)
def test_decimals_keep_precision_and_scale(text, sql_type, expected):
    assert type_of(text) == sql_type
    assert str(value(text, DEC=Decimal("1.50"))) == expected


def test_a_decimal_with_a_double_is_a_double():
    assert type_of("DEC + D") == "DOUBLE"
    assert value("DEC + D", DEC=Decimal("0.10"), D=0.2) == pytest.approx(0.3)


def test_decimals_are_exact_beyond_pythons_default_of_28_digits():
    number = "1234567890123456789012345678901234567890.5"
    assert str(value(f"{number} + {number}")) == "2469135780246913578024691357802469135781.0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TRUE + 1.5", "Error processing expression: (true + 1.5). Unsupported arithmetic types. BOOLEAN DECIMAL"),
        ("1 + NULL", "Arithmetic on types INTEGER and null are not supported."),
        ("'a' - 'b'", "Unsupported arithmetic types. STRING STRING"),
        ("S + 1", "Unsupported arithmetic types. STRING INTEGER"),
    ],
)
def test_arithmetic_on_other_types_is_refused(text, message):
    with pytest.raises(AnalysisError) as refused:
        value(text)
    assert message in refused.value.message
