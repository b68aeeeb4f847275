"""Implicit conversions between types when values are written or compared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bifrost.sql.tree import DecimalLiteral, DoubleLiteral, Expression, IntegerLiteral, LongLiteral
from bifrost.sql.types import (
    BIGINT,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
)

_WIDENING = (INTEGER, BIGINT, DOUBLE)
# Digits of the largest value, which a DECIMAL must hold before its point.
_DIGITS: Mapping[SqlType, int] = {INTEGER: 10, BIGINT: 19}
_WRITTEN_AS_TEXT = frozenset({BYTES, DATE, TIME, TIMESTAMP})


def widens_decimal(source: SqlType, target: SqlType) -> bool:
    """Whether the types are equal, or decimals of which the target holds every digit of the source."""
    match source, target:
        case SqlDecimal(precision, scale), SqlDecimal(to_precision, to_scale):
            return to_scale >= scale and to_precision - to_scale >= precision - scale
        case _:
            return source == target


def decimal_literal(expression: Expression, target: SqlType) -> DecimalLiteral | None:
    """A number literal as a literal of a DECIMAL type; None for other expressions, types, and for too many digits.

    In INSERT INTO ... SELECT, ksqlDB converts number literals to the decimals of the sink, but no other expressions.
    """
    if not isinstance(target, SqlDecimal):
        return None
    match expression:
        case IntegerLiteral(number) | LongLiteral(number):
            value = Decimal(number)
        case DoubleLiteral(number):
            # The digits as written; `Decimal(number)` would show those of the binary fraction.
            value = Decimal(repr(number))
        case DecimalLiteral():
            value = expression.value
        case _:
            return None
    scale = max(0, -int(value.as_tuple().exponent))
    if not widens_decimal(SqlDecimal(max(value.adjusted() + 1 + scale, scale, 1), scale), target):
        return None
    return DecimalLiteral(f"{value:.{target.scale}f}", location=expression.location)


def widens(source: SqlType, target: SqlType) -> bool:
    """Whether every value of `source` can be a `target`."""
    if source == target:
        return True
    match source, target:
        case SqlArray(item), SqlArray(to_item):
            return widens(item, to_item)
        case SqlMap(key, value), SqlMap(to_key, to_value):
            return widens(key, to_key) and widens(value, to_value)
        case SqlStruct(fields), SqlStruct():
            return all((to := target.field(f.name)) is not None and widens(f.type, to.type) for f in fields)
        case SqlDecimal(), SqlDecimal():
            return widens_decimal(source, target)
        case SqlDecimal(), _:
            return target is DOUBLE
        case _, SqlDecimal(precision, scale):
            return precision - scale >= _DIGITS.get(source, precision)
        case _:
            return source in _WIDENING and target in _WIDENING and _WIDENING.index(source) < _WIDENING.index(target)


def insertable(source: SqlType | None, target: SqlType) -> bool:
    """Whether INSERT ... VALUES accepts a `source` value for a `target` column; None is NULL.

    Besides widening, ksqlDB accepts text for times, bytes and decimals, and numbers for decimals; it drops fields of
    structs that the column's type does not have.
    """
    if source is None or widens(source, target):
        return True
    match source, target:
        case SqlArray(item), SqlArray(to_item):
            return insertable(item, to_item)
        case SqlMap(key, value), SqlMap(to_key, to_value):
            return insertable(key, to_key) and insertable(value, to_value)
        case SqlStruct(fields), SqlStruct():
            return all((to := target.field(f.name)) is None or insertable(f.type, to.type) for f in fields)
        case _, SqlDecimal():
            return source is STRING or source in _DIGITS or isinstance(source, SqlDecimal)
        case _:
            return source is STRING and target in _WRITTEN_AS_TEXT
