"""Adds the statement's text to errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bifrost.errors import AnalysisError, StatementError


@contextmanager
def attach_statement(text: str, prefix: str = "") -> Iterator[None]:
    """Errors raised in the block get the statement's text, and `prefix` before their message."""
    try:
        yield
    except AnalysisError as error:
        # An inner block has attached its own text, which is nearer to the error.
        if error.statement and not prefix:
            raise
        raise type(error)(f"{prefix}{error.message}", error.statement or text) from error
    except StatementError as error:
        error.statement = error.statement or text
        raise
