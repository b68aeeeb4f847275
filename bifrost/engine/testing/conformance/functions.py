"""Functions that only conformance cases call, to test overloads, failures and argument lists.

Their behaviour is derived from the cases. They are not part of the default registry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bifrost.engine.functions.library import AggregateContext, Aggregator, CallContext, FunctionError, Library
from bifrost.sql.types import SqlStruct

LIBRARY = Library("TEST", author="", path="conformance")


@LIBRARY.scalar("WHENCONDITION", "value BOOLEAN, allowed BOOLEAN -> BOOLEAN", description="Fails unless allowed.")
@LIBRARY.scalar("WHENRESULT", "value INTEGER, allowed BOOLEAN -> INTEGER", description="Fails unless allowed.")
def only_if(value: Any, allowed: bool) -> Any:
    """The value, if `allowed`; otherwise an error."""
    if not allowed:
        raise FunctionError("this branch must not be evaluated")
    return value


@LIBRARY.scalar("BAD_UDF", "value INTEGER -> STRING", description="Always fails.")
def fail(value: int) -> str:
    """Always raises."""
    raise FunctionError("boom!")


@LIBRARY.scalar("BAD_UDF", "shouldFail BOOLEAN -> INTEGER", description="Fails if the argument is true.")
def fail_if(should_fail: bool) -> int:
    """0, or an error."""
    if should_fail:
        raise FunctionError("boom!")
    return 0


@LIBRARY.scalar("BAD_UDF", "value STRING -> STRING", description="Returns null for every other call.", made=True)
def make_forgetful(context: CallContext) -> Callable[[str], str | None]:
    """Null, the value, null, the value, ..."""
    calls = 0

    def every_other(value: str) -> str | None:
        nonlocal calls
        calls += 1
        return value if calls % 2 == 0 else None

    return every_other


def _named(name: str, *signatures: str) -> None:
    def overload_name(*values: Any) -> str:
        return name

    LIBRARY.scalar("TEST_UDF", *signatures, description="Returns the name of the selected overload.", nulls=True)(
        overload_name
    )


_named("doStuffIntString", "a INTEGER, b STRING -> STRING")
_named("doStuffLongString", "a BIGINT, b STRING -> STRING")
_named("doStuffLongLongString", "a BIGINT, b BIGINT, c STRING -> STRING")
_named("doStuffLongVarargs", "longs BIGINT... -> STRING")


@LIBRARY.scalar("TEST_UDF", "struct STRUCT<A STRING> -> STRING", description="Returns the field A.")
def field_a(struct: dict[str, str | None]) -> str | None:
    """The field of the struct."""
    return struct["A"]


@LIBRARY.scalar("TOSTRUCT", "value STRING -> STRUCT<A STRING>", description="Wraps a text.", total=True)
def to_struct(value: str) -> dict[str, str]:
    """A struct with the text in its field A."""
    return {"A": value}


@LIBRARY.table("TEST_UDTF", "value T -> T", description="Returns the value as the only row.")
def one_row(value: Any) -> list[Any]:
    """One row; none for null."""
    return [] if value is None else [value]


@LIBRARY.aggregate("TEST_UDAF", "val BIGINT -> BIGINT", description="Adds up.")
def total(context: AggregateContext) -> Aggregator:
    """The sum."""
    return Aggregator(
        int,
        lambda state, value: state + (value or 0),
        lambda state: state,
        lambda state, value: state - (value or 0),
        lambda a, b: a + b,
    )


@LIBRARY.aggregate(
    "TEST_UDAF", "val STRUCT<A INTEGER, B INTEGER> -> STRUCT<A INTEGER, B INTEGER>", description="Adds up."
)
def total_of_structs(context: AggregateContext) -> Aggregator:
    """The sums of the fields."""
    kind = context.types[0]
    names = [field.name for field in kind.fields] if isinstance(kind, SqlStruct) else []

    def add(state: dict[str, int], value: dict[str, int | None]) -> dict[str, int]:
        return {name: state[name] + (value[name] or 0) for name in names}

    return Aggregator(lambda: dict.fromkeys(names, 0), add, lambda state: state, None, add)


def _weight(value: Any) -> int:
    """A number counts itself, a text its length, null nothing."""
    if value is None:
        return 0
    return len(value) if isinstance(value, str) else int(value)


_WEIGHED = (
    ("VAR_ARG", "first BIGINT, others STRING... -> BIGINT"),
    ("MULTI_ARG", "first BIGINT, second STRING; start INTEGER, more STRING... -> BIGINT"),
    ("FOUR_ARG", "a BIGINT, b STRING, c STRING, d STRING; start INTEGER, more STRING... -> BIGINT"),
    ("FIVE_ARG", "a BIGINT, b STRING, c STRING, d STRING, e INTEGER; start INTEGER, more STRING... -> BIGINT"),
    ("MID_VAR_ARG", "first BIGINT, others STRING...; start INTEGER, more INTEGER -> BIGINT"),
)


def _weigh(context: AggregateContext) -> Aggregator:
    start = sum(map(_weight, context.literals))
    return Aggregator(
        lambda: start,
        lambda state, *values: state + sum(map(_weight, values)),
        lambda state: state,
        lambda state, *values: state - sum(map(_weight, values)),
        lambda a, b: a + b - start,
    )


for _name, _signature in _WEIGHED:
    LIBRARY.aggregate(_name, _signature, description="Adds up numbers and lengths of texts, from its literals on.")(
        _weigh
    )


@LIBRARY.aggregate("GENERIC_VAR_ARG", "first A, second B, others C... -> ARRAY<A>", description="Gathers first values.")
@LIBRARY.aggregate("OBJ_COL_ARG", "first INTEGER, others ANY... -> ARRAY<INTEGER>", description="Gathers first values.")
def gather(context: AggregateContext) -> Aggregator:
    """The first arguments of the rows without nulls."""

    def add(state: list[Any], *values: Any) -> list[Any]:
        return state if None in values else [*state, values[0]]

    return Aggregator(list, add, lambda state: state, None, lambda a, b: a + b)


LIBRARIES = (LIBRARY,)
