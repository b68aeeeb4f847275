"""Common types for lists of expressions: ARRAY[...], MAP(...), IN, CASE. The first non-null expression leads.

As on ksqlDB's page "Type coercion": numbers widen, literals may change to the type of the others, and constructors of
arrays, maps and structs are coerced part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bifrost.engine.expressions.code import Code, Translator
from bifrost.engine.expressions.conversion import convert
from bifrost.engine.functions.java.text import parse_decimal
from bifrost.engine.functions.overloads import decimal_of, numeric_width, wider_decimal
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import (
    BooleanLiteral,
    Cast,
    CreateArray,
    CreateMap,
    CreateStruct,
    DecimalLiteral,
    DoubleLiteral,
    Expression,
    IntegerLiteral,
    LongLiteral,
    NullLiteral,
    StringLiteral,
)
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    StructField,
)

_LITERALS = (BooleanLiteral, IntegerLiteral, LongLiteral, DoubleLiteral, DecimalLiteral, StringLiteral)
# Any beginning of these words has their meaning.
_TRUTHS = {
    word[:n]: word in ("true", "yes") for word in ("true", "yes", "false", "no") for n in range(1, len(word) + 1)
}
_INT_BITS, _LONG_BITS = 31, 63
_MOST_DIGITS = 1000
"""The exponent of a text literal is limited, because a DECIMAL holds all its digits."""


def coerce_all(translator: Translator, expressions: Sequence[Expression]) -> tuple[SqlType | None, list[Code]]:
    """Return the common type (None if all are null) and the expressions' codes, each cast to it.

    Raises:
        AnalysisError: there is no common type (ksqlDB's texts).
    """
    common = common_type(translator, expressions)
    if common is None:
        return None, [translator.translate(expression) for expression in expressions]
    return common, [coerce(translator, expression, common) for expression in expressions]


def common_type(translator: Translator, expressions: Sequence[Expression]) -> SqlType | None:
    """Return the type that all expressions can be cast to, or None if all are null."""
    common: SqlType | None = None
    for expression in expressions:
        found = translator.translate(expression).type
        if found is None:
            continue
        common = found if common is None else _widened_common(translator, common, expression)
    return common


def _widened_common(translator: Translator, common: SqlType, expression: Expression) -> SqlType:
    """Widen the common type so that the expression fits too."""
    found = translator.translate(expression).type
    if found is None:
        raise ValueError("a null literal has no part in the common type")
    if common == found:
        return found
    mismatch = _mismatch(common, found, expression)
    if common == STRING:
        return _or_raise(common if isinstance(expression, _LITERALS) else None, mismatch)
    if common == BOOLEAN:
        return _or_raise(_boolean(expression), mismatch)
    if numeric_width(common) is not None:
        given = _number_type(common, expression) if isinstance(expression, StringLiteral) else found
        return _or_raise(_wider(common, given), mismatch)
    match common, found:
        case (SqlArray(item), SqlArray()):
            return SqlArray(_common_part(translator, item, found.item, _items(expression), mismatch))
        case (SqlMap(key, value), SqlMap()):
            keys, values = _entries(expression)
            return SqlMap(
                _common_part(translator, key, found.key, keys, mismatch),
                _common_part(translator, value, found.value, values, mismatch),
            )
        case (SqlStruct(), SqlStruct()):
            return _common_struct(translator, common, found, expression, mismatch)
    raise AnalysisError(mismatch())


def _common_part(
    translator: Translator,
    common: SqlType,
    found: SqlType,
    parts: Sequence[Expression] | None,
    mismatch: Callable[[], str],
) -> SqlType:
    """Return the common type of a part of a collection type and a constructor's expressions (or the other's part)."""
    if parts is None:
        return _or_raise(widened(common, found), mismatch)
    result = common
    for part in parts:
        if translator.translate(part).type is None:
            continue
        try:
            result = _widened_common(translator, result, part)
        except AnalysisError as error:
            # The error names the whole collection, not the part that differs; a bad literal keeps its own error.
            if error.message.startswith("operator does not exist"):
                raise AnalysisError(mismatch()) from error
            raise
    return result


def _common_struct(
    translator: Translator, common: SqlStruct, found: SqlStruct, expression: Expression, mismatch: Callable[[], str]
) -> SqlStruct:
    parts = dict(expression.fields) if isinstance(expression, CreateStruct) else {}
    fields = {field.name: field.type for field in common.fields}
    for field in found.fields:
        if field.name not in fields:
            fields[field.name] = field.type
            continue
        part = parts.get(field.name)
        fields[field.name] = _common_part(
            translator, fields[field.name], field.type, None if part is None else (part,), mismatch
        )
    return SqlStruct(tuple(StructField(name, kind) for name, kind in fields.items()))


def _items(expression: Expression) -> Sequence[Expression] | None:
    return expression.items if isinstance(expression, CreateArray) else None


def _entries(expression: Expression) -> tuple[Sequence[Expression] | None, Sequence[Expression] | None]:
    if not isinstance(expression, CreateMap):
        return None, None
    return [key for key, _ in expression.entries], [value for _, value in expression.entries]


def widened(left: SqlType, right: SqlType) -> SqlType | None:
    """Return the narrowest type that values of both types can be cast to, or None; literals are not special here."""
    if left == right:
        return left
    match left, right:
        case (SqlArray(a), SqlArray(b)):
            item = widened(a, b)
            return SqlArray(item) if item is not None else None
        case (SqlMap(k, v), SqlMap(other_k, other_v)):
            key, value = widened(k, other_k), widened(v, other_v)
            return SqlMap(key, value) if key is not None and value is not None else None
        case (SqlStruct(), SqlStruct()):
            return _widened_struct(left, right)
    return _wider(left, right)


def _widened_struct(left: SqlStruct, right: SqlStruct) -> SqlStruct | None:
    fields: dict[str, SqlType] = {field.name: field.type for field in left.fields}
    for field in right.fields:
        kind = widened(fields[field.name], field.type) if field.name in fields else field.type
        if kind is None:
            return None
        fields[field.name] = kind
    return SqlStruct(tuple(StructField(name, kind) for name, kind in fields.items()))


def _wider(left: SqlType, right: SqlType | None) -> SqlType | None:
    width, other = numeric_width(left), numeric_width(right)
    if right is None or width is None or other is None:
        return None
    if isinstance(left, SqlDecimal) or isinstance(right, SqlDecimal):
        return DOUBLE if DOUBLE in (left, right) else wider_decimal(decimal_of(left), decimal_of(right))
    return left if width >= other else right


def _boolean(expression: Expression) -> SqlType | None:
    if not isinstance(expression, StringLiteral):
        return None
    if expression.value.strip().lower() not in _TRUTHS:
        raise AnalysisError(_bad_literal(BOOLEAN, expression))
    return BOOLEAN


def _number_type(common: SqlType, expression: StringLiteral) -> SqlType:
    """Return the numeric type of a text literal; with a point or an exponent it is a DECIMAL, as in ksqlDB."""
    text = expression.value.strip()
    try:
        number = parse_decimal(text)
    except ValueError as error:
        raise AnalysisError(_bad_literal(common, expression)) from error
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise AnalysisError(_bad_literal(common, expression))
    scale = max(0, -int(number.as_tuple().exponent))
    if scale == 0 and not any(mark in text for mark in ".eE"):
        return _whole_type(int(number))
    return SqlDecimal(max(number.adjusted() + 1 + scale, scale, 1), scale)


def _whole_type(value: int) -> SqlType:
    if -(1 << _INT_BITS) <= value < 1 << _INT_BITS:
        return INTEGER
    return BIGINT if -(1 << _LONG_BITS) <= value < 1 << _LONG_BITS else SqlDecimal(len(str(abs(value))), 0)


def _bad_literal(common: SqlType, expression: StringLiteral) -> str:
    kind = "DECIMAL" if isinstance(common, SqlDecimal) else str(common)
    return f'invalid input syntax for type {kind}: "{expression.value}".'


def _mismatch(common: SqlType, found: SqlType, expression: Expression) -> Callable[[], str]:
    return lambda: (
        f"operator does not exist: {common} = {found} ({format_expression(expression)})\n"
        "Hint: You might need to add explicit type casts."
    )


def _or_raise(found: SqlType | None, mismatch: Callable[[], str]) -> SqlType:
    if found is None:
        raise AnalysisError(mismatch())
    return found


def coerce(translator: Translator, expression: Expression, target: SqlType) -> Code:
    """Return the code of an expression, cast to the type that `common_type` returned."""
    match expression, target:
        case (CreateArray(items=items), SqlArray(item)):
            return translator.translate(CreateArray(tuple(_as(part, item) for part in items)))
        case (CreateMap(entries=entries), SqlMap(key, value)):
            return translator.translate(CreateMap(tuple((_as(k, key), _as(v, value)) for k, v in entries)))
        case (StringLiteral(value=text), _) if target == BOOLEAN:
            return translator.translate(BooleanLiteral(_TRUTHS[text.strip().lower()]))
        case (StringLiteral(value=text), _) if target in (INTEGER, BIGINT) and "." not in text:
            return convert(translator, translator.translate(expression), target)
        case (DecimalLiteral(text=text), _) if target == STRING:
            return translator.translate(StringLiteral(text))
        case _:
            return convert(translator, translator.translate(expression), target)


def _as(expression: Expression, target: SqlType) -> Expression:
    """Cast the expression part by part if it is a constructor of the type's kind."""
    match expression, target:
        case (NullLiteral(), _):
            return Cast(expression, target)
        case (CreateArray(items=items), SqlArray(item)):
            return CreateArray(tuple(_as(part, item) for part in items))
        case (StringLiteral(value=text), _) if target == BOOLEAN:
            return BooleanLiteral(_TRUTHS.get(text.strip().lower(), False))
        case _:
            return Cast(expression, target)
