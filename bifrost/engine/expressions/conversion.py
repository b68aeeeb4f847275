"""CAST and implicit widening, between all types that ksqlDB allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from bifrost.engine.expressions.code import Code, Translator, bind, constant_code, propagate, use
from bifrost.engine.expressions.runtime import EVALUATION_ERRORS
from bifrost.engine.functions.java.integers import wrap_bigint, wrap_integer
from bifrost.engine.functions.java.text import (
    DECIMALS,
    decimal_from_double,
    decimal_text,
    double_text,
    parse_decimal,
    parse_double,
    parse_integer,
)
from bifrost.engine.functions.javatime import isotime, sql_texts
from bifrost.engine.functions.overloads import decimal_of, widens
from bifrost.errors import AnalysisError
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
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
    SqlValue,
)

Convert = Callable[[SqlValue], SqlValue]

_INT_MIN, _INT_MAX = -(1 << 31), (1 << 31) - 1
_LONG_MIN, _LONG_MAX = -(1 << 63), (1 << 63) - 1


def convert(translator: Translator, code: Code, target: SqlType) -> Code:
    """Return the code of the value cast to `target`.

    Raises:
        AnalysisError: ksqlDB has no such cast.
    """
    if code.type is None or code.type == target:
        return code.typed(target)
    function = caster(code.type, target)
    if function is None:
        return code.typed(target)
    # Constants are converted once, when the expression is compiled.
    if code.literal:
        folded = _folded(translator, code, function, target)
        if folded is not None:
            return folded
    name = use(translator, function)
    fails = can_fail(code.type, target)
    return propagate(translator, [code], lambda texts: f"{name}({texts[0]})", target, fails=fails)


def convert_explicitly(translator: Translator, code: Code, target: SqlType) -> Code:
    """Return the code of a CAST; the property `ksql.cast.strings.preserve.nulls` decides what text null becomes.

    Raises:
        AnalysisError: ksqlDB has no such cast.
    """
    converted = convert(translator, code, target)
    if target != STRING or not converted.nullable or not _prints_null(code.type) or _preserves_nulls(translator):
        return converted
    first, again = bind(translator, converted)
    return Code(f"('null' if {first} is None else {again})", STRING, nullable=False, fails=converted.fails)


def _prints_null(source: SqlType | None) -> bool:
    """Return whether a null of this type may become the text `null`: in ksqlDB, decimals and times stay null."""
    return source in (BOOLEAN, INTEGER, BIGINT, DOUBLE) or isinstance(source, SqlArray | SqlMap | SqlStruct)


def _preserves_nulls(translator: Translator) -> bool:
    return translator.settings.get("ksql.cast.strings.preserve.nulls", "true").strip().lower() != "false"


def _folded(translator: Translator, code: Code, function: Convert, target: SqlType) -> Code | None:
    """Return the converted constant, or None if the conversion fails; as in ksqlDB, it then fails at run time."""
    if code.value is None:
        return code.typed(target)
    try:
        return constant_code(translator, function(code.value), target)
    except EVALUATION_ERRORS:
        return None


@lru_cache(maxsize=4096)
def caster(source: SqlType, target: SqlType) -> Convert | None:
    """Return a function that casts non-null values, or None if values stay as they are.

    Raises:
        AnalysisError: ksqlDB has no such cast.
    """
    if source == target:
        return None
    if target == STRING:
        return _to_text(source)
    match source, target:
        case (SqlArray(item), SqlArray(wanted)):
            return _array_caster(caster(item, wanted))
        case (SqlMap(key, value), SqlMap(wanted_key, wanted_value)):
            return _map_caster(caster(key, wanted_key), caster(value, wanted_value))
        case (SqlStruct(), SqlStruct()):
            return _struct_caster(source, target)
        case (_, SqlDecimal()):
            return _decimal_caster(source, target)
        case (SqlDecimal(), _) if target in _FROM_DECIMAL:
            return _FROM_DECIMAL[target]
    if (source, target) not in _SIMPLE:
        raise _unsupported(source, target)
    return _SIMPLE[source, target]


def _unsupported(source: SqlType, target: SqlType) -> AnalysisError:
    return AnalysisError(f"Cast of {source} to {target} is not supported")


def integer_of_double(value: float) -> int:
    """Convert a DOUBLE to INTEGER like Java's cast: NaN becomes 0, other values are clamped to the type's range."""
    return 0 if math.isnan(value) else int(max(_INT_MIN, min(_INT_MAX, value)))


def bigint_of_double(value: float) -> int:
    """Convert a DOUBLE to BIGINT like Java's cast: NaN becomes 0, other values are clamped to the type's range."""
    if math.isnan(value):
        return 0
    return _LONG_MAX if value >= _LONG_MAX else max(_LONG_MIN, int(max(float(_LONG_MIN), value)))


def integer_of_decimal(value: Decimal) -> int:
    """Return the whole part of a DECIMAL, wrapped to 32 bits."""
    return wrap_integer(int(value))


def bigint_of_decimal(value: Decimal) -> int:
    """Return the whole part of a DECIMAL, wrapped to 64 bits."""
    return wrap_bigint(int(value))


def integer_of_text(text: str) -> int:
    """Parse an INTEGER. Raises ValueError."""
    return parse_integer(text, 32)


def bigint_of_text(text: str) -> int:
    """Parse a BIGINT. Raises ValueError."""
    return parse_integer(text, 64)


def boolean_of_text(text: str) -> bool:
    """Return True for `true`, `yes` and their beginnings (`t`, `y`), in any case; any other text is false."""
    word = text.strip().lower()
    return bool(word) and ("true".startswith(word) or "yes".startswith(word))


def boolean_text(value: bool) -> str:
    """Return `true` or `false`."""
    return "true" if value else "false"


def date_of_timestamp(value: int) -> int:
    """Return a timestamp's date."""
    # `//` and `%` round down, so times before 1970 fall on the right day.
    return value // isotime.DAY_MS


def time_of_timestamp(value: int) -> int:
    """Return a timestamp's time of day."""
    return value % isotime.DAY_MS


def timestamp_of_date(value: int) -> int:
    """Return the timestamp at the start of a day."""
    return value * isotime.DAY_MS


_SIMPLE: dict[tuple[SqlType, SqlType], Convert | None] = {
    # Python has one type for both.
    (INTEGER, BIGINT): None,
    (INTEGER, DOUBLE): float,
    (BIGINT, INTEGER): wrap_integer,
    (BIGINT, DOUBLE): float,
    (DOUBLE, INTEGER): integer_of_double,
    (DOUBLE, BIGINT): bigint_of_double,
    (STRING, BOOLEAN): boolean_of_text,
    (STRING, INTEGER): integer_of_text,
    (STRING, BIGINT): bigint_of_text,
    (STRING, DOUBLE): parse_double,
    (STRING, DATE): sql_texts.parse_date,
    (STRING, TIME): sql_texts.parse_time,
    (STRING, TIMESTAMP): sql_texts.parse_timestamp,
    (TIMESTAMP, DATE): date_of_timestamp,
    (TIMESTAMP, TIME): time_of_timestamp,
    (DATE, TIMESTAMP): timestamp_of_date,
}
_FROM_DECIMAL: dict[SqlType, Convert] = {INTEGER: integer_of_decimal, BIGINT: bigint_of_decimal, DOUBLE: float}
_TEXT: dict[SqlType, Convert] = {
    BOOLEAN: boolean_text,
    INTEGER: str,
    BIGINT: str,
    DOUBLE: double_text,
    DATE: isotime.date_text,
    TIME: isotime.time_text,
    TIMESTAMP: isotime.timestamp_text,
}


def can_fail(source: SqlType, target: SqlType) -> bool:
    """Return whether the cast of some value from one type to the other may raise."""
    match source, target:
        case (_, _) if source == target or target == STRING:
            return False
        case (_, _) if target in (INTEGER, BIGINT, DOUBLE) and source != STRING:
            return False
        case (SqlArray(item), SqlArray(wanted)):
            return can_fail(item, wanted)
        case (SqlMap(key, value), SqlMap(wanted_key, wanted_value)):
            return can_fail(key, wanted_key) or can_fail(value, wanted_value)
        case (SqlStruct(), SqlStruct()):
            pairs = ((source.field(field.name), field.type) for field in target.fields)
            return any(can_fail(given.type, wanted) for given, wanted in pairs if given is not None)
        # Digits may be lost, unless the target has room for every value of the source.
        case (_, SqlDecimal()):
            return source in (DOUBLE, STRING) or not widens(decimal_of(source), target)
        case _:
            return source == STRING


def decimal_unit(scale: int) -> Decimal:
    """Return one unit of the last digit at that scale, for quantising."""
    return Decimal((0, (1,), -scale))


def fit(value: Decimal, target: SqlDecimal) -> Decimal:
    """Round the value half up to the type's scale.

    Raises:
        ValueError: the value exceeds the type's precision.
    """
    rounded = DECIMALS.quantize(value, decimal_unit(target.scale))
    # adjusted() is the position of the first digit, so the test needs no power of ten.
    digits = target.precision - target.scale
    if rounded and rounded.adjusted() >= digits:
        raise ValueError(
            f"Numeric field overflow: A field with precision {target.precision} and scale {target.scale} "
            f"must round to an absolute value less than 10^{digits}. Got {decimal_text(value)}"
        )
    return rounded


def _decimal_caster(source: SqlType, target: SqlDecimal) -> Convert:
    def from_decimal(value: Decimal) -> Decimal:
        return fit(value, target)

    def from_integer(value: int) -> Decimal:
        return fit(Decimal(value), target)

    def from_double(value: float) -> Decimal:
        return fit(decimal_from_double(value), target)

    def from_text(value: str) -> Decimal:
        return fit(parse_decimal(value), target)

    if isinstance(source, SqlDecimal):
        return from_decimal
    casters: dict[SqlType, Convert] = {
        INTEGER: from_integer,
        BIGINT: from_integer,
        DOUBLE: from_double,
        STRING: from_text,
    }
    if source not in casters:
        raise _unsupported(source, target)
    return casters[source]


def _array_caster(item: Convert | None) -> Convert | None:
    if item is None:
        return None

    def cast_array(values: list[SqlValue]) -> list[SqlValue]:
        return [None if value is None else item(value) for value in values]

    return cast_array


def _map_caster(key: Convert | None, value: Convert | None) -> Convert | None:
    if key is None and value is None:
        return None
    key_of, value_of = key or _same, value or _same

    def cast_map(entries: dict[SqlValue, SqlValue]) -> dict[SqlValue, SqlValue]:
        return {None if k is None else key_of(k): None if v is None else value_of(v) for k, v in entries.items()}

    return cast_map


def _same(value: SqlValue) -> SqlValue:
    return value


def _struct_caster(source: SqlStruct, target: SqlStruct) -> Convert:
    casts: list[tuple[str, Convert | None]] = []
    for wanted in target.fields:
        given = source.field(wanted.name)
        casts.append((wanted.name, caster(given.type, wanted.type) if given is not None else None))

    def cast_struct(value: dict[str, SqlValue]) -> dict[str, SqlValue]:
        result: dict[str, SqlValue] = {}
        for name, function in casts:
            found = value.get(name)
            result[name] = function(found) if function is not None and found is not None else found
        return result

    return cast_struct


def _to_text(source: SqlType) -> Convert:
    """Return the conversion to text, as Java prints values: `[1, null]`, `{a=1}`, `Struct{A=1,B=x}` (without nulls)."""
    match source:
        case SqlDecimal():
            return decimal_text
        case SqlArray(item):
            inner = _text_or_null(item)
            return lambda values: f"[{', '.join(map(inner, values))}]"
        case SqlMap(key, value):
            key_text, text = _text_or_null(key), _text_or_null(value)
            return lambda entries: f"{{{', '.join(f'{key_text(k)}={text(v)}' for k, v in entries.items())}}}"
        case SqlStruct(fields):
            parts = [(field.name, _text_or_null(field.type)) for field in fields]
            return lambda struct: (
                "Struct{" + ",".join(f"{n}={t(struct[n])}" for n, t in parts if struct[n] is not None) + "}"
            )
    if source == BYTES or source not in _TEXT:
        raise _unsupported(source, STRING)
    return _TEXT[source]


def _text_or_null(source: SqlType) -> Convert:
    if source == STRING:
        return lambda value: "null" if value is None else value
    text = _to_text(source)
    return lambda value: "null" if value is None else text(value)
