"""Reading a table's present rows from the stores of a task, for pull queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from bifrost.engine.state.frozen import Key, freeze_key, thaw_key
from bifrost.engine.state.stores import NEVER, Entry, Row, StoreKind
from bifrost.engine.topology.task_context import TaskContext

WindowBounds = tuple[int, int]
"""Start and end of a window, epoch ms."""


@dataclass(frozen=True, slots=True)
class MaterializedRow:
    """A row of a table as it is now; `timestamp` is epoch ms."""

    key: Key
    row: Row
    timestamp: int
    window: WindowBounds | None = None


@dataclass(frozen=True, slots=True)
class Materialization:
    """Where the rows of a query's result are stored, and how stored rows become result rows.

    `result` turns aggregate states into values. Then the generated functions `steps` are applied in turn, each of
    (key, row); a row for which one returns None is not part of the result. `window_size_ms` is set for window stores;
    `keyed_by_window` says that the keys of a key-value store end with the window's bounds.
    """

    store: str
    kind: StoreKind
    result: Callable[[Row], Row] | None
    steps: tuple[str, ...]
    window_size_ms: int | None = None
    keyed_by_window: bool = False


class TableLookup:
    """Looks up the rows of a materialization in one task. Any thread may call it."""

    def __init__(self, found: Materialization, context: TaskContext, namespace: Mapping[str, object]) -> None:
        self._found = found
        self._context = context
        self._steps = [cast(Callable[[Key, Row], Row | None], namespace[name]) for name in found.steps]

    def rows_of(self, key: Key) -> list[MaterializedRow]:
        """Returns the rows of a key (frozen or not): at most one, or one per window by start."""
        identity = freeze_key(key) or ()
        if self._found.keyed_by_window:
            # The store's keys end with the window's bounds, which a look-up by key does not know.
            found = [row for row in self.rows() if freeze_key(row.key) == identity]
            return sorted(found, key=lambda row: row.window or ())
        return list(self._shown(self._entries_of(identity)))

    def rows(self) -> Iterator[MaterializedRow]:
        """Returns all rows, in any order."""
        return self._shown(self._all_entries())

    def _entries_of(self, identity: Key) -> Iterator[tuple[Key, WindowBounds | None, Entry]]:
        found, context = self._found, self._context
        match found.kind:
            case StoreKind.WINDOW:
                size = found.window_size_ms or 0
                for start, entry in context.window_store(found.store).windows(identity):
                    yield identity, (start, start + size), entry
            case StoreKind.SESSION:
                sessions = context.session_store(found.store).find(identity, -1, NEVER)
                yield from ((identity, (start, end), entry) for start, end, entry in sessions)
            case _:
                stored = context.key_value_store(found.store).get(identity)
                if stored is not None:
                    yield identity, None, stored

    def _all_entries(self) -> Iterator[tuple[Key, WindowBounds | None, Entry]]:
        found, context = self._found, self._context
        match found.kind:
            case StoreKind.WINDOW:
                size = found.window_size_ms or 0
                for start, key, entry in context.window_store(found.store).between(-1, NEVER):
                    yield key, (start, start + size), entry
            case StoreKind.SESSION:
                for start, end, key, entry in context.session_store(found.store).sessions():
                    yield key, (start, end), entry
            case _:
                for key, entry in context.key_value_store(found.store).entries():
                    yield (key[:-2], (key[-2], key[-1]), entry) if found.keyed_by_window else (key, None, entry)

    def _shown(self, entries: Iterator[tuple[Key, WindowBounds | None, Entry]]) -> Iterator[MaterializedRow]:
        result = self._found.result
        for identity, window, (stored, timestamp) in entries:
            key = thaw_key(identity)
            row: Row | None = stored if result is None else result(stored)
            if result is not None and window is not None and row is not None:
                row = (*row, *window)
            for step in self._steps:
                row = step(key, row) if row is not None else None
            if row is not None:
                yield MaterializedRow(key, row, timestamp, window)
