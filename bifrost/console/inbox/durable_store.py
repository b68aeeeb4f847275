"""What both stores of the inbox share: a SQLite file that survives a kill, and notice of changes to open pages."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open or create a SQLite file in autocommit mode; a committed change survives a kill of the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One event loop uses it, which need not run on the thread that opens it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # In WAL mode, NORMAL survives a kill; only a power cut can lose the last commits.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


class ChangeNotice:
    """Notifies the feeds of open pages that a store has changed. Use it from one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.generation = 0

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change. Take it before reading the store, so that no change is missed."""
        return self._changed

    def notify(self, *, cleared: bool = False) -> None:
        """Wake all who wait for a change; `cleared` also raises `generation`, as everything was removed."""
        if cleared:
            self.generation += 1
        # Replaced before it is set: a feed that wakes up must wait for the next change, not find this one
        # again.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
