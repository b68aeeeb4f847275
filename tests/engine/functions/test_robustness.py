"""Whatever values a function is given, it gives a value or fails as functions may."""

import math
import random
from decimal import Decimal

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.functions.library import CallContext, ScalarOverload
from bifrost.engine.functions.parameters import AnyDecimal, ArrayOf, Concrete, Interval, LambdaOf, MapOf
from bifrost.engine.functions.registry import default_registry
from bifrost.sql.tree import TimeUnit
from bifrost.sql.types import INTEGER, SqlArray, SqlDecimal, SqlMap

TEXTS = [
    "",
    "a",
    "A b",
    "$.a",
    "(",
    "[a-z]+",
    "\\",
    "%zz",
    '{"a":1}',
    "[1",
    "ä😀",
    "yyyy-MM-dd",
    "1970-01-01",
    "'",
    "hex",
]
TEXTS += ["http://a/b?c=d#e", "-", "UTC", "\x00", "x" * 1000, "NaN", "1e400", "9" * 30, "\\u12", "DESC", "$1", "${a}"]
WHOLE = [0, 1, -1, 2, 7, 100, -2147483648, 2147483647]
VALUES = {
    "STRING": TEXTS,
    "INTEGER": WHOLE,
    "BIGINT": [*WHOLE, 2**63 - 1, -(2**63), 10**12],
    "DOUBLE": [0.0, -0.0, 1.5, -2.5, math.nan, math.inf, -math.inf, 1e308, 5e-324],
    "BOOLEAN": [True, False],
    "BYTES": [b"", b"\xff\x00", b"abcd", b"12345678"],
    "DATE": WHOLE,
    "TIME": [0, 86_399_999],
    "TIMESTAMP": [*WHOLE, 2**63 - 1, -(2**63)],
}
CHANCE = random.Random(4)


def some(kind):
    """A value of the type, now and then null."""
    match kind:
        case LambdaOf():
            return lambda *values: values[0]
        case Interval():
            return CHANCE.choice(list(TimeUnit))
        case _ if CHANCE.random() < 0.1:
            return None
        case Concrete(SqlArray(item)):
            return [some(Concrete(item)) for _ in range(CHANCE.randint(0, 4))]
        case Concrete(SqlMap(key, item)):
            return {some(Concrete(key)): some(Concrete(item)) for _ in range(CHANCE.randint(0, 3))}
        case Concrete(primitive):
            return CHANCE.choice(VALUES[str(primitive)])
        case AnyDecimal():
            return Decimal(CHANCE.choice(["0.00", "-1.55", "99.99"]))
        case ArrayOf(item):
            return [some(item) for _ in range(CHANCE.randint(0, 4))]
        case MapOf(key, item):
            return {some(key): some(item) for _ in range(CHANCE.randint(0, 3))}
        case _:
            return CHANCE.randint(1, 3)


def overloads():
    registry = default_registry()
    for name in registry.names():
        for place, overload in enumerate(registry.describe(name).overloads):
            if isinstance(overload, ScalarOverload):
                yield pytest.param(overload, id=f"{name}-{place}")


def made(overload):
    if not overload.made:
        return overload.function
    kinds = {AnyDecimal: SqlDecimal(4, 2)}
    types = [getattr(p.type, "type", None) or kinds.get(type(p.type), INTEGER) for p in overload.signature.parameters]
    return overload.function(CallContext(tuple(types), {}))


@pytest.mark.parametrize("overload", list(overloads()))
def test_a_value_or_an_expected_failure(overload):
    function = made(overload)
    for _ in range(40):
        arguments = []
        for parameter in overload.signature.parameters:
            count = CHANCE.randint(0, 3) if parameter.variadic else 1
            arguments += [some(parameter.type) for _ in range(count)]
        if not overload.nulls and None in arguments:
            continue
        try:
            function(*arguments)
        except EVALUATION_ERRORS:
            assert not overload.total, arguments
