"""Stores the messages of the inbox, which would have gone to Slack or Telegram, in a SQLite file.

Use it from one event loop. Posts that arrive together share one commit, and a post is answered only after its commit.
Only the newest messages are kept, so that an alert that fires too often cannot fill the disk.
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

from bifrost.console.inbox.durable_store import ChangeNotice, open_sqlite

MAX_KEPT = 10_000
"""How many messages are kept."""
_PRUNE_MARGIN = 0.1
"""The share of `MAX_KEPT` by which it may be exceeded, so that the oldest are removed in batches."""

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
    """A message as a service sends it; `via` is the API it came through (`slack` or `telegram`)."""

    channel: str
    text: str
    username: str
    icon_emoji: str
    via: str


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message. `ts` is its id in Slack's form: epoch seconds, a dot, six digits; strictly increasing."""

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
    """Stores messages and notifies open pages of changes."""

    def __init__(self, path: Path, now: Callable[[], float], *, max_kept: int = MAX_KEPT) -> None:
        """Open or create the file; `now` returns seconds since the epoch, `max_kept` is how many messages to keep."""
        self._path = path
        self._now = now
        self.max_kept = max_kept
        self._store = open_sqlite(path)
        self._store.execute(_SCHEMA)
        self._last_us: int = self._store.execute("SELECT COALESCE(MAX(at_us), 0) FROM messages").fetchone()[0]
        self._counts = Counter(dict(self._store.execute("SELECT channel, COUNT(*) FROM messages GROUP BY channel")))
        self._waiting: list[Message] = []
        self._stored: asyncio.Future[None] | None = None
        self.change = ChangeNotice()

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of messages by channel."""
        return self._counts

    async def post(self, draft: Draft) -> Message:
        """Store a message durably: when this returns, it survives a kill of the process."""
        message = Message(draft.channel, draft.username, draft.icon_emoji, draft.text, self._next_ts(), draft.via)
        self._waiting.append(message)
        if self._stored is None:
            loop = asyncio.get_running_loop()
            self._stored = loop.create_future()
            # Later in this turn of the loop, so that posts that arrived together are in one commit.
            loop.call_soon(self._store_waiting)
        # Shielded: a client that disconnects must not cancel the other posts of the commit.
        await asyncio.shield(self._stored)
        return message

    def messages(self, *, since: str = "", limit: int | None = None) -> list[Message]:
        """The messages after `since` (a `ts`), oldest first; with `limit` only the newest ones.

        It opens its own connection, so that it can be called from another thread.

        Raises:
            ValueError: `since` is not a `ts`.
        """
        query = f"SELECT {_COLUMNS} FROM messages WHERE at_us > ? ORDER BY at_us DESC LIMIT ?"  # noqa: S608
        # -1 is SQLite's word for no limit.
        bounds = (microseconds(since) if since else 0, -1 if limit is None else limit)
        with closing(sqlite3.connect(self._path)) as store:
            rows = store.execute(query, bounds).fetchall()
        return [_message(row) for row in reversed(rows)]

    def clear(self) -> int:
        """Remove all messages and return how many there were."""
        removed = self._store.execute("DELETE FROM messages").rowcount
        self._counts.clear()
        self.change.notify(cleared=True)
        return removed

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _next_ts(self) -> str:
        # It is the primary key, and the clock may be set back or not move between two messages.
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
        self.change.notify()

    def _prune(self) -> None:
        """Remove the oldest messages above the limit. A failure is ignored: accepted messages must not be affected."""
        over = self._counts.total() - self.max_kept
        if over <= self.max_kept * _PRUNE_MARGIN:
            return
        oldest = "SELECT at_us FROM messages ORDER BY at_us LIMIT ?"
        with suppress(sqlite3.Error), self._transaction():
            gone = self._store.execute(f"DELETE FROM messages WHERE at_us IN ({oldest}) RETURNING channel", (over,))  # noqa: S608
            # The plus drops channels without messages.
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


def timestamp(at_us: int) -> str:
    """Format microseconds since the epoch as a `ts` of Slack: `1528804500.000001`."""
    return f"{at_us // 1_000_000}.{at_us % 1_000_000:06d}"


def microseconds(ts: str) -> int:
    """The microseconds since the epoch of a `ts`.

    Raises:
        ValueError: `ts` is malformed.
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
