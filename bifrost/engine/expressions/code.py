"""Pieces of generated Python, and the contract between the modules that generate them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.sql.tree import Expression
from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Code:
    """The Python source of one value.

    `type` is its SQL type, None for the null literal. `nullable`: it may be None. `simple`: its text is a name or
    literal that may be repeated. `fails`: evaluating it may raise. `literal`: it is the constant `value`. `safe` is an
    alternative text that returns null instead of raising.
    """

    text: str
    type: SqlType | None
    nullable: bool = True
    simple: bool = False
    fails: bool = False
    literal: bool = False
    value: Any = None
    safe: str | None = None

    def typed(self, sql_type: SqlType | None) -> Code:
        """Return the same code with another type."""
        return replace(self, type=sql_type)


NULL = Code("None", None, nullable=True, simple=True, literal=True)


class Translator(Protocol):
    """What the translating modules need from the compiler."""

    @property
    def functions(self) -> FunctionRegistry:
        """The available functions."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The ksqlDB properties in force."""
        ...

    def translate(self, expression: Expression) -> Code:
        """Translate an expression."""
        ...

    def constant(self, value: object, hint: str) -> str:
        """Return the name of a constant in generated code; the same object always gets the same name."""
        ...

    def temporary(self) -> str:
        """Return a new local name."""
        ...

    def translate_lambda(self, parameters: Sequence[str], types: Sequence[SqlType | None], body: Expression) -> Code:
        """Translate to a Python lambda; `type` and `nullable` describe the body."""
        ...


def use(translator: Translator, function: Callable[..., Any]) -> str:
    """Return the name by which generated code calls a function."""
    return translator.constant(function, function.__name__.strip("_<>"))


def constant_code(translator: Translator, value: Any, sql_type: SqlType | None) -> Code:
    """Return the code of a constant."""
    if value is None:
        return NULL.typed(sql_type)
    if isinstance(value, bool | int | str | bytes):
        text = repr(value)
    elif isinstance(value, float | Decimal):
        text = translator.constant(value, "number")
    else:
        text = translator.constant(value, "value")
    return Code(text, sql_type, nullable=False, simple=True, literal=True, value=value)


def bind(translator: Translator, code: Code) -> tuple[str, str]:
    """Return the texts for the first and for every later use of a value, so that it is evaluated once."""
    if code.simple:
        return code.text, code.text
    name = translator.temporary()
    return f"({name} := {code.text})", name


def propagate(
    translator: Translator,
    operands: Sequence[Code],
    build: Callable[[Sequence[str]], str],
    result: SqlType | None,
    *,
    fails: bool = False,
    nullable: bool = False,
) -> Code:
    """Return the code of an operation that is null if any operand is; `build` may use each operand's text once.

    `nullable`: the operation itself may return null. `fails`: it may raise.
    """
    if any(operand.literal and operand.value is None for operand in operands):
        return NULL.typed(result)
    tests: list[str] = []
    texts: list[str] = []
    for operand in operands:
        if operand.nullable:
            first, again = bind(translator, operand)
            tests.append(f"{first} is None")
            texts.append(again)
        else:
            texts.append(operand.text)
    # If an operand is null, the ones behind it are not bound; then `built`, which uses them, does not run either.
    built = build(texts)
    return Code(
        f"(None if {' or '.join(tests)} else {built})" if tests else built,
        result,
        nullable=bool(tests) or nullable,
        fails=fails or any(operand.fails for operand in operands),
    )
