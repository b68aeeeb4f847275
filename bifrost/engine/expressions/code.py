"""Pieces of generated Python and the contract between the modules that generate them."""

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

    `type` is its SQL type, None for the null literal; `nullable` says whether it can be None; `simple` that its text is
    a name or literal, free to repeat; `fails` that evaluating it may raise; `literal` that it is the constant `value`;
    `safe` is other text for it that gives null instead of raising.
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
        """The same value seen as another type."""
        return replace(self, type=sql_type)


NULL = Code("None", None, nullable=True, simple=True, literal=True)


class Translator(Protocol):
    """What the translating modules need of the compiler."""

    @property
    def functions(self) -> FunctionRegistry:
        """The functions that may be called."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """ksqlDB's properties in force."""
        ...

    def translate(self, expression: Expression) -> Code:
        """The code of an expression."""
        ...

    def constant(self, value: object, hint: str) -> str:
        """A name under which generated code finds the value; the same name for the same object."""
        ...

    def temporary(self) -> str:
        """A new local name."""
        ...

    def translate_lambda(self, parameters: Sequence[str], types: Sequence[SqlType | None], body: Expression) -> Code:
        """A Python lambda; `type` and `nullable` are the body's."""
        ...


def use(translator: Translator, function: Callable[..., Any]) -> str:
    """The name under which generated code calls a function."""
    return translator.constant(function, function.__name__.strip("_<>"))


def constant_code(translator: Translator, value: Any, sql_type: SqlType | None) -> Code:
    """The code of a value that is known now."""
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
    """How to write a value the first time and every later time, so that it is evaluated once."""
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
    """The code of an operation that is null where any operand is; `build` may use each operand's text once.

    `nullable` says that the operation itself may give null, `fails` that it may raise.
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
    built = build(texts)
    return Code(
        f"(None if {' or '.join(tests)} else {built})" if tests else built,
        result,
        nullable=bool(tests) or nullable,
        fails=fails or any(operand.fails for operand in operands),
    )
