"""Infer types, and evaluate expressions where speed does not matter (INSERT VALUES, literals, pull queries)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.engine.expressions.calls import translate_aggregate
from bifrost.engine.expressions.compiler import NO_SETTINGS, ExpressionCompiler
from bifrost.engine.expressions.conversion import convert
from bifrost.engine.functions.registry import FunctionRegistry, ResolvedAggregate
from bifrost.sql.tree import Expression, FunctionCall
from bifrost.sql.types import SqlType, SqlValue

_NO_TYPES: Mapping[str, SqlType] = {}


def infer_type(expression: Expression, types: Mapping[str, SqlType], functions: FunctionRegistry) -> SqlType | None:
    """Return the type of an expression over columns of these types; None for the null literal.

    Raises:
        AnalysisError: the expression is invalid for these columns (ksqlDB's texts).
    """
    return ExpressionCompiler(types, functions).code(expression, {}).type


def compile_function(
    expression: Expression,
    names: Sequence[str],
    types: Mapping[str, SqlType],
    functions: FunctionRegistry,
    *,
    target: SqlType | None = None,
    config: Mapping[str, str] = NO_SETTINGS,
) -> Callable[..., Any]:
    """Compile a function of the named columns' values, in that order; with `target` its result is cast.

    Raises:
        AnalysisError: the expression is invalid for these columns.
    """
    compiler = ExpressionCompiler(types, functions, config=config)
    parameters = [f"_c{i}" for i in range(len(names))]
    code = compiler.code(expression, dict(zip(names, parameters, strict=True)))
    if target is not None:
        code = convert(compiler, code, target)
    namespace = dict(compiler.constants)
    source = f"def _evaluate({', '.join(parameters)}):\n    return {code.text}\n"
    exec(compile(source, "<expression>", "exec"), namespace)  # noqa: S102  # generated from a checked tree
    function: Callable[..., Any] = namespace["_evaluate"]  # type: ignore[assignment]
    return function


def evaluate(expression: Expression, functions: FunctionRegistry, *, target: SqlType | None = None) -> SqlValue:
    """Evaluate an expression without columns; with `target` the value is cast.

    Raises:
        AnalysisError: the expression is invalid or refers to columns.
        EVALUATION_ERRORS: the evaluation fails.
    """
    return compile_function(expression, (), _NO_TYPES, functions, target=target)()


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate with the expressions whose values each row passes to `add`, to be cast to `aggregate.parameters`."""

    aggregate: ResolvedAggregate
    arguments: tuple[Expression, ...]


def resolve_aggregate(
    call: FunctionCall,
    types: Mapping[str, SqlType],
    functions: FunctionRegistry,
    *,
    config: Mapping[str, str] = NO_SETTINGS,
) -> AggregateCall:
    """Resolve the aggregate of a call over columns of these types.

    Raises:
        AnalysisError: no overload fits, or an argument that must be a literal is not.
    """
    compiler = ExpressionCompiler(types, functions, config=config)
    aggregate = translate_aggregate(compiler, call)
    return AggregateCall(aggregate, call.arguments[: len(aggregate.parameters)])
