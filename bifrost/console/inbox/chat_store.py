"""Stores the chats of the inbox that plays Telegram, both sides of them, in a SQLite file.

Use it from one event loop. What a person writes is an update for the bot until the bot confirms it. Only the newest
lines and unconfirmed updates are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bifrost.console.inbox.durable_store import ChangeNotice, open_sqlite

Author = Literal["person", "bot"]

MAX_KEPT = 10_000
"""How many lines are kept."""
PRUNE_EVERY = 500
"""How many lines are added between two removals of the oldest."""

# AUTOINCREMENT: a number is an update id, so it is not used again after all lines were removed.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL, at_us INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS lines_of_chat ON lines (chat_id, id);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_MAX_ID = 2**63 - 1  # of SQLite
_COLUMNS = "id, chat_id, at_us, author, text"
_CHATS = """
SELECT newest.chat_id, newest.lines, lines.text, lines.at_us
FROM (SELECT chat_id, COUNT(*) AS lines, MAX(id) AS id FROM lines GROUP BY chat_id) newest JOIN lines USING (id)
ORDER BY newest.id DESC
"""


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One message of a chat; `number` is its message id, and its update id where a person wrote it."""

    number: int
    chat_id: int
    at_us: int
    author: Author
    text: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with its newest line."""

    chat_id: int
    lines: int
    newest: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where updates are posted instead of waiting for `getUpdates`; the secret is sent in a header."""

    url: str
    secret: str


class TelegramChats:
    """Stores chats and notifies open pages of changes."""

    def __init__(self, path: Path, now: Callable[[], float], *, max_kept: int = MAX_KEPT) -> None:
        """Open or create the file; `now` returns seconds since the epoch, `max_kept` is how many lines to keep."""
        self._now = now
        self._max_kept = max_kept
        self._store = open_sqlite(path)
        self._store.executescript(_SCHEMA)
        self.change = ChangeNotice()
        self.webhook_error = ""

    def add(self, chat_id: int, author: Author, text: str) -> ChatLine:
        """Store a line durably: it survives a kill of the process."""
        at_us = int(self._now() * 1_000_000)
        insert = "INSERT INTO lines (chat_id, at_us, author, text) VALUES (?, ?, ?, ?)"
        number = self._store.execute(insert, (chat_id, at_us, author, text)).lastrowid
        assert number is not None
        if number % PRUNE_EVERY == 0:
            self._prune()
        self.change.notify()
        return ChatLine(number, chat_id, at_us, author, text)

    def lines(self, chat_id: int | None = None, *, since: int = 0, limit: int | None = None) -> list[ChatLine]:
        """The lines after the number `since`, of one chat or all, oldest first; with `limit` only the newest ones."""
        query = (
            f"SELECT {_COLUMNS} FROM lines WHERE id > ? AND (? IS NULL OR chat_id = ?) "  # noqa: S608
            "ORDER BY id DESC LIMIT ?"
        )
        # -1 is SQLite's word for no limit.
        bounds = (since, chat_id, chat_id, -1 if limit is None else limit)
        return [ChatLine(*row) for row in reversed(self._store.execute(query, bounds).fetchall())]

    def chats(self) -> list[Chat]:
        """All chats, the most recent first."""
        return [Chat(*row) for row in self._store.execute(_CHATS)]

    def updates(self, limit: int) -> list[ChatLine]:
        """The oldest `limit` updates: lines of persons that the bot has not confirmed."""
        query = f"SELECT {_COLUMNS} FROM lines WHERE id >= ? AND author = 'person' ORDER BY id LIMIT ?"  # noqa: S608
        return [ChatLine(*row) for row in self._store.execute(query, (self._confirmed(), limit))]

    def confirm(self, offset: int) -> None:
        """Confirm the updates before number `offset`; -N keeps the newest N, as Telegram does."""
        if offset < 0:
            newest = "SELECT id FROM lines WHERE author = 'person' ORDER BY id DESC LIMIT 1 OFFSET ?"
            found = self._store.execute(newest, (-offset - 1,)).fetchone()
            offset = found[0] if found else 0
        # A lower offset does not bring confirmed updates back.
        if offset > self._confirmed():
            self._put("confirmed", str(offset))

    @property
    def webhook(self) -> Webhook | None:
        """The webhook, if one is set."""
        url = self._get("webhook_url")
        return Webhook(url, self._get("webhook_secret")) if url else None

    def set_webhook(self, webhook: Webhook | None) -> None:
        """Set or remove (`None`) the webhook."""
        self._put("webhook_url", webhook.url if webhook else "")
        self._put("webhook_secret", webhook.secret if webhook else "")
        self.webhook_error = ""
        self.change.notify()

    def clear(self) -> int:
        """Remove all lines and return how many there were. Later lines continue the numbers."""
        removed = self._store.execute("DELETE FROM lines").rowcount
        self.change.notify(cleared=True)
        return removed

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _prune(self) -> None:
        first_kept = "SELECT id FROM lines ORDER BY id DESC LIMIT 1 OFFSET ?"
        gone = f"DELETE FROM lines WHERE id < ({first_kept}) AND (author = 'bot' OR id < ?)"  # noqa: S608
        self._store.execute(gone, (self._max_kept - 1, self._confirmed()))

    def _confirmed(self) -> int:
        return min(int(self._get("confirmed") or 0), _MAX_ID)

    def _get(self, name: str) -> str:
        found = self._store.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def _put(self, name: str, value: str) -> None:
        self._store.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))
