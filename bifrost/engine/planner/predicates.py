"""Checks of WHERE and HAVING."""

from __future__ import annotations

from bifrost.engine.analysis.aggregates import aggregate_calls
from bifrost.engine.planner.stage import Stage
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import Expression
from bifrost.sql.types import BOOLEAN


def check_predicate(stage: Stage, predicate: Expression, clause: str) -> None:
    """Checks that a predicate over the stage's columns is a boolean.

    Raises:
        AnalysisError: it is not, or it is invalid; the message names the `clause` (`WHERE`, `HAVING`).
    """
    try:
        kind = stage.type_of(predicate)
    except AnalysisError as error:
        raise AnalysisError(_explained(error.message, predicate, clause)) from error
    for call in aggregate_calls(predicate, stage.functions):
        raise AnalysisError(f"Aggregate functions are not supported in {clause}: {format_expression(call)}.")
    if kind is not BOOLEAN:
        shown = "null" if kind is None else str(kind)
        raise AnalysisError(
            f"Type error in {clause} expression: Should evaluate to boolean but is "
            f"{format_expression(predicate)} ({shown}) instead."
        )


def _explained(problem: str, predicate: Expression, clause: str) -> str:
    """The message in ksqlDB's words: it finds invalid members of IN later than other errors."""
    if problem.startswith(("operator does not exist", "invalid input syntax")):
        return f"Invalid Predicate: {problem}"
    return f"Error in {clause} expression: {problem}\nStatement: {format_expression(predicate)}"
