"""The inbox: what the services would have sent to people, kept in a SQLite file.

It belongs to one event loop. Posts that arrive together are stored by one commit, and a post is answered only after it.
Only the newest messages are kept: an alert that goes wild must not fill the disk.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MAX_KEPT = 10_000
"""How many messages outlive the newer ones."""
_PRUNE_MARGIN = 0.1
"""What may stand over `MAX_KEPT`, as a share of it: the oldest are removed together, not one at each post."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    at_us INTEGER PRIMARY KEY,
    channel TEXT NOT NULL, username TEXT NOT NULL, icon_emoji TEXT NOT NULL, text TEXT NOT NULL, via TEXT NOT NULL
)
"""
_TS = re.compile(r"(?P<seconds>[0-9]{1,12})(\.(?P<fraction>[0-9]{1,6}))?")
_COLUMNS = "channel, username, icon_emoji, text, at_us, via"
_INSERT = f"INSERT INTO messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - built of constants


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a service hands it over; `via` names the API it came through."""

    channel: str
    text: str
    username: str
    icon_emoji: str
    via: str


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `ts` is its id as Slack writes it: seconds, a dot, six digits, rising with every message."""

    channel: str
    username: str
    icon_emoji: str
    text: str
    ts: str
    via: str

    def as_json(self) -> dict[str, str]:
        """The message as `GET /api/messages` lists it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Inbox:
    """Stores messages and tells who watches that there is something new."""

    def __init__(self, path: Path, now: Callable[[], float], *, most: int = MAX_KEPT) -> None:
        """Open or make the file; `now` gives seconds since 1970, `most` is how many messages are kept."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._now = now
        self.most = most
        # One event loop uses it, which need not run on the thread that makes it.
        self._store = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # In WAL mode NORMAL survives the death of this process; only a power cut can take the last commits.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            self._store.execute(f"PRAGMA {pragma}").fetchall()
        self._store.execute(_SCHEMA)
        self._last_us: int = self._store.execute("SELECT COALESCE(MAX(at_us), 0) FROM messages").fetchone()[0]
        self._counts = Counter(dict(self._store.execute("SELECT channel, COUNT(*) FROM messages GROUP BY channel")))
        self._waiting: list[Message] = []
        self._stored: asyncio.Future[None] | None = None
        self._changed = asyncio.Event()
        self.generation = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many messages each channel holds."""
        return self._counts

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change; take it before reading, then nothing is missed."""
        return self._changed

    async def post(self, draft: Draft) -> Message:
        """Store a message; when this returns, it outlives the process."""
        message = Message(draft.channel, draft.username, draft.icon_emoji, draft.text, self._next_ts(), draft.via)
        self._waiting.append(message)
        if self._stored is None:
            loop = asyncio.get_running_loop()
            self._stored = loop.create_future()
            loop.call_soon(self._store_waiting)
        # Shielded: a client that hangs up must not cancel the others of its group.
        await asyncio.shield(self._stored)
        return message

    def messages(self, *, since: str = "", limit: int | None = None) -> list[Message]:
        """The messages after `since` (a `ts`), oldest first; with `limit` only the newest so many.

        It opens its own connection, so a long list may be read on another thread.

        Raises:
            ValueError: `since` is not a `ts`.
        """
        query = f"SELECT {_COLUMNS} FROM messages WHERE at_us > ? ORDER BY at_us DESC LIMIT ?"  # noqa: S608
        bounds = (microseconds(since) if since else 0, -1 if limit is None else limit)
        with closing(sqlite3.connect(self._path)) as store:
            rows = store.execute(query, bounds).fetchall()
        return [_message(row) for row in reversed(rows)]

    def clear(self) -> int:
        """Remove all messages; how many there were."""
        removed = self._store.execute("DELETE FROM messages").rowcount
        self._counts.clear()
        self.generation += 1
        self._notify_watchers()
        return removed

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _next_ts(self) -> str:
        self._last_us = max(int(self._now() * 1_000_000), self._last_us + 1)
        return timestamp(self._last_us)

    def _store_waiting(self) -> None:
        group, self._waiting = self._waiting, []
        stored, self._stored = self._stored, None
        assert stored is not None
        try:
            with self._transaction():
                self._store.executemany(_INSERT, map(_row, group))
        except sqlite3.Error as error:
            stored.set_exception(error)
            return
        self._counts.update(message.channel for message in group)
        stored.set_result(None)
        self._prune()
        self._notify_watchers()

    def _prune(self) -> None:
        """Remove what is over the number to keep; the messages that are accepted stand, whatever comes of it."""
        over = self._counts.total() - self.most
        if over <= self.most * _PRUNE_MARGIN:
            return
        oldest = "SELECT at_us FROM messages ORDER BY at_us LIMIT ?"
        with suppress(sqlite3.Error), self._transaction():
            gone = self._store.execute(f"DELETE FROM messages WHERE at_us IN ({oldest}) RETURNING channel", (over,))  # noqa: S608
            self._counts = +(self._counts - Counter(channel for (channel,) in gone.fetchall()))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._store.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._store.execute("COMMIT")
        except sqlite3.Error:
            if self._store.in_transaction:
                self._store.execute("ROLLBACK")
            raise

    def _notify_watchers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def timestamp(at_us: int) -> str:
    """Microseconds since 1970 as Slack writes a `ts`: `1528804500.000001`."""
    return f"{at_us // 1_000_000}.{at_us % 1_000_000:06d}"


def microseconds(ts: str) -> int:
    """The microseconds that a `ts` stands for.

    Raises:
        ValueError: it is not of that form.
    """
    match = _TS.fullmatch(ts)
    if match is None:
        raise ValueError(f"{ts!r} is not a ts like 1528804500.000001")
    return int(match["seconds"]) * 1_000_000 + int((match["fraction"] or "").ljust(6, "0"))


def is_timestamp(text: str) -> bool:
    """Whether a text is a `ts` or empty, which stands for the beginning."""
    return not text or _TS.fullmatch(text) is not None


def _row(message: Message) -> tuple[str, str, str, str, int, str]:
    at_us = microseconds(message.ts)
    return (message.channel, message.username, message.icon_emoji, message.text, at_us, message.via)


def _message(row: tuple[str, str, str, str, int, str]) -> Message:
    channel, username, icon_emoji, text, at_us, via = row
    return Message(channel, username, icon_emoji, text, timestamp(at_us), via)
