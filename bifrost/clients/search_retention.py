"""How long documents stay in the search engine, as an index template says it.

The embedded engine has no index lifecycle: its plugins are not among its modules. A template says the same in `_meta`,
which the engine keeps and ignores: `"_meta": {"retention": {"field": "EXTRACT_TS", "days": 90}}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_KEYS = {"field", "days"}
_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class SearchRetention:
    """Documents of `patterns` whose date in `field` is older than `days` are deleted."""

    patterns: tuple[str, ...]
    field: str
    days: int


def retention_of(template: Mapping[str, Any]) -> SearchRetention | None:
    """Return the retention of a composable index template, `None` if its documents stay for good.

    Raises:
        ValueError: it has another form; the message says which is expected.
    """
    meta = template.get("_meta")
    if not isinstance(meta, Mapping) or "retention" not in meta:
        return None
    found = meta["retention"]
    if not isinstance(found, Mapping) or set(found) != _KEYS:
        raise ValueError('expected "_meta": {"retention": {"field": NAME, "days": NUMBER}}')
    field, days = found["field"], found["days"]
    if not isinstance(field, str) or not field:
        raise ValueError('"retention": "field" is not the name of a field')
    if type(days) is not int or not 1 <= days <= _MOST_DAYS:
        raise ValueError(f'"retention": "days" is not a whole number from 1 to {_MOST_DAYS}')
    return SearchRetention(tuple(_patterns(template)), field, days)


def own_patterns(name: str, templates: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the index patterns of a template without the indices that follow another one.

    The engine applies the template with the highest priority alone, so such indices are excluded, as `-pattern`.
    """
    priority = _priority(templates[name])
    others = [pattern for other in templates.values() if _priority(other) > priority for pattern in _patterns(other)]
    own = [each for each in _patterns(templates[name]) if not any(fnmatchcase(each, other) for other in others)]
    # The engine takes `-` for a part of a name until it has seen a pattern.
    own.sort(key=lambda pattern: "*" not in pattern)
    is_pattern = bool(own) and "*" in own[0]
    return (*own, *(f"-{other}" for other in others)) if is_pattern else tuple(own)


def _patterns(template: Mapping[str, Any]) -> Iterator[str]:
    found = template.get("index_patterns") or ()
    yield from [found] if isinstance(found, str) else map(str, found)


def _priority(template: Mapping[str, Any]) -> int:
    return int(template.get("priority") or 0)
