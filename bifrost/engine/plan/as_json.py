"""Converts query plans to JSON and back, for golden files and for comparing plans.

Expressions and types become SQL text; steps and windows become objects with an `@type`. Fields that are None by default
are omitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from bifrost.engine.plan.steps import QueryPlan
from bifrost.errors import StateError
from bifrost.sql.format_expressions import format_expression, format_type
from bifrost.sql.parser import parse_expression_text, parse_type_text
from bifrost.sql.tree import Expression, Node
from bifrost.sql.types import SqlType

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

_SQL_TYPES = get_args(SqlType)


def plan_to_json(plan: QueryPlan) -> dict[str, Json]:
    """The plan as JSON values."""
    return cast(dict[str, Json], _encoded(plan))


def plan_from_json(data: Mapping[str, Json]) -> QueryPlan:
    """The plan that `plan_to_json` converted.

    Raises:
        StateError: the data is not a query plan.
        ParseError: an expression or type in it cannot be parsed.
    """
    try:
        return cast(QueryPlan, _decoded(QueryPlan, dict(data)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"not a query plan: {error}") from error


def _encoded(value: object) -> Json:
    match value:
        # Also primitive SQL types, whose names are their text: `_decoded` parses it.
        case Enum():
            return value.name
        case None | bool() | int() | str():
            return value
        case Node():
            return format_expression(cast(Expression, value))
        case tuple():
            return [_encoded(item) for item in value]
        case Mapping():
            return {str(key): _encoded(item) for key, item in value.items()}
        case _ if isinstance(value, _SQL_TYPES):
            return format_type(cast(SqlType, value))
        case _:
            return _encoded_object(value)


def _encoded_object(value: object) -> Json:
    assert is_dataclass(value)  # plans hold nothing else
    shown = {field.name: getattr(value, field.name) for field in fields(value)}
    omitted = {field.name for field in fields(value) if shown[field.name] is None and field.default is None}
    present = {name: _encoded(item) for name, item in shown.items() if name not in omitted}
    return {"@type": type(value).__name__, **present}


def _decoded(hint: Any, data: Json) -> object:
    options = _options(hint)
    if data is None:
        return None
    if any(isinstance(option, type) and issubclass(option, Node) for option in options):
        return parse_expression_text(cast(str, data))
    if options[0] in _SQL_TYPES:
        return parse_type_text(cast(str, data))
    return _decoded_one(options, data)


def _decoded_one(options: tuple[Any, ...], data: Json) -> object:
    option = options[0]
    if get_origin(option) is tuple:
        return tuple(_decoded(get_args(option)[0], item) for item in cast(list[Json], data))
    if get_origin(option) in (Mapping, dict) or option is Mapping:
        return MappingProxyType(dict(cast(dict[str, Json], data)))
    if get_origin(option) is Literal or option in (str, int, bool):
        return data
    if issubclass(option, Enum):
        return option[cast(str, data)]
    return _decoded_object(options, cast(dict[str, Json], data))


def _decoded_object(options: tuple[Any, ...], data: dict[str, Json]) -> object:
    kind = next((option for option in options if option.__name__ == data["@type"]), None)
    if kind is None:
        raise ValueError(f"{data['@type']} is not expected here")
    hints = _hints(kind)
    return kind(**{name: _decoded(hints[name], item) for name, item in data.items() if name != "@type"})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union without None; for any other hint, only itself."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(part for part in get_args(hint) if part is not NoneType)
    return (hint,)
