"""User-defined functions: the libraries in the `*.py` files of a folder (`ksql/udf/` in a project).

    from bifrost.engine.functions.udf import FunctionError, Library

    FUNCTIONS = Library("STRING", author="me", version="1.0")

    @FUNCTIONS.scalar("SHOUT", "text STRING -> STRING", description="Says it loudly.")
    def shout(text: str) -> str:
        return text.upper() + "!"

Table functions and aggregates are declared the same way: see `Library`. If a function raises an exception, the result
is null (an aggregate skips the row) and the processing log gets the message; `FunctionError` gives it without a type.
"""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from bifrost.engine.functions.library import (
    AggregateContext,
    AggregateOverload,
    Aggregator,
    CallContext,
    FunctionError,
    Library,
    Overload,
    ScalarOverload,
)
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.errors import DeclarationError

__all__ = [
    "AggregateContext",
    "Aggregator",
    "CallContext",
    "FunctionError",
    "Library",
    "load_folder",
    "registry_of",
]


def registry_of(folder: Path) -> FunctionRegistry:
    """Return a registry of ksqlDB's functions and those of the folder, which may be missing.

    Raises:
        DeclarationError: a file cannot be loaded, or it declares a name that is already in use.
    """
    registry = default_registry()
    for path in sorted(folder.glob("*.py")):
        try:
            registry = registry.extended(load_file(path))
        except ValueError as error:
            raise DeclarationError(path, str(error)) from error
    return registry


def load_folder(folder: Path) -> tuple[Library, ...]:
    """Load the libraries of all files in the folder, in order of the files' names.

    Raises:
        DeclarationError: a file cannot be loaded.
    """
    return tuple(library for path in sorted(folder.glob("*.py")) for library in load_file(path))


def load_file(path: Path) -> tuple[Library, ...]:
    """Load the libraries that a file declares at its top level.

    Raises:
        DeclarationError: the file fails when it is run, or declares none.
    """
    module = _run(path)
    libraries = tuple(value for value in vars(module).values() if isinstance(value, Library))
    if not libraries:
        raise DeclarationError(path, "declares no functions: create a Library and decorate functions with it")
    for library in libraries:
        for declaration in library.declarations.values():
            declaration.path = str(path)
            declaration.overloads = [_contained(overload) for overload in declaration.overloads]
            declaration.unlisted = [_contained(overload) for overload in declaration.unlisted]
    return libraries


def _contained(overload: Overload) -> Overload:
    """Makes sure that whatever user code raises concerns one row only, as in ksqlDB."""
    match overload:
        case AggregateOverload(make=make):
            return replace(overload, make=lambda context: _contained_aggregator(make(context)))
        case ScalarOverload(function=function, made=True):
            return replace(overload, function=lambda context: _contained_call(function(context)))
        case _:
            return replace(overload, function=_contained_call(overload.function))


def _contained_aggregator(made: Aggregator) -> Aggregator:
    return Aggregator(
        _contained_call(made.initialize),
        _contained_call(made.add),
        _contained_call(made.result),
        None if made.remove is None else _contained_call(made.remove),
        None if made.merge is None else _contained_call(made.merge),
    )


def _contained_call(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except FunctionError:
            raise
        except Exception as error:  # user code: any exception is a failure on these values
            raise FunctionError(f"{type(error).__name__}: {error}") from error

    return call


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bifrost_udf_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise DeclarationError(path, "is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # user code: report any exception with its line
        raise DeclarationError(path, f"{type(error).__name__}: {error}", line=_line(error, path)) from error
    return module


def _line(error: Exception, path: Path) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None
