"""Foreign-key joins. A left row subscribes at the task of the right row with its foreign key, and receives answers.

Two topics of the query carry this, so that it works for any number of partitions: subscriptions, keyed by the foreign
key, and answers, keyed by the left key. The rules are those of Kafka Streams.
"""

from __future__ import annotations

from hashlib import blake2b

from bifrost.engine.state.codec import encoder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import KeyValueStore, Row

FORGET, FORGET_AND_ANSWER, ANSWER_IF_FOUND, ANSWER = range(4)
"""The instructions of a subscription: delete it (and answer), or store it and answer (if a right row exists)."""

Subscription = tuple[Key, list[object]]
"""The foreign key, and the message: left key, digest of the left row, instruction."""


class ForeignKeyLeft:
    """The left side: stores its rows, subscribes for them, and receives the answers."""

    def __init__(self, rows: KeyValueStore, *, outer: bool) -> None:
        self._rows = rows
        self._outer = outer
        self._encode = encoder()

    def change(
        self, key: Key, foreign: Key | None, row: Row | None, sent_key: Key, timestamp: int
    ) -> list[Subscription]:
        """Changes the row of a left key (None: deleted); `foreign` is its foreign key, `sent_key` the key as sent."""
        stored = None if row is None else (foreign, *row)
        before = self._rows.delete(key, timestamp) if stored is None else self._rows.put(key, stored, timestamp)
        old_foreign = None if before is None else before[0]
        digest = self._digest(stored)
        sent = list(sent_key)
        if row is None:
            return [] if old_foreign is None else [(old_foreign, [sent, digest, FORGET_AND_ANSWER])]
        if foreign is None:
            return [] if old_foreign is None else [(old_foreign, [sent, digest, FORGET_AND_ANSWER])]
        if old_foreign is None:
            # The left row has no result yet, so an inner join has nothing to delete if the right row is missing.
            return [(foreign, [sent, digest, ANSWER if self._outer else ANSWER_IF_FOUND])]
        # The old foreign key sends no answer: the new one's answer replaces the result, and answers of two tasks may
        # arrive in either order.
        moved: list[Subscription] = [(old_foreign, [sent, digest, FORGET])] if old_foreign != foreign else []
        return [*moved, (foreign, [sent, digest, ANSWER])]

    def answered(self, key: Key, digest: bytes | None, right: Row | None) -> tuple[Row | None, Row | None] | None:
        """Returns the (left, right) rows of an answer, (None, None) for a tombstone, None if the answer is outdated."""
        entry = self._rows.get(key)
        stored = None if entry is None else entry[0]
        if self._digest(stored) != digest:
            # The left row has changed since it subscribed; the answer to its newer subscription is on its way.
            return None
        if stored is None or (right is None and not self._outer):
            return None, None
        return stored[1:], right

    def _digest(self, stored: Row | None) -> bytes | None:
        return None if stored is None else blake2b(self._encode(list(stored)), digest_size=16).digest()


class ForeignKeyRight:
    """The right side: stores its rows and their subscriptions."""

    def __init__(self, rows: KeyValueStore, subscriptions: KeyValueStore) -> None:
        self._rows = rows
        self._subscriptions = subscriptions

    def change(self, foreign: Key, row: Row | None, timestamp: int) -> list[tuple[Key, bytes | None, Row | None]]:
        """Changes the row of a right key (None: deleted); returns answers as (left key, digest, right row)."""
        if row is None:
            self._rows.delete(foreign, timestamp)
        else:
            self._rows.put(foreign, row, timestamp)
        subscribers = [(pair[1], digest) for pair, ((digest,), _) in self._subscriptions.pairs_of(foreign)]
        subscribers.sort(key=lambda subscriber: sort_key(subscriber[0]))
        return [(key, digest, row) for key, digest in subscribers]

    def subscribe(
        self, foreign: Key, key: Key, digest: bytes | None, instruction: int, timestamp: int
    ) -> tuple[Key, bytes | None, Row | None, int] | None:
        """Takes a subscription; returns the answer as (left key, digest, right row, time), or None if none is due."""
        self._store(foreign, key, digest, timestamp, is_stored=instruction in (ANSWER, ANSWER_IF_FOUND))
        entry = self._rows.get(foreign)
        row, at = (None, timestamp) if entry is None else (entry[0], max(timestamp, entry[1]))
        if instruction == FORGET or (instruction == ANSWER_IF_FOUND and row is None):
            return None
        return key, digest, None if instruction == FORGET_AND_ANSWER else row, at

    def _store(self, foreign: Key, key: Key, digest: bytes | None, timestamp: int, *, is_stored: bool) -> None:
        if is_stored:
            self._subscriptions.put((foreign, key), (digest,), timestamp)
        else:
            self._subscriptions.delete((foreign, key), timestamp)
