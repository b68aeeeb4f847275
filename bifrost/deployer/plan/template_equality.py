"""Whether an index template is the declared one, which the engine fills in and spells out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bifrost.clients.search import Body


def template_difference(declared: Body, live: Body) -> str | None:
    """The first part of a template that differs, `None` when all are alike.

    The engine fills in defaults, writes settings in full (`index.refresh_interval`) and makes their values strings.
    """
    for key in declared:
        wanted, found = _normal(key, declared[key]), _normal(key, live.get(key))
        if wanted != found:
            return f"{key} differs"
    return None


def flat_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as texts by full name, as the engine writes them."""
    return {name if name.startswith("index.") else f"index.{name}": value for name, value in _flat("", settings)}


def _normal(key: str, value: Any) -> Any:
    if key != "template" or not isinstance(value, Mapping):
        return value
    settings = flat_settings(value.get("settings") or {})
    return {"settings": settings, "mappings": value.get("mappings") or {}, "aliases": value.get("aliases") or {}}


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, str]]:
    match node:
        case Mapping():
            for name, value in node.items():
                yield from _flat(f"{prefix}.{name}" if prefix else name, value)
        case list():
            yield prefix, ",".join(map(str, node))
        case bool():
            yield prefix, str(node).lower()
        case _:
            yield prefix, str(node)
