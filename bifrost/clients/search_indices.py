"""Indices of a search engine: what they hold, changes in place, and copies with another mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bifrost.clients.http import Clock, HttpClient
from bifrost.errors import NotReady, Refused

POLL_S = 0.5
COPY_PATIENCE_S = 3600.0
DELETE_TIMEOUT_S = 60.0
SYSTEM = "search"
_DATES = frozenset({"date", "date_nanos"})
_ALSO_MISSING = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """An index; `settings` are flat texts by full name (`index.refresh_interval`), `aliases` its other names."""

    name: str
    documents: int
    mapping: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def public_name(self) -> str:
        """The name that its users know: the alias that a copy took over, else its own."""
        return self.aliases[0] if self.aliases else self.name


class SearchIndices:
    """Reads and changes indices. Every method raises `Unreachable`, `NotReady` or `Refused` as `HttpClient.call`."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def matching(self, patterns: Iterable[str]) -> tuple[SearchIndex, ...]:
        """Return the indices with these names or patterns, without hidden ones; none if there is no such index."""
        names = ",".join(patterns)
        if not names:
            return ()
        params = {"ignore_unavailable": "true", "allow_no_indices": "true", "flat_settings": "true"}
        try:
            found = self._http.get(f"/{_path(names)}", params=params)
        except Refused as error:
            if error.status == 404:
                return ()
            raise
        visible = {name: entry for name, entry in found.items() if not name.startswith(".")}
        return tuple(self._index(name, entry) for name, entry in sorted(visible.items()))

    def delete_older(self, patterns: Iterable[str], field: str, days: int, *, most: int) -> int:
        """Delete documents whose date in a field is more than `days` ago, at most `most`; return how many.

        A document that changes meanwhile stays until the next time.

        Args:
            patterns: names and patterns of indices; `-pattern` behind others excludes some.

        Raises:
            Refused: an index has the field with another type than a date; nothing is deleted.
        """
        names = ",".join(patterns)
        if not names or not self._has_dates(names, field):
            return 0
        params = {"conflicts": "proceed", "max_docs": most, **_ALSO_MISSING}
        body = {"query": {"range": {field: {"lt": f"now-{days}d"}}}}
        path = f"/{_path(names)}/_delete_by_query"
        found = self._http.call("POST", path, body=body, params=params, timeout_s=DELETE_TIMEOUT_S)
        return int(found["deleted"])

    def _has_dates(self, names: str, field: str) -> bool:
        # The engine compares a text with "now-90d" letter by letter: every date in it is less, so all would be deleted.
        found = self._http.get(f"/{_path(names)}/_field_caps", params={"fields": field, **_ALSO_MISSING})
        types = set(found["fields"].get(field, {}))
        if other := sorted(types - _DATES):
            body = f"field {field} is of type {', '.join(other)}, and not a date in all of these indices"
            raise Refused(SYSTEM, f"delete old documents of {names}", status=400, body=body)
        return bool(types)

    def update(self, index: str, mapping: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        """Add to the mapping of an index, and change its dynamic settings.

        Raises:
            Refused: a field exists with another type, or a setting cannot be changed (400).
        """
        if mapping:
            self._http.call("PUT", f"/{_path(index)}/_mapping", body=dict(mapping))
        if settings:
            self._http.call("PUT", f"/{_path(index)}/_settings", body=dict(settings))

    def copy(self, source: str, target: str, template: Mapping[str, Any], clock: Clock) -> None:
        """Copy all documents with their ids and versions to a new index; an unfinished copy of that name is replaced.

        Args:
            template: `settings` and `mappings` of the new index.

        Raises:
            Refused: a document does not fit the new mapping; `source` is as it was, and the copy is deleted.
            NotReady: the copy took longer than an hour.
        """
        self._delete(target)
        body = {key: template[key] for key in ("settings", "mappings") if key in template}
        self._http.call("PUT", f"/{_path(target)}", body=body)
        self._refresh(source)
        try:
            self._copy_documents(source, target, clock)
        except (Refused, NotReady):
            self._delete(target)
            raise

    def swap(self, source: str, target: str, name: str) -> None:
        """Let `target` answer to `name` in place of `source`, which is deleted; both happen in one step."""
        add = {"add": {"index": target, "alias": name, "is_write_index": True}}
        self._http.call("POST", "/_aliases", body={"actions": [{"remove_index": {"index": source}}, add]})

    def _copy_documents(self, source: str, target: str, clock: Clock) -> None:
        # External versions: sinks write with the record's offset as the version and must not be refused later.
        body = {"source": {"index": source}, "dest": {"index": target, "version_type": "external"}}
        started = self._http.call("POST", "/_reindex", body=body, params={"wait_for_completion": "false"})
        deadline = clock.monotonic() + COPY_PATIENCE_S
        while not (task := self._http.get(f"/_tasks/{_path(started['task'])}"))["completed"]:
            if clock.monotonic() > deadline:
                raise NotReady(SYSTEM, f"copy of {source}", f"not finished after {COPY_PATIENCE_S:.0f} s")
            clock.sleep(POLL_S)
        self._refresh(target)
        failures = task.get("response", {}).get("failures") or ([task["error"]] if "error" in task else [])
        before, after = self._count(source), self._count(target)
        if failures or before != after:
            cause = self._http.clean(str(failures[0])) if failures else f"{after} of {before} documents were copied"
            raise Refused(SYSTEM, f"copy of {source} to {target}", status=400, body=cause)

    def _index(self, name: str, entry: Mapping[str, Any]) -> SearchIndex:
        settings = {key: _text(value) for key, value in entry.get("settings", {}).items()}
        return SearchIndex(
            name, self._count(name), entry.get("mappings", {}), settings, tuple(entry.get("aliases", {}))
        )

    def _count(self, name: str) -> int:
        return int(self._http.get(f"/{_path(name)}/_count")["count"])

    def _refresh(self, name: str) -> None:
        self._http.call("POST", f"/{_path(name)}/_refresh", repeatable=True)

    def _delete(self, name: str) -> None:
        self._http.call("DELETE", f"/{_path(name)}", params={"ignore_unavailable": "true"})


def _path(name: str) -> str:
    return quote(name, safe="*,:")


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
