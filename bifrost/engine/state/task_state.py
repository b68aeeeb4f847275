"""The state of one task in a folder: copies of its stores in memory, and the rows of its stores on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from bifrost.engine.state.budget import StateBudget, size_of
from bifrost.engine.state.disk.database import SavedStore, StateDatabase
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.mirrors import Mirrors
from bifrost.engine.state.movable import MovableStore
from bifrost.engine.state.stores import StoreSpec
from bifrost.errors import NotReady, StateError

_SPILL_CHANGES = 20_000
_USUAL_SIZE = 60.0
_SAMPLE = 100
# After this time Kafka may have dropped the tombstones of a compacted changelog, so its tail does not show what was
# deleted since a copy was made.
_TOMBSTONES_MS = 12 * 3600 * 1000
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoreOnDisk:
    """The map of a store that has moved to disk; `figures` are those of the store when the last commit began.

    Before the first commit that began after the move (`is_marked`), the map has changes that the changelog lacks.
    """

    rows: DiskMap
    figures: Mapping[str, int]
    is_marked: bool = False


class TaskState:
    """Loads, writes and closes the state of a task. Only the task's thread may use it."""

    def __init__(
        self,
        folder: Path,
        stores: Mapping[str, MovableStore],
        budget: StateBudget,
        now_ms: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._stores = stores
        self._budget = budget
        self._now_ms = now_ms
        self._database: StateDatabase | None = None
        self._on_disk: dict[str, StoreOnDisk] = {}
        self._topics: dict[str, str] = {}
        self._offsets: dict[str, int] = {}
        self._saved: dict[str, SavedStore] = {}
        self._sizes: dict[str, float] = {}
        self._in_transaction = False
        self._mirrors = Mirrors(stores, self)

    # --- opening

    def load(self, changelogs: Mapping[str, tuple[str, int, int]]) -> dict[str, int]:
        """Loads what the folder has of the stores, and returns the offsets at which their changelogs continue.

        `changelogs` has the id of the topic, its first and its next offset by store. A store that does not fit its
        changelog, or has another layout, is not loaded.

        Raises:
            NotReady: another process has the state open.
            StateError: the folder cannot be used.
        """
        self._topics = {store: topic for store, (topic, _, _) in changelogs.items()}
        if not (self._folder / "data.mdb").exists():
            return {}
        saved = self._opened().saved()
        for store, (topic, first, following) in changelogs.items():
            about = saved.get(store)
            if about is None:
                continue
            problem = self._mismatch(store, about, topic, first, following)
            if problem:
                _log.warning(
                    "the state of %s in %s is not used, its changelog is read: %s", store, self._folder, problem
                )
                continue
            self._load(store, about)
        if not self._on_disk and not self._mirrors:
            self._close_database()
        return dict(self._offsets)

    def _mismatch(self, store: str, about: SavedStore, topic: str, first: int, following: int) -> str:
        if about.layout != layout_of(self._stores[store].spec):
            return "it was written by another version of the query"
        if about.topic != topic:
            return "the changelog topic was created again"
        if not first <= about.offset <= following + about.in_transaction:
            return f"the changelog has the offsets {first} to {following}, the state ends at {about.offset}"
        if about.offset < following and self._now_ms() > about.saved_ms + _TOMBSTONES_MS:
            return "it is old, and deleted rows may have left the changelog since"
        return ""

    def _load(self, name: str, about: SavedStore) -> None:
        store = self._stores[name]
        rows = DiskMap(self._opened(), name)
        self._saved[name] = about
        self._offsets[name] = about.offset
        if about.in_use:
            self._use_disk(name, rows)
            store.set_figures(about.figures)
            return
        mirror = store.mirror(rows)
        sizes: list[int] = []
        for key, value in mirror.records():
            store.restore(key, value)
            if len(sizes) < _SAMPLE:
                sizes.append(len(key) + len(value))
        if sizes:
            self._note_size(name, sum(sizes) // len(sizes))
        store.set_figures(about.figures)
        self._mirrors.loaded(name, mirror, about.figures)

    def _opened(self) -> StateDatabase:
        if self._database is None:
            self._database = StateDatabase(self._folder, self._stores)
        return self._database

    def _use_disk(self, name: str, rows: DiskMap) -> None:
        store = self._stores[name]
        store.use_disk(rows, self._cached(name))
        self._on_disk[name] = StoreOnDisk(rows, store.figures)

    def _cached(self, name: str) -> int:
        return self._budget.cached_rows(self._sizes.get(name, _USUAL_SIZE))

    def restored(self, name: str, following: int, size: int) -> None:
        """Takes how far the changelog of a store was restored, and the size of a record (bytes)."""
        changes = following - self._offsets.get(name, 0)
        self._offsets[name] = following
        self._note_size(name, size)
        found = self._on_disk.get(name)
        if found is None:
            with self._copying():
                self._mirrors.restored(name, changes)
        elif len(found.rows) >= _SPILL_CHANGES:
            # A changelog read in part is a state as well: that before the rest of it.
            self.begin_commit()
            self.committed({}, {})

    def _note_size(self, name: str, size: int) -> None:
        known = self._sizes.get(name)
        self._sizes[name] = size if known is None else 0.9 * known + 0.1 * size

    # --- running

    def begin_commit(self) -> None:
        """Marks the present state of the stores on disk as that of the commit that begins."""
        for name, found in self._on_disk.items():
            found.rows.begin_commit()
            found.figures = self._stores[name].figures
            found.is_marked = True
        self._mirrors.begin_commit()

    def committed(
        self,
        changes: Mapping[str, tuple[int, int]],
        records: Mapping[str, Sequence[tuple[bytes, bytes | None]]],
        *,
        in_transaction: bool = False,
    ) -> None:
        """Writes what was marked: the changelog has it, in these `records` by store.

        `changes` are next offset and size of a record by store. In a transaction, a marker follows the last record of
        each store, which is no change either.

        Raises:
            StateError: the disk is full, for example.
        """
        for name, (following, size) in changes.items():
            self._offsets[name] = following + in_transaction
            self._in_transaction = in_transaction
            self._note_size(name, size)
        pending = {name: found.rows.committing for name, found in self._on_disk.items() if found.is_marked}
        with self._copying():
            self._mirrors.committed(records)
        written = {name: rows for name, rows in pending.items() if rows or name not in self._saved}
        if not written:
            return
        saved = {name: self.about(name, self._on_disk[name].figures) for name in written}
        database = self._opened()
        database.write(written, saved)
        with database.lock:
            database.renew()
            for name in written:
                self._on_disk[name].rows.written()
        self._saved.update(saved)

    def about(self, name: str, figures: Mapping[str, int]) -> SavedStore:
        """See `CopyWriter`; also describes a store on disk."""
        store, now = self._stores[name], self._now_ms()
        layout, topic, offset = layout_of(store.spec), self._topics.get(name, ""), self._offsets.get(name, 0)
        return SavedStore(layout, topic, offset, self._in_transaction, store.is_on_disk, figures, now)

    @property
    def has_copies(self) -> bool:
        """Whether stores in memory are being copied to disk while the task runs."""
        return bool(self._mirrors)

    @property
    def backlog(self) -> int:
        """How many changes of stores in memory are in their changelogs, and not in the copies on disk."""
        return self._mirrors.backlog

    def write_copies(self, until: float) -> None:
        """Copies changes of stores in memory to disk until a time (monotonic)."""
        with self._copying():
            self._mirrors.write(until)

    @contextmanager
    def _copying(self) -> Iterator[None]:
        # A store in memory does without a copy: a full disk must not stop its query.
        try:
            yield
        except (StateError, NotReady) as error:
            self._mirrors.stop()
            _log.error("after a kill the changelogs are read, for stores in memory are not copied any more: %s", error)

    def new_map(self, name: str) -> DiskMap:
        """See `CopyWriter`."""
        database = self._opened()
        database.write({}, {name: None}, emptied=[name])
        database.renew()
        self._saved.pop(name, None)
        return DiskMap(database, name)

    def write_copy(self, name: str, rows: DiskMap, about: SavedStore | None) -> None:
        """See `CopyWriter`."""
        self._write(name, rows, {} if about is None else {name: about})
        if about is not None:
            self._saved[name] = about

    def _write(self, name: str, rows: DiskMap, saved: Mapping[str, SavedStore | None]) -> None:
        database = self._opened()
        database.write({name: rows.committing}, saved)
        with database.lock:
            database.renew()
            rows.written()

    def encoded_size(self, name: str) -> float | None:
        """Returns the mean size of a row of a store in its changelog (bytes), None before the first is known.

        Any thread may call it.
        """
        return self._sizes.get(name)

    def sizes(self) -> dict[str, int]:
        """Returns the estimated bytes of the stores in memory."""
        return {
            name: size_of(len(store), self._sizes.get(name, _USUAL_SIZE))
            for name, store in self._stores.items()
            if not store.is_on_disk and store.spec.changelog
        }

    @property
    def caching(self) -> int:
        """How many stores on disk cache rows."""
        return sum(self._stores[name].caches_rows for name in self._on_disk)

    def resize_caches(self) -> None:
        """Adapts how many rows the stores on disk cache to what the budget leaves."""
        for name in self._on_disk:
            self._stores[name].limit_cache(self._cached(name))

    def move(self, name: str) -> None:
        """Moves a store from memory to disk.

        Raises:
            StateError: the disk is full, for example.
        """
        store = self._stores[name]
        _log.info("the %s rows of %s move to disk, to %s", f"{len(store):,}", name, self._folder)
        self._mirrors.moved(name)
        rows = self.new_map(name)

        def spill() -> None:
            rows.begin_commit()
            self._write(name, rows, {name: None})

        store.move(rows, self._cached(name), spill)
        self._on_disk[name] = StoreOnDisk(rows, store.figures)
        spill()

    # --- closing

    def close(self, *, clean: bool) -> None:
        """Closes the folder; `clean` says that the changelog has all changes, so copies of the stores are written.

        Raises:
            StateError: the disk is full, for example.
        """
        try:
            if clean:
                self.begin_commit()
                self.committed({}, {})
                self._copy_memory()
        finally:
            self._close_database()

    def _copy_memory(self) -> None:
        for name, store in self._stores.items():
            known = self._saved.get(name)
            offset = self._offsets.get(name)
            if store.is_on_disk or not store.spec.changelog or offset is None:
                continue
            if known is not None and known.offset == offset:
                continue
            self._mirrors.complete(name)

    def _close_database(self) -> None:
        for found in self._on_disk.values():
            found.rows.close()
        database, self._database = self._database, None
        if database is not None:
            database.close()


def layout_of(spec: StoreSpec) -> str:
    """Returns what identifies the form of a store's rows."""
    text = repr((spec.kind.value, spec.columns, spec.retention_ms, spec.missing))
    return blake2b(text.encode(), digest_size=8).hexdigest()
