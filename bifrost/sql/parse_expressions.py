"""Parses expressions by precedence climbing: one loop instead of one function per level."""

from __future__ import annotations

from enum import IntEnum

from bifrost.sql.lexer import TokenKind
from bifrost.sql.parse_literals import accept_literal
from bifrost.sql.parse_types import parse_type
from bifrost.sql.token_cursor import TokenCursor
from bifrost.sql.tree import (
    Arithmetic,
    ArithmeticOperator,
    ArithmeticUnary,
    Between,
    Cast,
    ColumnRef,
    Comparison,
    ComparisonOperator,
    CreateArray,
    CreateMap,
    CreateStruct,
    Dereference,
    Expression,
    FunctionCall,
    InList,
    IntervalUnit,
    IsNotNull,
    IsNull,
    Lambda,
    LambdaVariable,
    Like,
    Location,
    LogicalBinary,
    LogicalOperator,
    Not,
    SearchedCase,
    Sign,
    SimpleCase,
    Subscript,
    TimeLiteral,
    TimestampLiteral,
    TimeUnit,
    WhenClause,
)


class Level(IntEnum):
    """Operator precedence, loosest first."""

    OR = 1
    AND = 2
    NOT = 3
    PREDICATE = 4
    CONCATENATION = 5
    SUM = 6
    PRODUCT = 7
    SIGN = 8


_COMPARISONS = {operator.value: operator for operator in ComparisonOperator} | {"!=": ComparisonOperator.NOT_EQUAL}
_ARITHMETIC = {operator.value: operator for operator in ArithmeticOperator}
_LEVELS = {
    "OR": Level.OR,
    "AND": Level.AND,
    "||": Level.CONCATENATION,
    "+": Level.SUM,
    "-": Level.SUM,
    "*": Level.PRODUCT,
    "/": Level.PRODUCT,
    "%": Level.PRODUCT,
    **dict.fromkeys(("=", "<>", "!=", "<", "<=", ">", ">=", "IS", "IN", "LIKE", "BETWEEN", "NOT"), Level.PREDICATE),
}
_UNIT_WORDS = {"MILLISECOND": TimeUnit.MILLISECONDS} | {unit.name: unit for unit in TimeUnit}


def parse_expression(cursor: TokenCursor, loosest: Level = Level.OR) -> Expression:
    """An expression whose operators bind at least as tightly as `loosest`.

    Raises:
        ParseError: the text is not an expression, or nests too deeply.
    """
    with cursor.nested():
        where = cursor.location
        if loosest <= Level.NOT and cursor.accept("NOT"):
            left: Expression = Not(parse_expression(cursor, Level.NOT), location=where)
            tightest = Level.AND
        else:
            left = _operand(cursor)
            tightest = Level.PRODUCT
        while (level := _infix_level(cursor)) is not None and loosest <= level <= tightest:
            if level is Level.PREDICATE:
                left = _predicate(cursor, left, where)
            else:
                left = _binary(cursor, level, left, where)
            if level <= Level.PREDICATE:  # the language has no `a = b = c` and no `a IS NULL IS NULL`
                tightest = Level.AND
        return left


def parse_value(cursor: TokenCursor) -> Expression:
    """An expression without comparisons, AND, OR and NOT (except in brackets)."""
    return parse_expression(cursor, Level.CONCATENATION)


def _infix_level(cursor: TokenCursor) -> Level | None:
    token = cursor.token
    return _LEVELS.get(token.value) if token.kind in (TokenKind.SIGN, TokenKind.KEYWORD) else None


def _binary(cursor: TokenCursor, level: Level, left: Expression, where: Location) -> Expression:
    word = cursor.advance().value
    # One level tighter, so that operators of the same level associate to the left.
    right = parse_expression(cursor, Level(level + 1))
    match level:
        case Level.OR | Level.AND:
            return LogicalBinary(LogicalOperator(word), left, right, location=where)
        case Level.CONCATENATION:
            # As in ksqlDB, `||` is another spelling of the function.
            return FunctionCall("CONCAT", (left, right), location=where)
        case _:
            return Arithmetic(_ARITHMETIC[word], left, right, location=where)


def _predicate(cursor: TokenCursor, value: Expression, where: Location) -> Expression:
    if cursor.accept("IS"):
        return _is_predicate(cursor, value, where)
    negated = cursor.accept("NOT")
    if negated:
        positive = _membership(cursor, cursor.expect("BETWEEN", "IN", "LIKE"), value, where)
        return Not(positive, location=where)
    return _membership(cursor, cursor.advance().value, value, where)


def _membership(cursor: TokenCursor, word: str, value: Expression, where: Location) -> Expression:
    match word:
        case "BETWEEN":
            # A value only: the next AND belongs to BETWEEN.
            low = parse_value(cursor)
            cursor.expect("AND")
            return Between(value, low, parse_value(cursor), location=where)
        case "IN":
            with cursor.nested():
                return InList(value, cursor.bracketed(parse_expression), location=where)
        case "LIKE":
            pattern = parse_value(cursor)
            escape = _escape(cursor) if cursor.accept("ESCAPE") else None
            return Like(value, pattern, escape, location=where)
        case _:
            return Comparison(_COMPARISONS[word], value, parse_value(cursor), location=where)


def _escape(cursor: TokenCursor) -> str:
    token = cursor.token
    character = cursor.expect_string()
    if len(character) != 1:
        raise cursor.error(f"Syntax Error\nESCAPE needs exactly one character, but has '{character}'", token)
    return character


def _is_predicate(cursor: TokenCursor, value: Expression, where: Location) -> Expression:
    negated = cursor.accept("NOT") is not None
    if cursor.expect("NULL", "DISTINCT") == "NULL":
        return IsNotNull(value, location=where) if negated else IsNull(value, location=where)
    cursor.expect("FROM")
    operator = ComparisonOperator.IS_NOT_DISTINCT_FROM if negated else ComparisonOperator.IS_DISTINCT_FROM
    return Comparison(operator, value, parse_value(cursor), location=where)


def _operand(cursor: TokenCursor) -> Expression:
    where = cursor.location
    literal = accept_literal(cursor)
    if literal is None and (sign := cursor.accept("-", "+")):
        return ArithmeticUnary(Sign(sign), parse_expression(cursor, Level.SIGN), location=where)
    return _postfixed(cursor, literal if literal is not None else _atom(cursor), where)


def parse_primary(cursor: TokenCursor) -> Expression:
    """An expression that can be followed by `[...]` or `->` without brackets. A final `->*` is not taken."""
    where = cursor.location
    return _postfixed(cursor, accept_literal(cursor) or _atom(cursor), where)


def _postfixed(cursor: TokenCursor, base: Expression, where: Location) -> Expression:
    while True:
        if cursor.accept("["):
            with cursor.nested():
                index = parse_value(cursor)
            cursor.expect("]")
            base = Subscript(base, index, location=where)
        elif cursor.at("->") and not cursor.at_all("->", "*"):
            cursor.advance()
            base = Dereference(base, cursor.expect_name(), location=where)
        else:
            return base


def _atom(cursor: TokenCursor) -> Expression:
    if cursor.accept("("):
        inner = parse_expression(cursor)
        cursor.expect(")")
        return inner
    with cursor.nested():
        return _construct(cursor, cursor.location)


def _construct(cursor: TokenCursor, where: Location) -> Expression:
    if cursor.accept("CASE"):
        return _case(cursor, where)
    if cursor.accept("CAST"):
        return _cast(cursor, where)
    if cursor.accept_all("ARRAY", "["):
        return CreateArray(_items(cursor, "]"), location=where)
    if cursor.accept_all("MAP", "("):
        return CreateMap(_entries(cursor), location=where)
    if cursor.accept_all("STRUCT", "("):
        return CreateStruct(_fields(cursor), location=where)
    if cursor.at_name():
        return _named(cursor, where)
    raise cursor.failure()


def _case(cursor: TokenCursor, where: Location) -> Expression:
    operand = None if cursor.at("WHEN") else parse_value(cursor)
    cursor.expect("WHEN")
    whens = [_when(cursor)]
    while cursor.accept("WHEN"):
        whens.append(_when(cursor))
    default = parse_expression(cursor) if cursor.accept("ELSE") else None
    cursor.expect_after("END", "WHEN", "ELSE")
    if operand is None:
        return SearchedCase(tuple(whens), default, location=where)
    return SimpleCase(operand, tuple(whens), default, location=where)


def _when(cursor: TokenCursor) -> WhenClause:
    where = cursor.location
    condition = parse_expression(cursor)
    cursor.expect("THEN")
    return WhenClause(condition, parse_expression(cursor), location=where)


def _cast(cursor: TokenCursor, where: Location) -> Expression:
    cursor.expect("(")
    value = parse_expression(cursor)
    cursor.expect("AS")
    kind = parse_type(cursor)
    cursor.expect(")")
    return Cast(value, kind, location=where)


def _items(cursor: TokenCursor, closing: str) -> tuple[Expression, ...]:
    if cursor.accept(closing):
        return ()
    items = cursor.comma_separated(parse_expression)
    cursor.expect_after(closing, ",")
    return items


def _entries(cursor: TokenCursor) -> tuple[tuple[Expression, Expression], ...]:
    if cursor.accept(")"):
        return ()
    entries = cursor.comma_separated(_entry)
    cursor.expect_after(")", ",")
    return entries


def _entry(cursor: TokenCursor) -> tuple[Expression, Expression]:
    key = parse_expression(cursor)
    cursor.expect(":=")
    return key, parse_expression(cursor)


def _fields(cursor: TokenCursor) -> tuple[tuple[str, Expression], ...]:
    if cursor.accept(")"):
        return ()
    fields = cursor.comma_separated(_field)
    cursor.expect_after(")", ",")
    return fields


def _field(cursor: TokenCursor) -> tuple[str, Expression]:
    name = cursor.expect_name()
    cursor.expect(":=")
    return name, parse_expression(cursor)


def _named(cursor: TokenCursor, where: Location) -> Expression:
    token = cursor.token
    name = cursor.expect_name()
    if cursor.accept("("):
        return FunctionCall(name.upper(), _arguments(cursor), location=where)
    if cursor.token.kind is TokenKind.STRING:
        text = cursor.advance().value
        match name:
            case "TIME":
                return TimeLiteral(text, location=where)
            case "TIMESTAMP":
                return TimestampLiteral(text, location=where)
        raise cursor.error(f"Unknown type: {name}", token)
    if cursor.at(".") and cursor.at_name(1):
        cursor.advance()
        return ColumnRef(cursor.expect_name(), name, location=where)
    return LambdaVariable(name, location=where) if name in cursor.lambda_parameters else ColumnRef(name, location=where)


def _arguments(cursor: TokenCursor) -> tuple[Expression, ...]:
    # `COUNT(*)` is a call without arguments.
    if cursor.accept_all("*", ")") or cursor.accept(")"):
        return ()
    arguments = cursor.comma_separated(_argument)
    cursor.expect_after(")", ",")
    return arguments


def _argument(cursor: TokenCursor) -> Expression:
    where = cursor.location
    if cursor.token.kind is TokenKind.KEYWORD and cursor.token.value in _UNIT_WORDS:
        return IntervalUnit(_UNIT_WORDS[cursor.advance().value], location=where)
    parameters = _lambda_parameters(cursor)
    if not parameters:
        return parse_expression(cursor)
    # The body of a lambda also sees the parameters of the lambdas around it.
    outer = cursor.lambda_parameters
    cursor.lambda_parameters = outer + parameters
    body = parse_expression(cursor)
    cursor.lambda_parameters = outer
    return Lambda(parameters, body, location=where)


def _lambda_parameters(cursor: TokenCursor) -> tuple[str, ...]:
    """Take `x =>` or `(x, y) =>`; the empty tuple if no lambda begins here."""
    if cursor.at_name() and cursor.at_sign(1, "=>"):
        name = cursor.expect_name()
        cursor.expect("=>")
        return (name,)
    ahead = 1
    while cursor.at("(") and cursor.at_name(ahead):
        if cursor.at_sign(ahead + 1, ")") and cursor.at_sign(ahead + 2, "=>"):
            names = cursor.bracketed(TokenCursor.expect_name)
            cursor.expect("=>")
            return names
        if not cursor.at_sign(ahead + 1, ","):
            break
        ahead += 2
    return ()
