"""How long documents stay in the search engine, as an index template says it.

The embedded engine has no index lifecycle: its plugins are not among its modules. A template says the same in `_meta`,
which the engine keeps and ignores: `"_meta": {"retention": {"field": "EXTRACT_TS", "days": 90}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    patterns = template.get("index_patterns")
    names = [patterns] if isinstance(patterns, str) else patterns or []
    if not isinstance(found, Mapping) or set(found) != _KEYS:
        raise ValueError('expected "_meta": {"retention": {"field": NAME, "days": NUMBER}}')
    field, days = found["field"], found["days"]
    if not isinstance(field, str) or not field:
        raise ValueError('"retention": "field" is not the name of a field')
    if type(days) is not int or not 1 <= days <= _MOST_DAYS:
        raise ValueError(f'"retention": "days" is not a whole number from 1 to {_MOST_DAYS}')
    return SearchRetention(tuple(map(str, names)), field, days)
