"""What a changed template means for the indices that exist: they keep their mapping unless it is changed or copied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bifrost.clients.search import Body
from bifrost.clients.search_indices import SearchIndex
from bifrost.deployer.plan.template_equality import flat_settings

_CHANGEABLE = frozenset({"ignore_above", "ignore_malformed", "coerce", "search_analyzer", "meta", "boost"})
"""Parameters of a field that can change in place."""
_FIXED = (
    *("index.number_of_shards", "index.number_of_routing_shards", "index.routing_partition_size", "index.codec"),
    *("index.analysis.", "index.sort.", "index.soft_deletes", "index.load_fixed_bitset", "index.similarity."),
)
"""Settings that only a new index can have."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class IndexChange:
    """How an index follows its template: `mapping` and `settings` in place; `fixed` is what only a copy can have."""

    index: SearchIndex
    mapping: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()


def changes_of(template: Body, index: SearchIndex) -> IndexChange:
    """Compare an index with the `template` part of its template; what only the index has stays."""
    mappings = template.get("mappings") or {}
    wanted, found = mappings.get("properties") or {}, index.mapping.get("properties") or {}
    properties = {name: changed for name, body in wanted.items() if (changed := _changed(body, found.get(name)))}
    mapping: dict[str, Any] = {"properties": properties} if properties else {}
    for key in mappings.keys() - {"properties"}:
        if _value(mappings[key]) != _value(index.mapping.get(key)):
            mapping[key] = mappings[key]
    settings = {
        name: value
        for name, value in flat_settings(template.get("settings") or {}).items()
        if index.settings.get(name) != value
    }
    fixed = [f"{name} is {index.settings.get(name, 'the default')}" for name in settings if name.startswith(_FIXED)]
    return IndexChange(
        index,
        mapping,
        {name: value for name, value in settings.items() if not name.startswith(_FIXED)},
        (*_fixed_fields(wanted, found, ""), *fixed),
    )


def _fixed_fields(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str) -> Iterator[str]:
    """Fields of an index that have another type than the template says."""
    for name, body in wanted.items():
        if name not in found:
            continue
        place = f"{path}{name}"
        before, after = _type(found[name]), _type(body)
        if before != after:
            yield f"{place} is {before}, not {after}"
            continue
        differing = [
            key
            for key in body.keys() - {"type", "properties", "fields"} - _CHANGEABLE
            if _value(found[name].get(key)) != _value(body[key])
        ]
        if differing:
            yield f"{place} has another {', '.join(sorted(differing))}"
        yield from _fixed_fields(body.get("properties") or {}, found[name].get("properties") or {}, f"{place}.")


def _changed(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A field as it must be put, `None` where the index has all of it."""
    if found is None:
        return wanted
    if _type(wanted) != _type(found):
        return None
    same = all(_value(found.get(key)) == _value(value) for key, value in wanted.items() if key != "properties")
    inner = {
        name: body
        for name, below in (wanted.get("properties") or {}).items()
        if (body := _changed(below, (found.get("properties") or {}).get(name))) is not None
    }
    if same and not inner:
        return None
    own = {key: value for key, value in wanted.items() if key != "properties"}
    return {**own, "properties": inner} if inner else own


def _type(body: Mapping[str, Any]) -> str:
    return str(body.get("type", "object"))


def _value(value: Any) -> Any:
    """Return a value in one form: engines return switches and numbers as texts, and whole numbers as decimals."""
    match value:
        case Mapping():
            return {key: _value(inner) for key, inner in value.items()}
        case bool():
            return str(value).lower()
        case int() | float():
            return float(value)
        case str() if _NUMBER.fullmatch(value):
            return float(value)
        case _:
            return value
