"""Parses types: `DECIMAL(10, 2)`, `ARRAY<STRUCT<A INT>>`, names of custom types."""

from __future__ import annotations

from bifrost.errors import AnalysisError
from bifrost.sql.lexer import TokenKind
from bifrost.sql.token_cursor import TokenCursor
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
    SqlCustom,
    SqlDecimal,
    SqlMap,
    SqlPrimitive,
    SqlStruct,
    SqlType,
    StructField,
)

_INTEGER_MAX = 2**31 - 1
PRIMITIVES: dict[str, SqlPrimitive] = {
    "BOOLEAN": BOOLEAN,
    "INT": INTEGER,
    "INTEGER": INTEGER,
    "BIGINT": BIGINT,
    "DOUBLE": DOUBLE,
    "VARCHAR": STRING,
    "STRING": STRING,
    "BYTES": BYTES,
    "DATE": DATE,
    "TIME": TIME,
    "TIMESTAMP": TIMESTAMP,
}


def parse_type(cursor: TokenCursor) -> SqlType:
    """A type; a name that is not a built-in type becomes a `SqlCustom`.

    Raises:
        AnalysisError: a DECIMAL has an invalid precision or scale, or a STRUCT has two fields of one name.
    """
    with cursor.nested():
        found = _prefix_type(cursor)
        if cursor.accept("ARRAY"):  # `INT ARRAY` is another spelling of `ARRAY<INT>`
            return SqlArray(found)
        return found


def _prefix_type(cursor: TokenCursor) -> SqlType:
    if cursor.accept("DECIMAL"):
        return _decimal(cursor)
    if cursor.accept_all("ARRAY", "<"):
        item = parse_type(cursor)
        cursor.expect(">")
        return SqlArray(item)
    if cursor.accept_all("MAP", "<"):
        key = parse_type(cursor)
        cursor.expect(",")
        value = parse_type(cursor)
        cursor.expect(">")
        return SqlMap(key, value)
    # The lexer reads the brackets of an empty STRUCT as the sign for "not equal".
    if cursor.at_all("STRUCT", "<>"):
        cursor.index += 2
        return SqlStruct(())
    if cursor.accept_all("STRUCT", "<"):
        return _struct(cursor)
    return _named_type(cursor)


def _struct(cursor: TokenCursor) -> SqlStruct:
    if cursor.accept(">"):
        return SqlStruct(())
    with cursor.nested():
        fields = cursor.comma_separated(_struct_field)
    cursor.expect_after(">", ",")
    names = [field.name for field in fields]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise AnalysisError(f"Duplicate field found in STRUCT: '{repeated}'")
    return SqlStruct(fields)


def _struct_field(cursor: TokenCursor) -> StructField:
    name = cursor.expect_name()
    return StructField(name, parse_type(cursor))


def _decimal(cursor: TokenCursor) -> SqlDecimal:
    cursor.expect("(")
    precision = _signed_integer(cursor)
    cursor.expect(",")
    scale = _signed_integer(cursor)
    cursor.expect(")")
    if precision > _INTEGER_MAX:
        raise AnalysisError(f"DECIMAL precision must be <= {_INTEGER_MAX}: DECIMAL({precision},{scale})")
    if precision < 1:
        raise AnalysisError(f"DECIMAL precision must be >= 1: DECIMAL({precision},{scale})")
    if scale < 0:
        raise AnalysisError(f"DECIMAL scale must be >= 0: DECIMAL({precision},{scale})")
    if scale > precision:
        raise AnalysisError(f"DECIMAL precision must be >= scale: DECIMAL({precision},{scale})")
    return SqlDecimal(precision, scale)


def _signed_integer(cursor: TokenCursor) -> int:
    sign = -1 if cursor.accept("-") else 1
    if cursor.token.kind is not TokenKind.INTEGER:
        raise cursor.failure("INTEGER_VALUE")
    digits = cursor.advance().value
    return sign * (int(digits) if len(digits) <= 10 else _INTEGER_MAX + 1)  # int() of many digits takes long


def _named_type(cursor: TokenCursor) -> SqlType:
    name = cursor.expect_name()
    if cursor.accept("("):
        cursor.comma_separated(_type_parameter)  # VARCHAR(255): accepted and ignored, as ksqlDB
        cursor.expect_after(")", ",")
    return PRIMITIVES.get(name) or SqlCustom(name)


def _type_parameter(cursor: TokenCursor) -> None:
    if cursor.token.kind is not TokenKind.INTEGER and not cursor.at("STRING"):
        raise cursor.failure("'STRING'", "INTEGER_VALUE")
    cursor.advance()
