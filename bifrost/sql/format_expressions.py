"""Writes expressions and types as ksqlDB prints them."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from bifrost.sql.keywords import write_name
from bifrost.sql.tree import (
    Arithmetic,
    ArithmeticUnary,
    Between,
    BooleanLiteral,
    Cast,
    ColumnRef,
    Comparison,
    CreateArray,
    CreateMap,
    CreateStruct,
    DecimalLiteral,
    Dereference,
    DoubleLiteral,
    Expression,
    FunctionCall,
    InList,
    IntegerLiteral,
    IntervalUnit,
    IsNotNull,
    IsNull,
    Lambda,
    LambdaVariable,
    Like,
    Literal,
    LogicalBinary,
    LongLiteral,
    Not,
    NullLiteral,
    SearchedCase,
    Sign,
    SimpleCase,
    StringLiteral,
    Subscript,
    TimeLiteral,
    TimestampLiteral,
    WhenClause,
)
from bifrost.sql.types import SqlType, render_type

_CONSTRUCTORS = ("MAP", "STRUCT")
"""Function names that would be parsed as constructors without quotes."""


def format_type(sql_type: SqlType) -> str:
    """The type as a statement writes it: field names have quotes only where they need them."""
    return render_type(sql_type, write_name)


def quote_string(text: str) -> str:
    """The text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def format_expression(expression: Expression) -> str:
    """The expression as ksqlDB prints it, with brackets around every operator: `(ORDERS.AMOUNT * 2)`."""
    match expression:
        case ColumnRef(name, source):
            return write_name(name) if source is None else f"{write_name(source)}.{_after_point(name)}"
        case LambdaVariable(name):
            return write_name(name)
        case Arithmetic(operator, left, right) | Comparison(operator, left, right):
            return f"({format_expression(left)} {operator.value} {format_expression(right)})"
        case LogicalBinary(operator, left, right):
            return f"({format_expression(left)} {operator.value} {format_expression(right)})"
        case Not() | IsNull() | IsNotNull() | Between() | InList() | Like():
            return f"({_predicate(expression)})"
        case ArithmeticUnary(sign, value):
            return _unary(sign, format_expression(value))
        case Cast(value, kind):
            return f"CAST({format_expression(value)} AS {format_type(kind)})"
        case IntervalUnit(unit):
            return unit.name
        case FunctionCall(name, arguments):
            return _call(name, arguments)
        case Subscript(base, index):
            return f"{_base(base)}[{format_expression(index)}]"
        case Dereference(base, name):
            return f"{_base(base)}->{write_name(name)}"
        case SearchedCase(whens, default):
            return _case("", whens, default)
        case SimpleCase(operand, whens, default):
            return _case(f" {format_expression(operand)}", whens, default)
        case Lambda(parameters, body):
            return f"({', '.join(map(write_name, parameters))}) => {format_expression(body)}"
        case CreateArray(items):
            return f"ARRAY[{_listed(items)}]"
        case CreateMap(entries):
            inner = (f"{format_expression(key)}:={format_expression(value)}" for key, value in entries)
            return f"MAP({', '.join(inner)})"
        case CreateStruct(fields):
            inner = (f"{write_name(name)}:={format_expression(value)}" for name, value in fields)
            return f"STRUCT({', '.join(inner)})"
        case _:
            return format_literal(expression)


def _after_point(name: str) -> str:
    """The name after a point, where a leading digit without quotes would make both a number."""
    return f"`{name}`" if name[:1].isdigit() and "`" not in name else write_name(name)


def format_literal(literal: Literal) -> str:
    """The literal as text; parsing it gives the same literal."""
    match literal:
        case NullLiteral():
            return "null"
        case BooleanLiteral(value):
            return "true" if value else "false"
        case IntegerLiteral(number) | LongLiteral(number):
            return str(number)
        case DoubleLiteral(number):
            return _double(number)
        case DecimalLiteral(text):
            return text
        case StringLiteral(text):
            return quote_string(text)
        case TimeLiteral(text):
            return f"TIME {quote_string(text)}"
        case TimestampLiteral(text):
            return f"TIMESTAMP {quote_string(text)}"
        case _:
            assert_never(literal)


def _predicate(expression: Not | IsNull | IsNotNull | Between | InList | Like) -> str:
    value = format_expression(expression.value)
    match expression:
        case Not():
            return f"NOT {value}"
        case IsNull():
            return f"{value} IS NULL"
        case IsNotNull():
            return f"{value} IS NOT NULL"
        case Between(_, low, high):
            return f"{value} BETWEEN {format_expression(low)} AND {format_expression(high)}"
        case InList(_, items):
            return f"{value} IN ({_listed(items)})"
        case Like(_, pattern, escape):
            ending = f" ESCAPE {quote_string(escape)}" if escape is not None else ""
            return f"{value} LIKE {format_expression(pattern)}{ending}"
        case _:
            assert_never(expression)


def _unary(sign: Sign, value: str) -> str:
    if value.startswith(("-", "+")):
        return f"{sign.value} {value}"  # two signs without a blank would start a comment
    if sign is Sign.MINUS and value[0] in "0123456789.":
        return f"-({value})"  # without brackets, it would be parsed as a negative number
    return f"{sign.value}{value}"


def _base(expression: Expression) -> str:
    text = format_expression(expression)
    return f"({text})" if isinstance(expression, ArithmeticUnary) else text


def _call(name: str, arguments: tuple[Expression, ...]) -> str:
    written = f"`{name}`" if name in _CONSTRUCTORS else write_name(name)
    return f"{written}(*)" if name == "COUNT" and not arguments else f"{written}({_listed(arguments)})"


def _listed(expressions: tuple[Expression, ...]) -> str:
    return ", ".join(format_expression(expression) for expression in expressions)


def _case(operand: str, whens: tuple[WhenClause, ...], default: Expression | None) -> str:
    branches = "".join(
        f" WHEN {format_expression(when.condition)} THEN {format_expression(when.result)}" for when in whens
    )
    ending = f" ELSE {format_expression(default)}" if default is not None else ""
    return f"(CASE{operand}{branches}{ending} END)"


def _double(number: float) -> str:
    """A DOUBLE in ksqlDB's number format: `1.5E-10`, `1E2`."""
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits))
    shortened = text.rstrip("0") or "0"
    scale = int(exponent) + len(text) - 1 if number else 0
    fraction = f".{shortened[1:]}" if len(shortened) > 1 else ""
    return f"{'-' if sign else ''}{shortened[0]}{fraction}E{scale}"
