"""The copy on disk of a store in memory, which follows its changelog in small steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from bifrost.engine.state.disk.database import SavedStore
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.stores import CopiedStore

Records = Iterable[tuple[bytes, bytes | None]]
"""Changelog records: key and value (None: deleted)."""


class Mirror:
    """Gathers changes that the changelog has, and passes them to a map in the form of a store on disk.

    While it does, the map has changes beyond the offset of the last complete copy. They do no harm: after a kill the
    changelog is read from that offset, and repeats them. `about` describes the copy in progress, None if there is none.
    """

    def __init__(self, rows: DiskMap, store: CopiedStore) -> None:
        self.rows = rows
        self.about: SavedStore | None = None
        self._store = store
        self._gathered: dict[bytes, bytes | None] = {}
        self._left: Iterator[tuple[bytes, bytes | None]] = iter(())
        self._in_progress = 0

    @property
    def backlog(self) -> int:
        """The number of changes that are not copied."""
        return self._in_progress + len(self._gathered)

    def gather(self, records: Records) -> None:
        """Takes changes, of which the last one of a key counts."""
        gathered = self._gathered
        for key, value in records:
            # To the end: equal keys may have different bytes (0.0 and -0.0), so the order of all changes counts.
            gathered.pop(key, None)
            gathered[key] = value

    def begin(self, about: SavedStore) -> None:
        """Begins to copy what was gathered so far."""
        changes, self._gathered = self._gathered, {}
        self._left, self._in_progress, self.about = iter(changes.items()), len(changes), about

    def step(self, changes: int) -> SavedStore | None:
        """Passes some changes to `rows`, which must be written; returns what describes the copy once it is complete."""
        some = list(islice(self._left, changes))
        for key, value in some:
            self._store.copy(key, value)
        self.rows.begin_commit()
        self._in_progress -= len(some)
        complete = None
        if not self._in_progress:
            complete, self.about = self.about, None
        return complete

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Returns what the map has, as changelog records."""
        return self._store.records()
