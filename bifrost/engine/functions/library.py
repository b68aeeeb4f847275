"""Declaring functions: a `Library` per family, whose decorators take SQL signatures.

    TEXT = Library("STRING")

    @TEXT.scalar("LEN", "str STRING -> INTEGER", "bytes BYTES -> INTEGER", description="Length of a text or bytes.")
    def length(value: str | bytes) -> int:
        return len(value)

One Python function may serve several signatures. Unless `nulls` is set, a null argument makes the result null and the
function is not called. Values are those of `bifrost.engine`: DECIMAL is `Decimal`, TIMESTAMP epoch ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bifrost.engine.functions.overloads import ArgumentType
from bifrost.engine.functions.parameters import Signature, parse_signature
from bifrost.sql.types import SqlType

F = TypeVar("F", bound=Callable[..., Any])

INTERNAL = "internal"
"""The path that DESCRIBE FUNCTION shows for built-in functions."""

Settings = Mapping[str, str]
"""ksqlDB's `ksql.*` properties in force, as text."""

ResultRule = Callable[[Sequence[SqlType | None]], SqlType]
"""Derives the result type from the argument types where a signature cannot express it (decimals)."""


class FunctionError(ValueError):
    """A function failed on these values: the result becomes null and the processing log gets the message."""


@dataclass(frozen=True, slots=True)
class Aggregator:
    """The parts of one aggregate function. States and results are plain data; code never changes them in place.

    `add(state, *values) -> state`; `remove` undoes an `add` (tables), `merge(older state, newer state) -> state` joins
    two sessions; None where ksqlDB does not support it. `result(state)` is the value that the query returns.
    """

    initialize: Callable[[], Any]
    add: Callable[..., Any]
    result: Callable[[Any], Any]
    remove: Callable[..., Any] | None = None
    merge: Callable[[Any, Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a factory of a scalar function receives: the types of the arguments and the properties in force."""

    types: tuple[SqlType | None, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class AggregateContext:
    """What a factory of an aggregate receives: types of column arguments, values of literal arguments, properties."""

    types: tuple[SqlType | None, ...]
    literals: tuple[Any, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class ScalarOverload:
    """One signature of a scalar function; see `Library.scalar` for the options."""

    signature: Signature
    function: Callable[..., Any]
    description: str
    nulls: bool = False
    total: bool = False
    made: bool = False
    result: ResultRule | None = None
    inline: str | None = None


@dataclass(frozen=True, slots=True)
class TableOverload:
    """One signature of a table function: `function` returns a list, one row per item."""

    signature: Signature
    function: Callable[..., Any]
    description: str


@dataclass(frozen=True, slots=True)
class AggregateOverload:
    """One signature of an aggregate; `make` builds it, `state` is its state's type (None: the result's type)."""

    signature: Signature
    make: Callable[[AggregateContext], Aggregator]
    description: str
    result: ResultRule | None = None
    state: ResultRule | None = None


Overload = ScalarOverload | TableOverload | AggregateOverload


@dataclass(slots=True)
class Declaration:
    """All overloads of one name."""

    name: str
    kind: str  # SCALAR, TABLE or AGGREGATE
    category: str
    description: str
    author: str
    version: str
    path: str
    overloads: list[Overload]
    refusal: str = ""
    unlisted: list[Overload] = field(default_factory=list)
    """Overloads that DESCRIBE FUNCTION does not show."""


class Library:
    """A family of functions of one category; DESCRIBE FUNCTION shows `author`, `version` and `path`."""

    def __init__(
        self, category: str = "OTHER", *, author: str = "Confluent", version: str = "", path: str = INTERNAL
    ) -> None:
        self.category = category
        self.author = author
        self.version = version
        self.path = path
        self.declarations: dict[str, Declaration] = {}

    def scalar(
        self,
        name: str,
        *signatures: str,
        description: str,
        nulls: bool = False,
        total: bool = False,
        made: bool = False,
        result: ResultRule | None = None,
        inline: str | None = None,
        refusal: str = "",
    ) -> Callable[[F], F]:
        """Register the decorated function under `name` for each signature.

        Args:
            nulls: call it with null arguments too.
            total: it never raises, so callers need no guard.
            made: the decorated function is a factory that makes the function from a `CallContext`.
            result: derives the result type where the signature cannot express it.
            inline: a Python expression for generated code with `{0}`, `{1}`, ... for the arguments (each used once).
            refusal: first sentence of the error if the arguments fit no signature.
        """

        def declare(function: F) -> F:
            for text in signatures:
                overload = ScalarOverload(
                    parse_signature(text), function, description, nulls, total, made, result, inline
                )
                self._declare(name, "SCALAR", description, overload).refusal = refusal
            return function

        return declare

    def table(self, name: str, *signatures: str, description: str) -> Callable[[F], F]:
        """Register a table function: it is called with nulls too and returns a list."""

        def declare(function: F) -> F:
            for text in signatures:
                self._declare(name, "TABLE", description, TableOverload(parse_signature(text), function, description))
            return function

        return declare

    def aggregate(
        self,
        name: str,
        *signatures: str,
        description: str,
        result: ResultRule | None = None,
        state: ResultRule | None = None,
        listed: bool = True,
    ) -> Callable[[F], F]:
        """Register a factory of an aggregate: it takes an `AggregateContext` and returns an `Aggregator`."""

        def declare(make: F) -> F:
            for text in signatures:
                overload = AggregateOverload(parse_signature(text), make, description, result, state)
                self._declare(name, "AGGREGATE", description, overload, listed=listed)
            return make

        return declare

    def _declare(
        self, name: str, kind: str, description: str, overload: Overload, *, listed: bool = True
    ) -> Declaration:
        declaration = self.declarations.setdefault(
            name, Declaration(name, kind, self.category, description, self.author, self.version, self.path, [])
        )
        if declaration.kind != kind:
            raise ValueError(f"function {name} is already a {declaration.kind.lower()} function")
        (declaration.overloads if listed else declaration.unlisted).append(overload)
        return declaration


__all__ = [
    "AggregateContext",
    "AggregateOverload",
    "Aggregator",
    "ArgumentType",
    "CallContext",
    "Declaration",
    "FunctionError",
    "Library",
    "Overload",
    "ResultRule",
    "ScalarOverload",
    "Settings",
    "TableOverload",
]
