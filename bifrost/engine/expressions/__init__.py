"""Expressions: infer types, generate Python source, evaluate."""

from bifrost.engine.expressions.code import Code
from bifrost.engine.expressions.compiler import ExpressionCompiler
from bifrost.engine.expressions.conversion import caster, convert
from bifrost.engine.expressions.evaluation import (
    AggregateCall,
    compile_function,
    evaluate,
    infer_type,
    resolve_aggregate,
)
from bifrost.engine.expressions.runtime import EVALUATION_ERRORS

__all__ = [
    "EVALUATION_ERRORS",
    "AggregateCall",
    "Code",
    "ExpressionCompiler",
    "caster",
    "compile_function",
    "convert",
    "evaluate",
    "infer_type",
    "resolve_aggregate",
]
