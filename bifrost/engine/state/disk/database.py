"""The database of one task's state: an ordered map for each store, and up to where its changelog is included.

LMDB writes without waiting for the disk. A killed process loses nothing that way, but a crash of the machine may leave
pages of different ages. So the file `owner` says in which boot of the machine the database was last written, or with
which checksum it was closed. Data that does not fit is deleted, since Kafka has the state as well.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import threading
import uuid
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from bifrost.errors import NotReady, StateError

_FORMAT = 2
# The largest size of a file. It is an address range, not memory: the file grows with its contents.
_LARGEST = 1 << 36
_MOST_STORES = 126
_SAVED = b"saved"
_CHUNK = 1 << 22
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedStore:
    """What the map of a store contains: the changes before `offset` in the changelog topic with the id `topic`.

    `in_transaction` says that the last record before it is the marker of a transaction, which may not be written yet.
    `layout` identifies the form of the rows. `in_use` says that the store reads its rows from the map; otherwise the
    map is a copy of a store in memory, and may have some of the changes that follow. `figures` are those of the store:
    its stream time (epoch ms), for example. `saved_ms` is when it was written (epoch ms).
    `saved_ms` is when it was written (epoch ms).
    """

    layout: str
    topic: str
    offset: int
    in_transaction: bool
    in_use: bool
    figures: Mapping[str, int]
    saved_ms: int


class StateDatabase:
    """Opens the database in a folder, which it creates; one process at a time can have it open.

    A thread that uses `reader` holds `lock`.

    A database that cannot be used is replaced by an empty one: after a crash of the machine, if it is damaged, or if it
    was written by another version.
    """

    def __init__(self, folder: Path, stores: Iterable[str]) -> None:
        """Opens the database, with a map for each store.

        Raises:
            NotReady: another process has it open.
            StateError: the folder cannot be written.
        """
        self.folder = folder
        with _failing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = _locked(folder)
            try:
                problem = _problem(folder, self._owner)
                if problem:
                    _log.warning("state in %s is not used, Kafka has it as well: %s", folder, problem)
                    _delete_data(folder)
                self._environment = _environment(folder)
            except BaseException:
                self._owner.close()
                raise
        self._is_noted = False
        self.lock = threading.RLock()
        try:
            self._about = self._opened("about")
            self._maps = {store: self._opened(f"store {store}") for store in stores}
            self.reader: Any = self._environment.begin()
        except BaseException:
            # Otherwise nothing could open it again in this process.
            self._environment.close()
            self._owner.close()
            raise

    def saved(self) -> dict[str, SavedStore]:
        """Returns what the maps contain, by store."""
        return self._saved_in(self.reader)

    def map(self, store: str) -> object:
        """Returns what identifies the map of a store for `reader`."""
        return self._maps[store]

    def _opened(self, name: str) -> Any:
        import lmdb

        try:
            return self._environment.open_db(name.encode(), create=False)
        except lmdb.NotFoundError:
            self._note_owner()
            with _failing(self.folder):
                return self._environment.open_db(name.encode())

    def write(
        self,
        changes: Mapping[str, Iterable[tuple[bytes, bytes | None]]],
        saved: Mapping[str, SavedStore | None],
        *,
        emptied: Collection[str] = (),
    ) -> None:
        """Writes changes by store (value None: delete) and what the maps contain then: all of it or nothing.

        `saved` replaces the entries of these stores, None removes one. `emptied` are stores whose maps are emptied
        before. Call `renew` to make it visible to `reader`.

        Raises:
            StateError: the disk is full, for example.
        """
        self._note_owner()
        with _failing(self.folder), self._environment.begin(write=True) as transaction:
            for store in emptied:
                transaction.drop(self._maps[store], delete=False)
            for store, rows in changes.items():
                _put(transaction, self._maps[store], rows)
            known: dict[str, SavedStore | None] = {**self._saved_in(transaction), **saved}
            content = {name: asdict(about) for name, about in known.items() if about is not None}
            text = json.dumps({"format": _FORMAT, "stores": content})
            transaction.put(_SAVED, text.encode(), db=self._about)

    def _saved_in(self, transaction: Any) -> dict[str, SavedStore]:
        found = transaction.get(_SAVED, db=self._about)
        content: Any = json.loads(found) if found is not None else {}
        # Another version of the engine wrote it otherwise.
        known = content["stores"].items() if content.get("format") == _FORMAT else ()
        return {name: SavedStore(**about) for name, about in known}

    def renew(self) -> None:
        """Lets `reader` see what was written since."""
        with self.lock:
            self.reader.abort()
            self.reader = self._environment.begin()

    @property
    def largest_key(self) -> int:
        """The maximal length of a key, bytes."""
        return int(self._environment.max_key_size())

    def _note_owner(self) -> None:
        if not self._is_noted:
            with _failing(self.folder):
                _note(self._owner, _boot())
            self._is_noted = True

    def close(self) -> None:
        """Closes the database, and notes its checksum if it was written."""
        self._environment.close()
        try:
            with _failing(self.folder):
                if self._is_noted:
                    _note(self._owner, f"closed {_checksum(self.folder)}")
        finally:
            self._owner.close()


def delete_state(folder: Path) -> None:
    """Deletes a folder of state, if it exists; a part that cannot be deleted is reported to the log."""

    def failed(_function: object, path: str, problem: Any) -> None:
        if not isinstance(problem[1], FileNotFoundError):
            _log.warning("%s is not deleted, delete it yourself: %s", path, problem[1])

    shutil.rmtree(folder, onerror=failed)


@contextmanager
def _failing(folder: Path) -> Iterator[None]:
    # Not at the top: most engines never need it, since they have no state.
    import lmdb

    try:
        yield
    except (lmdb.Error, OSError) as error:
        raise StateError(
            f"state cannot be written to {folder}: {error}; make room or check the permissions, or delete the folder "
            "(the state is restored from Kafka)"
        ) from error


def _environment(folder: Path) -> Any:
    import lmdb

    options: dict[str, Any] = {
        "map_size": _LARGEST,
        "max_dbs": _MOST_STORES,
        "mode": 0o600,
        "sync": False,
        "readahead": False,
    }
    try:
        found = lmdb.open(str(folder), **options)
        # To read beyond the end of the file would end the process.
        size = (int(found.info()["last_pgno"]) + 1) * int(found.stat()["psize"])
        if size <= max((folder / "data.mdb").stat().st_size, 2 * int(found.stat()["psize"])):
            return found
        found.close()
        problem = "the file is truncated"
    except (lmdb.InvalidError, lmdb.CorruptedError, lmdb.VersionMismatchError) as error:
        problem = str(error)
    _log.warning("state in %s is not used, Kafka has it as well: %s", folder, problem)
    _delete_data(folder)
    return lmdb.open(str(folder), **options)


def _put(transaction: Any, place: Any, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
    delete = transaction.delete
    put: list[tuple[bytes, bytes]] = []
    for key, value in rows:
        if value is None:
            delete(key, db=place)
        else:
            put.append((key, value))
    transaction.cursor(db=place).putmulti(put)


# --- the file `owner`


def _locked(folder: Path) -> TextIO:
    owner = open(folder / "owner", "a+", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner.close()
        raise NotReady("ksqlDB", f"open the state in {folder}", "another process has it open") from None
    return owner


def _note(owner: TextIO, text: str) -> None:
    owner.truncate(0)
    owner.write(text)
    owner.flush()


def _problem(folder: Path, owner: TextIO) -> str:
    """Returns why the data in a folder cannot be used, empty if it can."""
    if not (folder / "data.mdb").exists():
        return ""
    owner.seek(0)
    noted = owner.read().strip()
    if noted == _boot():
        return ""
    if not noted.startswith("closed "):
        return "the machine was restarted before the state was closed"
    return "" if noted == f"closed {_checksum(folder)}" else "the file is damaged"


def _checksum(folder: Path) -> str:
    checksum, size = 0, 0
    with (folder / "data.mdb").open("rb") as file:
        while chunk := file.read(_CHUNK):
            checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
    return f"{size} {checksum:08x}"


@cache
def _boot() -> str:
    """Returns an id of the time since the machine was started."""
    try:
        return f"boot {Path('/proc/sys/kernel/random/boot_id').read_text(encoding='utf-8').strip()}"
    except OSError:
        # Unknown: then only this process continues what it has not synchronized.
        return f"boot {uuid.uuid4()}"


def _delete_data(folder: Path) -> None:
    for name in ("data.mdb", "lock.mdb"):
        (folder / name).unlink(missing_ok=True)
