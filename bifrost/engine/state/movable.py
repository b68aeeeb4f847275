"""A store that moves from memory to disk while its task runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.disk.join_buffer import DiskJoinBuffer
from bifrost.engine.state.disk.key_value_store import DiskKeyValueStore
from bifrost.engine.state.disk.session_store import DiskSessionStore
from bifrost.engine.state.disk.window_store import DiskWindowStore
from bifrost.engine.state.join_buffer import MemoryJoinBuffer
from bifrost.engine.state.key_value_store import MemoryKeyValueStore, Rows
from bifrost.engine.state.mirror import Mirror
from bifrost.engine.state.session_store import MemorySessionStore
from bifrost.engine.state.stores import Changelog, CopiedStore, JoinBuffer, Store, StoreKind, StoreSpec, WindowStore
from bifrost.engine.state.window_store import MemoryWindowStore

_METHODS = {
    StoreKind.KEY_VALUE: ("get", "put", "delete", "entries", "pairs_of"),
    StoreKind.WINDOW: ("get", "put", "windows", "between"),
    StoreKind.SESSION: ("find", "put", "remove", "ended", "sessions"),
    StoreKind.BUFFER: ("put", "fetch", "remove", "take_older"),
}
# The figure of each kind that is the number of entries: a store on disk has to be given it.
_COUNTS = {
    StoreKind.KEY_VALUE: "count",
    StoreKind.WINDOW: "count",
    StoreKind.SESSION: "count",
    StoreKind.BUFFER: "rows",
}
_SPILL_EVERY = 10_000


class MovableStore:
    """Has the methods of the store in use as its own attributes: to call them costs no more than before."""

    restore: Callable[[bytes, bytes | None], None]
    records: Callable[[], Iterator[tuple[bytes, bytes]]]

    def __init__(self, spec: StoreSpec, changelog: Changelog | None) -> None:
        self.spec = spec
        self.is_on_disk = False
        self._recorder = ChangelogRecorder(changelog, spec.columns, spec.missing)
        self._rows = Rows()
        self._use(self._in_memory())

    def _use(self, store: Store) -> None:
        self._store = store
        for name in (*_METHODS[self.spec.kind], "restore", "records"):
            setattr(self, name, getattr(store, name))

    # Not `__getattr__`: the interpreter finds the attributes of a class that has one much more slowly.

    @property
    def stream_time(self) -> int:
        """See `Store`."""
        return self._store.stream_time

    @property
    def newest(self) -> int:
        """See `WindowStore`."""
        return cast(WindowStore, self._store).newest

    @property
    def oldest(self) -> int:
        """See `JoinBuffer`."""
        return cast(JoinBuffer, self._store).oldest

    def __len__(self) -> int:
        return len(self._store)

    @property
    def figures(self) -> dict[str, int]:
        """What a copy of the store needs beside its entries, by name."""
        found = {name: getattr(self._store, name) for name in self._store.figures}
        return found | {_COUNTS[self.spec.kind]: len(self._store)}

    def set_figures(self, figures: Mapping[str, int]) -> None:
        """Sets what `figures` returned when a copy was made, as far as the store does not find it by itself."""
        for name in self._store.figures:
            setattr(self._store, name, figures[name])

    def use_disk(self, rows: DiskMap, cached: int) -> None:
        """Reads and writes a map from now on; `cached` is how many decoded rows may stay in memory."""
        self._use(self._on_disk(rows, cached, self._rows))
        self.is_on_disk = True

    def mirror(self, rows: DiskMap) -> Mirror:
        """Returns what keeps a copy of the store in a map, which is empty or has an earlier copy."""
        return Mirror(rows, self._on_disk(rows, 0, Rows()))

    def gather_restored(self, mirror: Mirror | None) -> None:
        """Passes every record that is restored from now on to a mirror as well."""
        restore = self._store.restore
        if mirror is None:
            self.restore = restore
            return

        def restore_and_gather(key: bytes, value: bytes | None) -> None:
            restore(key, value)
            mirror.gather([(key, value)])

        self.restore = restore_and_gather

    def move(self, rows: DiskMap, cached: int, spill: Callable[[], None]) -> None:
        """Moves all entries from memory to an empty map; calls `spill` whenever it should write its changes."""
        figures = self.figures
        # The cache is the dict with all rows of the store in memory: none may be dropped before it is in the map.
        disk = self._on_disk(rows, sys.maxsize, self._rows)
        for number, (key, value) in enumerate(self.records(), 1):
            disk.copy(key, value)
            if number % _SPILL_EVERY == 0:
                spill()
        self._use(disk)
        self.set_figures(figures)
        self.limit_cache(cached)
        self.is_on_disk = True

    @property
    def caches_rows(self) -> bool:
        """Whether it is on disk, with rows in memory as well."""
        return isinstance(self._store, DiskKeyValueStore)

    def limit_cache(self, cached: int) -> None:
        """Sets how many decoded rows may stay in memory, if it caches any."""
        if isinstance(self._store, DiskKeyValueStore):
            self._store.cached = cached

    def _on_disk(self, rows: DiskMap, cached: int, cache: Rows) -> CopiedStore:
        recorder, retention_ms = self._recorder, self.spec.retention_ms
        match self.spec.kind:
            case StoreKind.KEY_VALUE:
                return DiskKeyValueStore(recorder, rows, cache, cached)
            case StoreKind.WINDOW:
                return DiskWindowStore(recorder, rows, retention_ms)
            case StoreKind.SESSION:
                return DiskSessionStore(recorder, rows, retention_ms)
            case StoreKind.BUFFER:
                return DiskJoinBuffer(recorder, rows, retention_ms)

    def _in_memory(self) -> Store:
        recorder, retention_ms = self._recorder, self.spec.retention_ms
        match self.spec.kind:
            case StoreKind.KEY_VALUE:
                return MemoryKeyValueStore(recorder, self._rows)
            case StoreKind.WINDOW:
                return MemoryWindowStore(recorder, retention_ms)
            case StoreKind.SESSION:
                return MemorySessionStore(recorder, retention_ms)
            case StoreKind.BUFFER:
                return MemoryJoinBuffer(recorder, retention_ms)
