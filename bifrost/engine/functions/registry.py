"""Find functions by name and argument types; the only place that selects overloads."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from bifrost.engine.functions.library import (
    AggregateContext,
    AggregateOverload,
    Aggregator,
    CallContext,
    Declaration,
    FunctionError,
    Library,
    Overload,
    ScalarOverload,
    Settings,
    TableOverload,
)
from bifrost.engine.functions.overloads import (
    ArgumentType,
    Bindings,
    IntervalType,
    LambdaType,
    argument_text,
    bound,
    generality,
    match,
)
from bifrost.engine.functions.parameters import LambdaOf, Signature, type_text
from bifrost.errors import AnalysisError
from bifrost.sql.types import SqlType

O = TypeVar("O", bound=Overload)  # noqa: E741

_FAMILIES = (
    "scalar.arithmetic",
    "scalar.trigonometry",
    "scalar.text",
    "scalar.masking",
    "scalar.regexes",
    "scalar.binary",
    "scalar.numbers_from_bytes",
    "scalar.json",
    "scalar.url",
    "scalar.dates",
    "scalar.timestamps",
    "scalar.arrays",
    "scalar.maps",
    "scalar.lambdas",
    "scalar.geo",
    "scalar.key_columns",
    "scalar.nulls",
    "table_functions",
    "aggregates.basic",
    "aggregates.collecting",
    "aggregates.offsets",
    "aggregates.ranking",
    "aggregates.statistics",
    "aggregates.distinct",
)


@dataclass(frozen=True, slots=True)
class ResolvedScalar:
    """A scalar function, resolved for the types of its arguments.

    `parameters` are the types to coerce the arguments to (None: leave as they are). Unless `accepts_null` is set, a
    null argument makes the result null without a call. `total`: the function never raises. `inline`: a template of a
    Python expression that may replace the call. `return_type` is None if all arguments are null literals.
    """

    name: str
    function: Callable[..., Any]
    return_type: SqlType | None
    parameters: tuple[SqlType | None, ...]
    accepts_null: bool
    total: bool
    inline: str | None


@dataclass(frozen=True, slots=True)
class ResolvedTable:
    """A table function, resolved for the types of its arguments: `function(*values)` returns a list of rows."""

    name: str
    function: Callable[..., list[Any]]
    return_type: SqlType
    parameters: tuple[SqlType | None, ...]


@dataclass(frozen=True, slots=True)
class ResolvedAggregate:
    """An aggregate function, resolved for the types of its arguments; see `Aggregator` for its parts.

    `parameters` are the types of the column arguments (the first ones of the call), which `add` takes in that order.
    """

    name: str
    initialize: Callable[[], Any]
    add: Callable[..., Any]
    remove: Callable[..., Any] | None
    merge: Callable[[Any, Any], Any] | None
    result: Callable[[Any], Any]
    return_type: SqlType
    aggregate_type: SqlType
    parameters: tuple[SqlType | None, ...]


class FunctionRegistry:
    """Immutable registry of functions by name (upper case). Copying it with other settings is cheap."""

    def __init__(self, declarations: Mapping[str, Declaration], settings: Settings | None = None) -> None:
        self._declarations = declarations
        self._settings: Settings = settings if settings is not None else {}

    @property
    def settings(self) -> Settings:
        """The properties that factories of functions receive."""
        return self._settings

    def configured(self, settings: Settings) -> FunctionRegistry:
        """Return a registry of the same functions with other settings."""
        return FunctionRegistry(self._declarations, settings)

    def extended(self, libraries: Iterable[Library]) -> FunctionRegistry:
        """Return a registry with the functions of the libraries added.

        Raises:
            ValueError: a name is already in use.
        """
        return FunctionRegistry(merged(self._declarations, libraries), self._settings)

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted."""
        return tuple(sorted(self._declarations))

    def __contains__(self, name: object) -> bool:
        return name in self._declarations

    def is_aggregate(self, name: str) -> bool:
        """Return whether an aggregate function has this name."""
        return self._kind(name) == "AGGREGATE"

    def is_table(self, name: str) -> bool:
        """Return whether a table function has this name."""
        return self._kind(name) == "TABLE"

    def describe(self, name: str) -> Declaration:
        """Return a function's declaration.

        Raises:
            AnalysisError: no function has that name.
        """
        found = self._declarations.get(name)
        if found is None:
            raise AnalysisError(f"Can't find any functions with the name '{name}'")
        return found

    def scalar(self, name: str, arguments: Sequence[ArgumentType]) -> ResolvedScalar:
        """Select the overload of a scalar function.

        Raises:
            AnalysisError: no such function, or not exactly one overload fits (ksqlDB's texts).
        """
        overload, bindings = self._choose(self.describe(name), arguments, ScalarOverload)
        parameters = _parameter_types(overload.signature, arguments, bindings)
        return ResolvedScalar(
            name=name,
            function=self._function(overload, parameters),
            return_type=_result_type(overload, parameters, bindings),
            parameters=parameters,
            accepts_null=overload.nulls,
            total=overload.total,
            inline=overload.inline,
        )

    def _function(self, overload: ScalarOverload, types: tuple[SqlType | None, ...]) -> Callable[..., Any]:
        if not overload.made:
            return overload.function
        made: Callable[..., Any] = overload.function(CallContext(types, self._settings))
        return made

    def lambda_inputs(
        self, name: str, arguments: Sequence[ArgumentType]
    ) -> tuple[tuple[SqlType | None, ...] | None, ...]:
        """Return the parameter types of each lambda argument, implied by the other arguments; None for the others."""
        overload, bindings = self._choose(self.describe(name), arguments, ScalarOverload)
        parameters = overload.signature.expanded(len(arguments)) or ()
        return tuple(
            tuple(bound(kind, bindings) for kind in parameter.type.inputs)
            if isinstance(parameter.type, LambdaOf)
            else None
            for parameter in parameters
        )

    def table(self, name: str, arguments: Sequence[ArgumentType]) -> ResolvedTable:
        """Select the overload of a table function; raises like `scalar`."""
        overload, bindings = self._choose(self.describe(name), arguments, TableOverload)
        parameters = _parameter_types(overload.signature, arguments, bindings)
        given = parameters[0] if parameters else None
        return_type = bound(overload.signature.result, bindings, given)
        if return_type is None:
            raise AnalysisError(f"Can't infer the return type of {name} for {_listed(arguments)}")
        return ResolvedTable(name, overload.function, return_type, parameters)

    def literal_parameters(self, name: str, arguments: Sequence[ArgumentType]) -> int:
        """Return how many of an aggregate call's last arguments must be literals; raises like `scalar`."""
        overload, _ = self._choose(self.describe(name), arguments, AggregateOverload)
        return overload.signature.literals(len(arguments))

    def aggregate(
        self, name: str, arguments: Sequence[ArgumentType], literals: Sequence[Any] = ()
    ) -> ResolvedAggregate:
        """Select the overload of an aggregate; `literals` are the values of its last, literal arguments.

        Raises like `scalar`.
        """
        overload, bindings = self._choose(self.describe(name), arguments, AggregateOverload)
        count = overload.signature.literals(len(arguments))
        types = _parameter_types(overload.signature, arguments, bindings)[: len(arguments) - count]
        made: Aggregator = overload.make(AggregateContext(types, tuple(literals), self._settings))
        return_type = _result_type(overload, types, bindings)
        if return_type is None:
            raise AnalysisError(f"Can't infer the return type of {name} for {_listed(arguments)}")
        return ResolvedAggregate(
            name=name,
            initialize=made.initialize,
            add=made.add,
            remove=made.remove,
            merge=made.merge,
            result=made.result,
            return_type=return_type,
            aggregate_type=overload.state(types) if overload.state is not None else return_type,
            parameters=types,
        )

    def _kind(self, name: str) -> str | None:
        found = self._declarations.get(name)
        return found.kind if found is not None else None

    def _choose(self, declaration: Declaration, arguments: Sequence[ArgumentType], kind: type[O]) -> tuple[O, Bindings]:
        declared = (*declaration.overloads, *declaration.unlisted)
        overloads = [overload for overload in declared if isinstance(overload, kind)]
        # As ksqlDB: the arguments of aggregates are not widened.
        for casts in (False,) if kind is AggregateOverload else (False, True):
            fitting = list(_fitting(overloads, arguments, casts=casts))
            if fitting:
                return _best(declaration, fitting, arguments)
        raise AnalysisError(_no_match(declaration, arguments))


def _fitting(overloads: Sequence[O], arguments: Sequence[ArgumentType], *, casts: bool) -> Iterator[tuple[O, Bindings]]:
    for overload in overloads:
        bindings = match(overload.signature, arguments, casts=casts)
        if bindings is not None:
            yield overload, bindings


def _best(
    declaration: Declaration, fitting: Sequence[tuple[O, Bindings]], arguments: Sequence[ArgumentType]
) -> tuple[O, Bindings]:
    """Prefer fixed over variadic and concrete over generic; refuse a tie between variadic overloads, as ksqlDB does."""

    def rank(item: tuple[O, Bindings]) -> tuple[bool, int]:
        signature = item[0].signature
        return signature.variadic_index is not None, generality(signature)

    best = min(map(rank, fitting))
    # The rank puts variadic overloads and those with type variables last.
    winners = [item for item in fitting if rank(item) == best]
    if len(winners) > 1 and best[0]:
        raise AnalysisError(
            f"Function '{_shown(declaration)}' cannot be resolved due to ambiguous method parameters "
            f"{_listed(arguments)}."
        )
    return winners[0]


def _parameter_types(
    signature: Signature, arguments: Sequence[ArgumentType], bindings: Bindings
) -> tuple[SqlType | None, ...]:
    parameters = signature.expanded(len(arguments)) or ()
    return tuple(
        bound(parameter.type, bindings, argument) for parameter, argument in zip(parameters, arguments, strict=True)
    )


def _result_type(
    overload: ScalarOverload | AggregateOverload, types: Sequence[SqlType | None], bindings: Bindings
) -> SqlType | None:
    if overload.result is not None:
        return overload.result(types)
    return bound(overload.signature.result, bindings, next((kind for kind in types if kind is not None), None))


def _no_match(declaration: Declaration, arguments: Sequence[ArgumentType]) -> str:
    shown = _shown(declaration)
    alternatives = "\n".join(_written(shown, overload.signature) for overload in declaration.overloads)
    refusal = f"{declaration.refusal}\n" if declaration.refusal else ""
    return (
        f"{refusal}Function '{shown}' does not accept parameters {_listed(arguments)}.\n"
        f"Valid alternatives are:\n{alternatives}\n"
        "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;"
    )


def _written(name: str, signature: Signature) -> str:
    parts = (
        f"{type_text(parameter.type)}{'...' if parameter.variadic else ''} {parameter.name}".rstrip()
        for parameter in signature.parameters
    )
    return f"{name}({', '.join(parts)})"


def _listed(arguments: Sequence[ArgumentType]) -> str:
    return f"({', '.join(map(argument_text, arguments))})"


def _shown(declaration: Declaration) -> str:
    """Return the name as ksqlDB shows it: scalar functions in lower case, aggregates in upper case."""
    return declaration.name if declaration.kind == "AGGREGATE" else declaration.name.lower()


def merged(declarations: Mapping[str, Declaration], libraries: Iterable[Library]) -> dict[str, Declaration]:
    """Return the declarations with those of the libraries added.

    Raises:
        ValueError: a name is declared twice.
    """
    found = dict(declarations)
    for library in libraries:
        for name, declaration in library.declarations.items():
            if name in found:
                raise ValueError(f"function {name} ({declaration.path}) is already declared ({found[name].path})")
            found[name] = declaration
    return found


@cache
def default_registry() -> FunctionRegistry:
    """Return the registry of ksqlDB's built-in functions, created once."""
    modules = (importlib.import_module(f"bifrost.engine.functions.{family}") for family in _FAMILIES)
    return FunctionRegistry(merged({}, (cast(Library, module.LIBRARY) for module in modules)))


__all__ = [
    "FunctionError",
    "FunctionRegistry",
    "IntervalType",
    "LambdaType",
    "ResolvedAggregate",
    "ResolvedScalar",
    "ResolvedTable",
    "default_registry",
]
