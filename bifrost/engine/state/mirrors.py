"""When the stores in memory of a task are copied to disk.

A store is worth a copy once many changes would have to be read from its changelog. Its first copy is made of all its
rows, later ones of what has changed since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from bifrost.engine.state.disk.database import SavedStore
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.mirror import Mirror, Records
from bifrost.engine.state.movable import MovableStore

# A changelog of so few records is read in a tenth of a second: not worth a database that is open.
_WORTH_COPYING = 10_000
_COPY_EVERY_S = 10.0
_STEP = 500
_MOST_RESTORED = 20_000


class CopyWriter(Protocol):
    """What writes the copies of a task."""

    def new_map(self, name: str) -> DiskMap:
        """Returns the map of a store, emptied."""

    def about(self, name: str, figures: Mapping[str, int]) -> SavedStore:
        """Returns what describes the state of a store in memory after the last complete commit."""

    def write_copy(self, name: str, rows: DiskMap, about: SavedStore | None) -> None:
        """Writes what the map marked, and what describes it if the copy is complete."""


class Mirrors:
    """The mirrors of one task's stores in memory. Only the task's thread may use it."""

    def __init__(self, stores: Mapping[str, MovableStore], writer: CopyWriter) -> None:
        self._stores = stores
        self._writer = writer
        self._mirrors: dict[str, Mirror] = {}
        self._changes: dict[str, int] = {}
        # When a commit began: the figures of stores, all records of those that have no copy yet.
        self._marked: dict[str, Mapping[str, int]] = {}
        self._first: dict[str, Records] = {}
        # After the last complete commit.
        self._figures: dict[str, Mapping[str, int]] = {}
        self._next_copy = 0.0
        self._is_stopped = False

    def __bool__(self) -> bool:
        return bool(self._mirrors)

    def loaded(self, name: str, mirror: Mirror, figures: Mapping[str, int]) -> None:
        """Takes the mirror from which a store was loaded; it is continued if it is large."""
        if len(self._stores[name]) >= _WORTH_COPYING:
            self._use(name, mirror, figures)

    def _use(self, name: str, mirror: Mirror, figures: Mapping[str, int]) -> None:
        self._mirrors[name] = mirror
        self._figures[name] = figures
        self._stores[name].gather_restored(mirror)

    def _new(self, name: str, records: Records, figures: Mapping[str, int]) -> Mirror:
        mirror = self._stores[name].mirror(self._writer.new_map(name))
        mirror.gather(records)
        self._use(name, mirror, figures)
        return mirror

    def restored(self, name: str, changes: int) -> None:
        """Takes how many changes of a store in memory were restored."""
        self._changes[name] = self._changes.get(name, 0) + changes
        mirror, store = self._mirrors.get(name), self._stores[name]
        if mirror is None and self._is_worth_copying(name):
            mirror = self._new(name, store.records(), store.figures)
        if mirror is not None and mirror.backlog >= _MOST_RESTORED:
            # A changelog read in part is a state as well: that before the rest of it.
            self._figures[name] = store.figures
            self._complete(name, mirror)

    def begin_commit(self) -> None:
        """Marks the present state of the stores as that of the commit that begins."""
        self._marked = {name: self._stores[name].figures for name in self._mirrors}
        for name in self._changes:
            if name not in self._mirrors and self._is_worth_copying(name):
                self._marked[name] = self._stores[name].figures
                self._first[name] = list(self._stores[name].records())

    def committed(self, changes: Mapping[str, Sequence[tuple[bytes, bytes | None]]]) -> None:
        """Takes the changes of the commit by store: the changelogs have them."""
        for name, changed in changes.items():
            self._changes[name] = self._changes.get(name, 0) + len(changed)
            if name in self._mirrors:
                self._mirrors[name].gather(changed)
        first, self._first = self._first, {}
        for name, records in first.items():
            self._new(name, records, self._marked[name])
        self._figures.update(self._marked)

    def _is_worth_copying(self, name: str) -> bool:
        return self._changes[name] >= _WORTH_COPYING and not self._stores[name].is_on_disk and not self._is_stopped

    def stop(self) -> None:
        """Ends all mirrors; what they have written stays the last copy."""
        for name in self._mirrors:
            self._stores[name].gather_restored(None)
        self._mirrors.clear()
        self._first.clear()
        self._is_stopped = True

    def moved(self, name: str) -> None:
        """Ends the mirror of a store that has moved to disk."""
        self._mirrors.pop(name, None)
        self._first.pop(name, None)
        self._marked.pop(name, None)

    # --- writing

    @property
    def backlog(self) -> int:
        """The number of changes that are not copied."""
        return sum(mirror.backlog for mirror in self._mirrors.values())

    def write(self, until: float) -> None:
        """Writes steps of copies until a time (monotonic).

        Raises:
            StateError: the disk is full, for example.
        """
        now = time.monotonic()
        if now >= self._next_copy:
            self._next_copy = now + _COPY_EVERY_S
            for name, mirror in self._mirrors.items():
                if mirror.about is None and mirror.backlog:
                    mirror.begin(self._writer.about(name, self._figures[name]))
        for name, mirror in self._mirrors.items():
            while mirror.about is not None and time.monotonic() < until:
                self._step(name, mirror)

    def _step(self, name: str, mirror: Mirror) -> None:
        self._writer.write_copy(name, mirror.rows, mirror.step(_STEP))

    def _complete(self, name: str, mirror: Mirror) -> None:
        while mirror.about is not None:
            self._step(name, mirror)
        mirror.begin(self._writer.about(name, self._figures[name]))
        while mirror.about is not None:
            self._step(name, mirror)

    def complete(self, name: str) -> None:
        """Makes the copy of a store equal to its present state, all of which is in its changelog.

        Raises:
            StateError: the disk is full, for example.
        """
        store = self._stores[name]
        mirror = self._mirrors.get(name) or self._new(name, store.records(), store.figures)
        self._figures[name] = store.figures
        self._complete(name, mirror)
