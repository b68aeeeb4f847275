"""Calls of functions, with their lambdas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bifrost.engine.expressions.code import Code, Translator, propagate, use
from bifrost.engine.expressions.collections import guard
from bifrost.engine.expressions.conversion import convert
from bifrost.engine.expressions.runtime import guarded
from bifrost.engine.functions.overloads import ArgumentType, IntervalType, LambdaType
from bifrost.engine.functions.registry import ResolvedAggregate, ResolvedScalar
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import Expression, FunctionCall, IntervalUnit, Lambda
from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument with its code; `shape` is the type that selects the overload."""

    code: Code
    shape: ArgumentType


def translate_call(translator: Translator, node: FunctionCall) -> Code:
    """Translate a function call; an argument that fails counts as null.

    Aggregate and table functions get a type but no code: separate steps of a query compute them.

    Raises:
        AnalysisError: no such function, or no overload fits.
    """
    functions = translator.functions
    if functions.is_aggregate(node.name):
        return Code("None", translate_aggregate(translator, node).return_type)
    arguments = _arguments(translator, node)
    shapes = [argument.shape for argument in arguments]
    if functions.is_table(node.name):
        return Code("None", functions.table(node.name, shapes).return_type)
    resolved = functions.scalar(node.name, shapes)
    codes = [
        _prepared(translator, argument, wanted) for argument, wanted in zip(arguments, resolved.parameters, strict=True)
    ]
    return _call(translator, resolved, codes)


def translate_aggregate(translator: Translator, node: FunctionCall) -> ResolvedAggregate:
    """Resolve the aggregate of a call.

    Raises:
        AnalysisError: no overload fits, or an argument that must be a literal is not.
    """
    codes = [translator.translate(argument) for argument in node.arguments]
    kinds = [code.type for code in codes]
    first = len(codes) - translator.functions.literal_parameters(node.name, kinds)
    for place, code in enumerate(codes[first:], first):
        if not code.literal or code.value is None:
            raise AnalysisError(
                f"Parameter {place + 1} passed to function {node.name} must be a literal constant, "
                f"but was expression: '{format_expression(node.arguments[place])}'"
            )
    try:
        return translator.functions.aggregate(node.name, kinds, [code.value for code in codes[first:]])
    except ValueError as error:
        raise AnalysisError(str(error)) from error


def _arguments(translator: Translator, node: FunctionCall) -> list[_Argument]:
    if not any(isinstance(argument, Lambda) for argument in node.arguments):
        return [_argument(translator, argument) for argument in node.arguments]
    shapes: list[ArgumentType] = [
        LambdaType(len(argument.parameters)) if isinstance(argument, Lambda) else _argument(translator, argument).shape
        for argument in node.arguments
    ]
    # Lambdas are translated last: the types of their parameters follow from the other arguments.
    inputs = translator.functions.lambda_inputs(node.name, shapes)
    return [
        _argument(translator, argument) if types is None else _lambda(translator, argument, types)
        for argument, types in zip(node.arguments, inputs, strict=True)
    ]


def _argument(translator: Translator, expression: Expression) -> _Argument:
    if isinstance(expression, IntervalUnit):
        name = translator.constant(expression.unit, "unit")
        return _Argument(Code(name, None, nullable=False, simple=True), IntervalType())
    code = translator.translate(expression)
    return _Argument(code, code.type)


def _lambda(translator: Translator, expression: Expression, types: Sequence[SqlType | None]) -> _Argument:
    if not isinstance(expression, Lambda):
        raise AnalysisError("A lambda function is expected here")
    code = translator.translate_lambda(expression.parameters, types, expression.body)
    return _Argument(replace(code, nullable=False), LambdaType(len(expression.parameters), tuple(types), code.type))


def _prepared(translator: Translator, argument: _Argument, wanted: SqlType | None) -> Code:
    """Cast the argument to the parameter's type; null if it fails."""
    if isinstance(argument.shape, LambdaType | IntervalType):
        # A lambda may fail when the function calls it, not when it is passed.
        return replace(argument.code, fails=False)
    code = guard(translator, argument.code)
    return convert(translator, code, wanted) if wanted is not None else code


def _call(translator: Translator, resolved: ResolvedScalar, codes: Sequence[Code]) -> Code:
    if resolved.inline is not None:
        template = resolved.inline

        def build(texts: Sequence[str]) -> str:
            return template.format(*texts)

        return propagate(translator, codes, build, resolved.return_type, fails=not resolved.total)
    code = _called(translator, resolved, codes, use(translator, resolved.function))
    # If the call is the only part that can fail, a guarded function gives null without a try around the expression.
    if not code.fails or any(argument.fails for argument in codes):
        return code
    safe = _called(translator, resolved, codes, translator.constant(guarded(resolved.function), "guarded"))
    return replace(code, safe=safe.text)


def _called(translator: Translator, resolved: ResolvedScalar, codes: Sequence[Code], name: str) -> Code:
    def build(texts: Sequence[str]) -> str:
        return f"{name}({', '.join(texts)})"

    if not resolved.accepts_null:
        return propagate(translator, codes, build, resolved.return_type, fails=not resolved.total, nullable=True)
    fails = not resolved.total or any(code.fails for code in codes)
    return Code(build([code.text for code in codes]), resolved.return_type, fails=fails)
