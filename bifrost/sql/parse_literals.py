"""Parses literals: numbers, strings, NULL, TRUE and FALSE."""

from __future__ import annotations

import math

from bifrost.sql.lexer import Token, TokenKind
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    BooleanLiteral,
    DecimalLiteral,
    DoubleLiteral,
    IntegerLiteral,
    Literal,
    Location,
    LongLiteral,
    NullLiteral,
    StringLiteral,
)

NUMBERS = (TokenKind.INTEGER, TokenKind.DECIMAL, TokenKind.FLOAT)
_INTEGER_LIMIT = 2**31
_LONG_LIMIT = 2**63
_LONGEST_NUMBER = 20  # digits; every whole number with more digits is out of range


def parse_literal(cursor: TokenCursor) -> Literal:
    """A literal, as in a WITH clause.

    Raises:
        ParseError: the next token is not a literal, or a number is out of range.
    """
    found = accept_literal(cursor)
    if found is None:
        raise cursor.failure(
            "NULL", "TRUE", "FALSE", "STRING", "INTEGER_VALUE", "DECIMAL_VALUE", "FLOATING_POINT_VALUE"
        )
    return found


def accept_literal(cursor: TokenCursor) -> Literal | None:
    """The next literal, which may be a negative number, or None.

    Raises:
        ParseError: a number is out of range.
    """
    token, where = cursor.token, cursor.location
    if token.kind in NUMBERS:
        return _number(cursor, cursor.advance(), "", where)
    if cursor.at("-") and cursor.peek().kind in NUMBERS:
        # The sign belongs to the literal: -2147483648 is an INTEGER, 2147483648 is not.
        cursor.advance()
        return _number(cursor, cursor.advance(), "-", where)
    if token.kind is TokenKind.STRING:
        return StringLiteral(cursor.advance().value, location=where)
    match cursor.accept("NULL", "TRUE", "FALSE"):
        case "NULL":
            return NullLiteral(location=where)
        case None:
            return None
        case word:
            return BooleanLiteral(word == "TRUE", location=where)


def parse_whole_number(cursor: TokenCursor, clause: str) -> int:
    """The whole number of a clause such as LIMIT.

    Raises:
        ParseError: it is not a number, not whole, or out of range.
    """
    token = cursor.token
    if token.kind not in NUMBERS and not (cursor.at("-") and cursor.peek().kind in NUMBERS):
        raise cursor.failure()
    found = accept_literal(cursor)
    if not isinstance(found, IntegerLiteral | LongLiteral):
        raise cursor.error(f"Value must be integer for command: {clause}", token)
    return found.value


def _number(cursor: TokenCursor, token: Token, sign: str, where: Location) -> Literal:
    text = sign + token.value
    match token.kind:
        case TokenKind.INTEGER:
            return _whole_number(cursor, token, text, where)
        case TokenKind.DECIMAL:
            return DecimalLiteral(f"{sign}0{token.value}" if token.value.startswith(".") else text, location=where)
        case _:
            value = float(text)
            if math.isinf(value):
                raise cursor.error(f"Number overflows DOUBLE: {text}", token)
            return DoubleLiteral(value, location=where)


def _whole_number(cursor: TokenCursor, token: Token, text: str, where: Location) -> Literal:
    digits = token.value.lstrip("0")
    # `int` of very many digits takes long; any value that is out of range will do.
    value = int(text) if len(digits) < _LONGEST_NUMBER else _LONG_LIMIT
    if -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        return IntegerLiteral(value, location=where)
    if -_LONG_LIMIT <= value < _LONG_LIMIT:
        return LongLiteral(value, location=where)
    raise cursor.error(f"Invalid numeric literal: {text}", token)
