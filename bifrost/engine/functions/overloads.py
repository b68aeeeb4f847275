"""Match arguments to parameters: type variables, implicit widening, lambdas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bifrost.engine.functions.parameters import (
    AnyDecimal,
    AnyType,
    ArrayOf,
    Concrete,
    Interval,
    LambdaOf,
    MapOf,
    ParameterType,
    Signature,
    StructOf,
    TypeVariable,
    variables_of,
)
from bifrost.sql.types import (
    BIGINT,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlPrimitive,
    SqlStruct,
    SqlType,
    StructField,
    render_type,
)


@dataclass(frozen=True, slots=True)
class LambdaType:
    """A lambda as an argument: its number of parameters, and its types once they are known."""

    arity: int
    inputs: tuple[SqlType | None, ...] | None = None
    result: SqlType | None = None

    def __str__(self) -> str:
        if self.inputs is None:
            return "LAMBDA"
        return f"LAMBDA ({', '.join(map(argument_text, self.inputs))}) => {argument_text(self.result)}"


@dataclass(frozen=True, slots=True)
class IntervalType:
    """A unit of time as an argument."""

    def __str__(self) -> str:
        return "INTERVALUNIT"


ArgumentType = SqlType | LambdaType | IntervalType | None
"""The type of an argument; None is the null literal."""

Bindings = dict[str, SqlType]

_WIDTH = {INTEGER: 1, BIGINT: 2, DOUBLE: 4}
_DIGITS = {INTEGER: SqlDecimal(10, 0), BIGINT: SqlDecimal(19, 0)}


def argument_text(argument: ArgumentType) -> str:
    """Return the argument's type as messages show it: names of struct fields without quotes, `null` for null."""
    if argument is None:
        return "null"
    if isinstance(argument, LambdaType | IntervalType):
        return str(argument)
    return render_type(argument, lambda name: name)


def numeric_width(sql_type: SqlType | None) -> int | None:
    """Return the rank of a numeric type in INTEGER < BIGINT < DECIMAL < DOUBLE, None for other types."""
    if isinstance(sql_type, SqlDecimal):
        return 3
    return _WIDTH.get(sql_type) if isinstance(sql_type, SqlPrimitive) else None


def decimal_of(sql_type: SqlType) -> SqlDecimal:
    """Return the decimal type that holds every value of a whole-number type; a decimal type stays as it is."""
    if isinstance(sql_type, SqlDecimal):
        return sql_type
    return _DIGITS[sql_type]  # type: ignore[index]


def wider_decimal(left: SqlDecimal, right: SqlDecimal) -> SqlDecimal:
    """Return the decimal type that holds all values of both."""
    scale = max(left.scale, right.scale)
    return SqlDecimal(max(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def match(signature: Signature, arguments: Sequence[ArgumentType], *, casts: bool) -> Bindings | None:
    """Return the bindings of type variables with which the arguments fit, or None.

    With `casts`, numbers may widen and texts may be parsed as dates and times.
    """
    parameters = signature.expanded(len(arguments))
    if parameters is None:
        return None
    bindings: Bindings = {}
    for parameter, argument in zip(parameters, arguments, strict=True):
        if not _accepts(parameter.type, argument, bindings, casts):
            return None
    return bindings


def _accepts(wanted: ParameterType, given: ArgumentType, bindings: Bindings, casts: bool) -> bool:
    if given is None:
        return True
    if isinstance(given, LambdaType):
        return isinstance(wanted, LambdaOf) and _accepts_lambda(wanted, given, bindings, casts)
    if isinstance(given, IntervalType):
        return isinstance(wanted, Interval)
    match wanted:
        case Concrete(sql_type):
            return sql_type == given or (casts and (widens(given, sql_type) or _reads(given, sql_type)))
        case AnyDecimal():
            return isinstance(given, SqlDecimal) or (casts and given in (INTEGER, BIGINT))
        case AnyType():
            return True
        # The first argument binds the variable; later ones must fit the type that it has then.
        case TypeVariable(name):
            return bindings.setdefault(name, given) == given or (casts and widens(given, bindings[name]))
        case ArrayOf(item):
            return isinstance(given, SqlArray) and _accepts(item, given.item, bindings, casts)
        case MapOf(key, value):
            return (
                isinstance(given, SqlMap)
                and _accepts(key, given.key, bindings, casts)
                and _accepts(value, given.value, bindings, casts)
            )
        case StructOf(fields):
            return isinstance(given, SqlStruct) and _accepts_struct(fields, given, bindings, casts)
        case Interval() | LambdaOf():
            return False
        case _:
            assert_never(wanted)


def _accepts_struct(
    fields: tuple[tuple[str, ParameterType], ...], given: SqlStruct, bindings: Bindings, casts: bool
) -> bool:
    names = [name for name, _ in fields]
    if names != [field.name for field in given.fields]:
        return False
    pairs = zip(fields, given.fields, strict=True)
    return all(_accepts(kind, field.type, bindings, casts) for (_, kind), field in pairs)


def _accepts_lambda(wanted: LambdaOf, given: LambdaType, bindings: Bindings, casts: bool) -> bool:
    if len(wanted.inputs) != given.arity:
        return False
    # The lambda is not translated yet: its types follow from the overload that is being selected.
    if given.inputs is None:
        return True
    return all(
        _accepts(kind, argument, bindings, casts)
        for kind, argument in zip((*wanted.inputs, wanted.result), (*given.inputs, given.result), strict=True)
    )


def _reads(given: SqlType, wanted: SqlType) -> bool:
    """Return whether a text may be passed where a function expects a date or time."""
    return given == STRING and wanted in (DATE, TIME, TIMESTAMP)


def widens(given: SqlType, wanted: SqlType) -> bool:
    """Return whether a value widens from one type to the other without a CAST, inside arrays and maps too."""
    if given == wanted:
        return True
    match given, wanted:
        case (SqlArray(a), SqlArray(b)):
            return widens(a, b)
        case (SqlMap(key, value), SqlMap(wanted_key, wanted_value)):
            return widens(key, wanted_key) and widens(value, wanted_value)
    width, wanted_width = numeric_width(given), numeric_width(wanted)
    if width is None or wanted_width is None:
        return False
    if isinstance(given, SqlDecimal) and isinstance(wanted, SqlDecimal):
        return wanted.scale >= given.scale and wanted.precision - wanted.scale >= given.precision - given.scale
    return width < wanted_width


def bound(parameter_type: ParameterType, bindings: Bindings, given: ArgumentType = None) -> SqlType | None:
    """Return the SQL type of a parameter or result; None if it is unknown (the type of a null).

    `given` decides where the parameter leaves the type open (any decimal, any type).
    """
    match parameter_type:
        case Concrete(sql_type):
            return sql_type
        case TypeVariable(name):
            return bindings.get(name)
        case ArrayOf(item):
            inner = bound(item, bindings, given.item if isinstance(given, SqlArray) else None)
            return SqlArray(inner) if inner is not None else None
        case MapOf(key, value):
            pair = (given.key, given.value) if isinstance(given, SqlMap) else (None, None)
            inner_key, inner = bound(key, bindings, pair[0]), bound(value, bindings, pair[1])
            return SqlMap(inner_key, inner) if inner_key is not None and inner is not None else None
        case StructOf(fields):
            kinds = [(name, bound(kind, bindings)) for name, kind in fields]
            known = tuple(StructField(name, kind) for name, kind in kinds if kind is not None)
            return SqlStruct(known) if len(known) == len(kinds) else None
        case AnyDecimal():
            return decimal_of(given) if given is not None and numeric_width(_sql(given)) in (1, 2, 3) else None  # type: ignore[arg-type]
        case AnyType():
            return _sql(given)
        case Interval() | LambdaOf():
            return None
        case _:
            assert_never(parameter_type)


def _sql(given: ArgumentType) -> SqlType | None:
    return None if isinstance(given, LambdaType | IntervalType) else given


def generality(signature: Signature) -> int:
    """Count the parameters with type variables: of two matching overloads, the one with fewer wins."""
    return sum(bool(variables_of(parameter.type)) for parameter in signature.parameters)
