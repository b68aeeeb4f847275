"""Dropping what a query has read of its repartition topics, which are kept for ever otherwise."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from confluent_kafka import TopicPartition

from bifrost.clients.kafka import KafkaAdmin
from bifrost.errors import RemoteError

_EVERY_MS = 30_000
_log = logging.getLogger(__name__)


class RepartitionPurge:
    """Drops records now and then, on a thread of its own: brokers take their time over it."""

    def __init__(self, admin: KafkaAdmin, query: str, topics: frozenset[str], now_ms: int) -> None:
        self._admin = admin
        self._query = query
        self._topics = topics
        self._next_ms = now_ms + _EVERY_MS

    def committed(self, offsets: Sequence[TopicPartition], now_ms: int) -> None:
        """Hears of committed offsets: nobody reads the records before them again."""
        if now_ms < self._next_ms:
            return
        self._next_ms = now_ms + _EVERY_MS
        read = [place for place in offsets if place.topic in self._topics]
        if read:
            threading.Thread(target=self._drop, args=(read,), name=f"{self._query} purge", daemon=True).start()

    def _drop(self, read: Sequence[TopicPartition]) -> None:
        try:
            self._admin.delete_records(read)
        except RemoteError as error:
            _log.warning("query %s: read records of repartition topics stay for now: %s", self._query, error)
