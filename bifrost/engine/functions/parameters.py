"""Parameter types of functions, and the notation for signatures.

    "str STRING, pos INTEGER, length INTEGER -> STRING"
    "array ARRAY<T>, mapper (T) => R -> ARRAY<R>"
    "first T, others T... -> T"
    "val T; n INTEGER -> ARRAY<T>"        (what follows `;` must be literals: aggregates only)

A word in lower case is a parameter's name, a single capital letter is a type variable, `DECIMAL` without parameters is
any decimal, `ANY` is anything, `INTERVAL` a unit of time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import assert_never

from bifrost.sql.types import SqlArray, SqlDecimal, SqlMap, SqlPrimitive, SqlStruct, SqlType, StructField, render_type


@dataclass(frozen=True, slots=True)
class Concrete:
    """Exactly this type."""

    type: SqlType


@dataclass(frozen=True, slots=True)
class AnyDecimal:
    """A decimal of any precision and scale."""


@dataclass(frozen=True, slots=True)
class AnyType:
    """A value of any type."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A unit of time."""


@dataclass(frozen=True, slots=True)
class TypeVariable:
    """A type that the first argument with that variable determines."""

    name: str


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """ARRAY<item>."""

    item: ParameterType


@dataclass(frozen=True, slots=True)
class MapOf:
    """MAP<key, value>."""

    key: ParameterType
    value: ParameterType


@dataclass(frozen=True, slots=True)
class StructOf:
    """STRUCT<name type, ...>."""

    fields: tuple[tuple[str, ParameterType], ...]


@dataclass(frozen=True, slots=True)
class LambdaOf:
    """(inputs) => result."""

    inputs: tuple[ParameterType, ...]
    result: ParameterType


ParameterType = Concrete | AnyDecimal | AnyType | Interval | TypeVariable | ArrayOf | MapOf | StructOf | LambdaOf


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; a `literal` one must be a constant, which the aggregate's factory receives."""

    name: str
    type: ParameterType
    variadic: bool = False
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters and result of one overload."""

    parameters: tuple[Parameter, ...]
    result: ParameterType

    @property
    def variadic_index(self) -> int | None:
        """The index of the variadic parameter, or None."""
        return next((i for i, parameter in enumerate(self.parameters) if parameter.variadic), None)

    def expanded(self, count: int) -> tuple[Parameter, ...] | None:
        """Return the parameters for a call with that many arguments, or None if the number does not fit."""
        at = self.variadic_index
        if at is None:
            return self.parameters if len(self.parameters) == count else None
        repeats = count - len(self.parameters) + 1
        if repeats < 0:
            return None
        return self.parameters[:at] + (self.parameters[at],) * repeats + self.parameters[at + 1 :]

    def literals(self, count: int) -> int:
        """Return how many of the call's last arguments must be literals."""
        return sum(parameter.literal for parameter in self.expanded(count) or ())


_DISPLAYED = {"INTEGER": "INT", "STRING": "VARCHAR"}


def type_text(parameter_type: ParameterType) -> str:
    """Return the type as ksqlDB prints it for functions: INT, VARCHAR, ARRAY<T>, LAMBDA (T) => R."""
    match parameter_type:
        case Concrete(sql_type):
            return re.sub(r"\b(INTEGER|STRING)\b", lambda m: _DISPLAYED[m[0]], render_type(sql_type, lambda name: name))
        case AnyDecimal():
            return "DECIMAL"
        case AnyType():
            return "ANY"
        case Interval():
            return "INTERVALUNIT"
        case TypeVariable(name):
            return name
        case ArrayOf(item):
            return f"ARRAY<{type_text(item)}>"
        case MapOf(key, value):
            return f"MAP<{type_text(key)}, {type_text(value)}>"
        case StructOf(fields):
            return f"STRUCT<{', '.join(f'{name} {type_text(kind)}' for name, kind in fields)}>"
        case LambdaOf(inputs, result):
            return f"LAMBDA ({', '.join(map(type_text, inputs))}) => {type_text(result)}"
        case _:
            assert_never(parameter_type)


def variables_of(parameter_type: ParameterType) -> frozenset[str]:
    """Return the names of the type variables in a type."""
    match parameter_type:
        case TypeVariable(name):
            return frozenset((name,))
        case ArrayOf(item):
            return variables_of(item)
        case MapOf(key, value):
            return variables_of(key) | variables_of(value)
        case StructOf(fields):
            return frozenset().union(*(variables_of(kind) for _, kind in fields))
        case LambdaOf(inputs, result):
            return variables_of(result).union(*(variables_of(kind) for kind in inputs))
        case _:
            return frozenset()


_TOKEN = re.compile(r"\s*(=>|->|\.\.\.|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[<>(),;])")
_PRIMITIVES = {kind.value: kind for kind in SqlPrimitive} | {
    "INT": SqlPrimitive.INTEGER,
    "VARCHAR": SqlPrimitive.STRING,
}


@cache
def parse_signature(text: str) -> Signature:
    """Parse a signature.

    Raises:
        ValueError: the text is not a signature.
    """
    reader = _Reader(text)
    parameters = reader.parameters()
    reader.expect("->")
    result = reader.type()
    reader.expect("")
    return Signature(parameters, result)


class _Reader:
    """A recursive-descent reader of signatures."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [match[1] for match in _TOKEN.finditer(text)]
        # `finditer` passes over characters that begin no token.
        if "".join(self.tokens) != "".join(text.split()):
            raise ValueError(f"not a signature: {text}")
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise ValueError(f"not a signature: {self.text}: expected {token or 'its end'}")

    def parameters(self) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        literal = False
        while self.peek() != "->":
            found.append(self.parameter(literal))
            if self.peek() == ";":
                literal = True
            if self.peek() in (",", ";"):
                self.take()
        return tuple(found)

    def parameter(self, literal: bool) -> Parameter:
        named = self.peek()[:1].islower()
        name = self.take() if named else ""
        kind = self.type()
        variadic = self.peek() == "..."
        if variadic:
            self.take()
        return Parameter(name, kind, variadic, literal)

    def type(self) -> ParameterType:
        word = self.take()
        if word == "(":
            return self.lambda_type()
        if word in _PRIMITIVES:
            return Concrete(_PRIMITIVES[word])
        match word:
            case "DECIMAL":
                return self.decimal()
            case "ANY":
                return AnyType()
            case "INTERVAL":
                return Interval()
            case "ARRAY" | "MAP" | "STRUCT":
                return self.nested(word)
        if len(word) == 1 and word.isupper():
            return TypeVariable(word)
        raise ValueError(f"not a signature: {self.text}: {word!r} is no type")

    def lambda_type(self) -> ParameterType:
        inputs = [self.type()]
        while self.peek() == ",":
            self.take()
            inputs.append(self.type())
        self.expect(")")
        self.expect("=>")
        return LambdaOf(tuple(inputs), self.type())

    def decimal(self) -> ParameterType:
        if self.peek() != "(":
            return AnyDecimal()
        self.take()
        precision = int(self.take())
        self.expect(",")
        scale = int(self.take())
        self.expect(")")
        return Concrete(SqlDecimal(precision, scale))

    def nested(self, word: str) -> ParameterType:
        self.expect("<")
        found: list[tuple[str, ParameterType]] = []
        while self.peek() != ">":
            name = self.take() if word == "STRUCT" else ""
            found.append((name, self.type()))
            if self.peek() == ",":
                self.take()
        self.expect(">")
        kinds = [kind for _, kind in found]
        match word:
            case "ARRAY":
                return concrete(ArrayOf(kinds[0]))
            case "MAP":
                return concrete(MapOf(kinds[0], kinds[1]))
            case _:
                return concrete(StructOf(tuple(found)))


def concrete(parameter_type: ParameterType) -> ParameterType:
    """Return the type as `Concrete` if all its parts are concrete, else unchanged."""
    match parameter_type:
        case ArrayOf(Concrete(item)):
            return Concrete(SqlArray(item))
        case MapOf(Concrete(key), Concrete(value)):
            return Concrete(SqlMap(key, value))
        case StructOf(fields) if all(isinstance(kind, Concrete) for _, kind in fields):
            known = tuple(StructField(name, kind.type) for name, kind in fields if isinstance(kind, Concrete))
            return Concrete(SqlStruct(known))
        case _:
            return parameter_type
