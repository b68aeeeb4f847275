"""Converts constants to the types of their columns without losing digits, as ksqlDB's INSERT INTO ... VALUES does."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal, InvalidOperation

from bifrost.engine.expressions import evaluate, infer_type
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.sql.tree import CreateArray, CreateMap, CreateStruct, Expression, FunctionCall, StringLiteral
from bifrost.sql.types import BYTES, STRING, SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType, SqlValue


def insert_value(expression: Expression, wanted: SqlType, functions: FunctionRegistry) -> SqlValue:
    """The value of a constant expression as a column holds it.

    Raises:
        ValueError: a decimal would be rounded or is too large, or a text for BYTES is not base64.
        AnalysisError, FunctionError: the expression cannot be evaluated or converted.
    """
    expression = _with_bytes(expression, wanted, functions)
    _check_decimals(evaluate(expression, functions), wanted)
    return evaluate(expression, functions, target=wanted)


def _with_bytes(expression: Expression, wanted: SqlType, functions: FunctionRegistry) -> Expression:
    """The expression with texts for BYTES decoded from base64, also inside constructors."""
    match expression, wanted:
        case CreateArray(items), SqlArray(item):
            return CreateArray(tuple(_with_bytes(part, item, functions) for part in items))
        case CreateMap(entries), SqlMap(key, value):
            return CreateMap(
                tuple((_with_bytes(k, key, functions), _with_bytes(v, value, functions)) for k, v in entries)
            )
        case CreateStruct(fields), SqlStruct():
            types = {field.name: field.type for field in wanted.fields}
            return CreateStruct(
                tuple((name, _with_bytes(part, types.get(name, STRING), functions)) for name, part in fields)
            )
    if wanted is not BYTES or infer_type(expression, {}, functions) is not STRING:
        return expression
    text = evaluate(expression, functions)
    if not isinstance(text, str):
        return expression
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"'{text}' is not base64: {error}") from error
    return FunctionCall("TO_BYTES", (StringLiteral(text), StringLiteral("base64")), location=expression.location)


def _check_decimals(value: SqlValue, wanted: SqlType) -> None:
    if value is None:
        return
    match wanted:
        case SqlDecimal():
            _check_fit(value, wanted)
        case SqlArray(item) if isinstance(value, list):
            for part in value:
                _check_decimals(part, item)
        case SqlMap(key, item) if isinstance(value, dict):
            for name, part in value.items():
                _check_decimals(name, key)
                _check_decimals(part, item)
        case SqlStruct(fields) if isinstance(value, dict):
            for field in fields:
                _check_decimals(value.get(field.name), field.type)


def _check_fit(value: SqlValue, wanted: SqlDecimal) -> None:
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"'{value}' is not a number") from error
    if not number.is_finite():
        raise ValueError(f"'{value}' is not a number")
    if not number:
        return
    # Zeros at the end need no digits: 1.50 fits a scale of 1.
    digits = number.normalize()
    scale = max(0, -int(digits.as_tuple().exponent))
    precision = max(digits.adjusted() + 1 + scale, scale)
    if scale > wanted.scale:
        raise ValueError(
            f"Cannot fit decimal '{number}' into {wanted} without rounding. (Requires {precision},{scale})"
        )
    if precision - scale > wanted.precision - wanted.scale:
        raise ValueError(f"Cannot fit decimal '{number}' into {wanted} as it would truncate left digits.")
